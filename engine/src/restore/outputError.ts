import type { Sample } from '../data/types.js';
import { collectOutputs } from '../metrics/evaluate.js';
import type { Outputs } from '../metrics/metric.js';
import type { Quantization } from '../quantize/quantization.js';
import type { Lanes, ModelRunner } from '../runtime/lanes.js';
import type { Validation } from '../validation/validation.js';

/** The float model's outputs on some samples, in their order. */
export type Reference = readonly Outputs[];

export async function openReference(
  {
    quantization: { prepared },
    validation,
    lanes,
  }: { quantization: Quantization; validation: Validation; lanes: Lanes },
  indices: readonly number[],
): Promise<Reference> {
  const runner = await lanes.open(prepared.model, { dir: prepared.dir });
  try {
    const outputs = await collectOutputs(runner, validation.source, indices);
    return indices.map((index) => outputs.get(index)!);
  } finally {
    await runner.release();
  }
}

/** Mean over samples and outputs of ‖x − y‖² / ‖x‖², x from the float model. */
export async function meanError(
  runner: ModelRunner,
  samples: AsyncIterable<Sample>,
  expected: Reference,
): Promise<number> {
  let total = 0;
  let terms = 0;
  let position = 0;
  for await (const [, outputs] of runner.run(samples)) {
    for (const [name, { data }] of Object.entries(expected[position++]!)) {
      const actual = outputs[name]?.data;
      if (!(data instanceof Float32Array) || !(actual instanceof Float32Array)) continue;
      total += relativeError(data, actual);
      terms++;
    }
  }
  const error = terms === 0 ? 0 : total / terms;
  // Kept as JSON, which has no infinities.
  return Number.isFinite(error) ? error : Number.MAX_VALUE;
}

function relativeError(expected: Float32Array, actual: Float32Array): number {
  let signal = 0;
  let noise = 0;
  for (let i = 0; i < expected.length; i++) {
    signal += expected[i]! ** 2;
    noise += (expected[i]! - actual[i]!) ** 2;
  }
  return noise === 0 ? 0 : noise / signal;
}
