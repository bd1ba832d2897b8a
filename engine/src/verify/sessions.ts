import { type ModelProto } from '@quantsmith/model/onnx';
import { sessionOptions, type Quantization } from '../quantize/quantization.js';
import { createSession, type Session } from '../runtime/session.js';

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
  const float = await createSession(model, { threads, dir, timed: true });
  try {
    const quantized = await createSession(final, {
      ...{ threads, timed: true },
      ...sessionOptions(quantization),
    });
    try {
      return await body({ float, quantized });
    } finally {
      await quantized.release();
    }
  } finally {
    await float.release();
  }
}
