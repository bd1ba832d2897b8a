import { collectOutputs } from '../metrics/evaluate.js';
import type { Outputs } from '../metrics/metric.js';
import type { Quantization } from '../quantize/quantization.js';
import type { Workers } from '../runtime/workers.js';
import type { Validation } from '../validation/validation.js';

/** The float model's outputs on some samples, by index. */
export type Reference = ReadonlyMap<number, Outputs>;

export async function openReference(
  {
    quantization: { prepared },
    validation,
    workers,
  }: { quantization: Quantization; validation: Validation; workers: Workers },
  indices: readonly number[],
): Promise<Reference> {
  const runner = await workers.open(prepared.model, { dir: prepared.dir });
  try {
    return await collectOutputs(runner, validation.source, indices);
  } finally {
    await runner.release();
  }
}
