import type { Sample } from '../data/types.js';
import { collectOutputs } from '../metrics/evaluate.js';
import type { Metric, Outputs } from '../metrics/metric.js';
import type { Task } from '../tasks/task.js';
import type { Quantization } from '../quantize/quantization.js';
import type { Workers, ModelRunner } from '../runtime/workers.js';
import type { Validation } from '../validation/validation.js';

/** The float model's outputs on some samples, in their order. */
export type Reference = readonly Outputs[];

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
    const outputs = await collectOutputs(runner, validation.source, indices);
    return indices.map((index) => outputs.get(index)!);
  } finally {
    await runner.release();
  }
}

/** Mean over samples of the error that the metric has for outputs, else of their relative error. */
export async function meanError(
  runner: ModelRunner,
  samples: AsyncIterable<Sample>,
  expected: Reference,
  { metric, task }: { readonly metric: Metric; readonly task: Task },
): Promise<number> {
  const errors: number[] = [];
  for await (const [{ name, feeds, image }, outputs] of runner.run(samples)) {
    const float = expected[errors.length]!;
    const context = { name, feeds, image: image ?? null, task };
    errors.push(metric.outputError?.(outputs, float, context) ?? outputsError(outputs, float));
  }

  const error = errors.length === 0 ? 0 : errors.reduce((sum, error) => sum + error, 0) / errors.length;

  // Kept as JSON, which has no infinities.
  return Number.isFinite(error) ? error : Number.MAX_VALUE;
}

/** Mean over the float outputs of ‖x − y‖² / ‖x‖², x from the float model. */
function outputsError(outputs: Outputs, float: Outputs): number {
  const errors = Object.entries(float).flatMap(([name, { data }]) => {
    const actual = outputs[name]?.data;
    const comparable = data instanceof Float32Array && actual instanceof Float32Array;
    return comparable ? [relativeError(data, actual)] : [];
  });

  return errors.length === 0 ? 0 : errors.reduce((sum, error) => sum + error, 0) / errors.length;
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
