import { readAhead } from '../data/source.js';
import type { SampleSource } from '../data/types.js';
import type { Metric, Outputs } from '../metrics/metric.js';
import type { ModelRunner } from '../runtime/workers.js';
import type { Task } from '../tasks/task.js';

/**
 * The error of each sample's outputs that the metric has for outputs, beside the float model's (by index), else their relative error. What is no number or infinite is
 * the largest number: errors are kept as JSON, which has neither.
 */
export async function outputErrors(
  runner: ModelRunner,
  { source, metric, task }: { readonly source: SampleSource; readonly metric: Metric; readonly task: Task },
  indices: readonly number[],
  expected: ReadonlyMap<number, Outputs>,
): Promise<number[]> {
  const errors: number[] = [];
  for await (const [{ name, feeds, image }, outputs] of runner.run(readAhead(source, indices))) {
    const float = expected.get(indices[errors.length] ?? 0) ?? {};
    const context = { name, feeds, image: image ?? null, task };
    const error = metric.outputError?.(outputs, float, context) ?? relativeErrors(outputs, float);
    errors.push(Number.isFinite(error) ? error : Number.MAX_VALUE);
  }

  return errors;
}

/** Mean over the float outputs of ‖x − y‖² / ‖x‖², x from the float model. */
function relativeErrors(outputs: Outputs, float: Outputs): number {
  return mean(
    Object.entries(float).flatMap(([name, { data }]) => {
      const actual = outputs[name]?.data;
      const comparable = data instanceof Float32Array && actual instanceof Float32Array;
      return comparable ? [relativeError(data, actual)] : [];
    }),
  );
}

function relativeError(expected: Float32Array, actual: Float32Array): number {
  let signal = 0;
  let noise = 0;
  expected.forEach((value, i) => {
    signal += value ** 2;
    noise += (value - (actual[i] ?? Number.NaN)) ** 2;
  });

  return noise === 0 ? 0 : noise / signal;
}

/** The mean of some errors; the largest number where one of them is not finite. */
export function meanError(errors: readonly number[]): number {
  const error = mean(errors);
  return Number.isFinite(error) && !errors.includes(Number.MAX_VALUE) ? error : Number.MAX_VALUE;
}

const mean = (values: readonly number[]) =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
