import { readAhead } from '../data/source.js';
import type { Sample, SampleSource } from '../data/types.js';
import type { ModelRunner } from '../runtime/workers.js';
import type { Metric, Outputs, SampleState } from './metric.js';
import type { Task } from '../tasks/task.js';

export interface Evaluation {
  readonly value: number;
  /** One state a sample, in the order of the indices. */
  readonly states: readonly SampleState[];
}

/** Outputs of the float model by sample index, kept for metrics that compare with them. */
export type ReferenceOutputs = ReadonlyMap<number, Outputs>;

/** Measures a model on the samples with these indices. */
export async function evaluate(
  runner: ModelRunner,
  source: SampleSource,
  indices: readonly number[],
  metric: Metric,
  options: { task: Task; reference?: ReferenceOutputs; onSample?: (done: number) => void },
): Promise<Evaluation> {
  const states: SampleState[] = [];
  for await (const [sample, outputs] of runner.run(readAhead(source, indices))) {
    const reference = options.reference?.get(indices[states.length]!) ?? null;
    states.push(await accumulate(metric, outputs, sample, reference, options.task));
    options.onSample?.(states.length);
  }

  return { value: metric.result(states), states };
}

/** What the metric keeps of one sample. */
export function accumulate(
  metric: Metric,
  outputs: Outputs,
  { name, feeds, label, image }: Sample,
  reference: Outputs | null,
  task: Task,
): SampleState {
  return metric.accumulate(outputs, label, reference, { name, feeds, image: image ?? null, task });
}

/** The model's outputs for every sample, for metrics of output difference. */
export async function collectOutputs(
  runner: ModelRunner,
  source: SampleSource,
  indices: readonly number[],
  onSample?: (done: number) => void,
): Promise<ReferenceOutputs> {
  const outputs = new Map<number, Outputs>();
  let done = 0;
  for await (const [, results] of runner.run(readAhead(source, indices))) {
    outputs.set(indices[done]!, results);
    done++;
    onSample?.(done);
  }

  return outputs;
}

/** The `size` samples whose error grew most, as sorted indices; ties keep the lower index. */
export function worstSamples(errors: readonly number[], size: number): number[] {
  return errors
    .map((error, index) => ({ error, index }))
    .sort((a, b) => b.error - a.error || a.index - b.index)
    .slice(0, size)
    .map(({ index }) => index)
    .sort((a, b) => a - b);
}
