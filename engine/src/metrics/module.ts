import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { fail, type ConfigPath } from '@quantsmith/schemas';
import type { Label } from '../data/labels/label.js';
import { moduleCall } from '../data/moduleCall.js';
import { average, type Metric, type Outputs, type SampleContext, type Sums } from './metric.js';

/**
 * The default export of a metric's module: `evaluate`, whose values are averaged, or `accumulate` and `result`, which keep
 * any JSON of each sample and make the value of it.
 */
interface MetricModule {
  readonly name?: string;
  /** Left out: true. */
  readonly higherIsBetter?: boolean;
  /** Whether `accumulate` gets the float model's outputs. */
  readonly needsFloatOutputs?: boolean;
  readonly evaluate?: (outputs: Outputs, label: Label, sample: SampleContext) => number | Promise<number>;
  readonly accumulate?: (
    outputs: Outputs,
    label: Label,
    floatOutputs: Outputs | null,
    sample: SampleContext,
  ) => unknown;
  readonly result?: (states: readonly unknown[]) => number;
  /** Of one sample, larger is worse; left out: the value of it alone. */
  readonly sampleError?: (state: unknown) => number;
}

/** A metric of the user's own. Throws `metric-failed`, as its functions do. */
export async function loadMetric(path: string, configPath: ConfigPath): Promise<Metric> {
  const where = { file: path, configPath };
  const guarded = <T>(what: string, body: () => T | Promise<T>) =>
    moduleCall({ code: 'metric-failed', what: `The metric ${path} failed ${what}`, path, configPath }, body);
  const module = await guarded(
    'to start',
    async () => ((await import(pathToFileURL(path).href)) as { default?: MetricModule }).default ?? {},
  );
  const identity = createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

  const higherIsBetter = module.higherIsBetter ?? true;
  const finite = (value: unknown, source: string): number =>
    typeof value === 'number' && Number.isFinite(value)
      ? value
      : fail('metric-failed', `The metric ${path} returned ${String(value)} for ${source}.`, where);

  const shared = { name: module.name ?? path, higherIsBetter, needsLabels: false, identity };
  const { evaluate, accumulate, result, sampleError } = module;
  if (accumulate !== undefined && result !== undefined) {
    const value = (states: readonly unknown[]) => finite(result(states), 'the samples');
    const metric: Metric = {
      ...shared,
      needsReference: module.needsFloatOutputs === true,
      accumulate: (outputs, label, floatOutputs, context) =>
        guarded(`at sample "${context.name}"`, () => accumulate(outputs, label, floatOutputs, context)),
      result: value,
      sampleError: (state) => sampleError?.(state) ?? (higherIsBetter ? -1 : 1) * value([state]),
    };

    return metric;
  }

  if (evaluate === undefined) {
    fail(
      'metric-failed',
      `The metric ${path} exports neither "evaluate" nor "accumulate" and "result" by default.`,
      where,
    );
  }

  const metric: Metric<Sums> = {
    ...shared,
    needsReference: false,
    async accumulate(outputs, label, _, context) {
      const source = `sample "${context.name}"`;
      return [finite(await guarded(`at ${source}`, () => evaluate(outputs, label, context)), source)];
    },
    result: average,
    sampleError: ([value = 0]) => (higherIsBetter ? -value : value),
  };

  return metric;
}
