import { type ModelProto } from '@quantsmith/model/onnx';
import { sessionOptions, type Quantization } from '../quantize/quantization.js';
import type { Session } from '../runtime/session.js';
import { withTimedPair } from '../runtime/timedPair.js';

/** The float model and the quantized one, loaded as they are compared and timed. */
export interface FinishedSessions {
  readonly float: Session;
  readonly quantized: Session;
}

/** Loads both models, and releases them whatever happens. */
export async function withFinishedSessions<T>(
  quantization: Quantization,
  final: ModelProto,
  threads: number,
  body: (sessions: FinishedSessions) => Promise<T>,
): Promise<T> {
  const { model, dir } = quantization.prepared;
  return withTimedPair(
    { source: model, options: { threads, dir } },
    { source: final, options: { threads, ...sessionOptions(quantization) } },
    (float, quantized) => body({ float, quantized }),
  );
}
