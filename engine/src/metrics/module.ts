import { pathToFileURL } from 'node:url';
import { fail } from '@quantsmith/schemas';
import { average, type Metric, type Outputs, type SampleContext, type Sums } from './metric.js';
import type { Label } from '../data/labels/label.js';

interface MetricModule {
  readonly name?: string;
  readonly higherIsBetter?: boolean;
  readonly evaluate: (outputs: Outputs, label: Label, sample: SampleContext) => number | Promise<number>;
}

/** A metric of the user's own. */
export async function loadMetric(path: string, configPath: string[]): Promise<Metric> {
  let module: MetricModule;
  try {
    module = ((await import(pathToFileURL(path).href)) as { default: MetricModule }).default;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail('metric-failed', `The metric module ${path} cannot be loaded: ${reason}.`, {
      file: path,
      configPath,
    });
  }
  if (typeof module?.evaluate !== 'function') {
    fail('metric-failed', `The metric module ${path} has no function "evaluate" in its default export.`, {
      file: path,
      configPath,
    });
  }
  const higherIsBetter = module.higherIsBetter ?? true;
  const metric: Metric<Sums> = {
    name: module.name ?? path,
    higherIsBetter,
    needsLabels: false,
    needsReference: false,
    async accumulate(outputs, label, _, context) {
      const value = await module.evaluate(outputs, label, context);
      if (typeof value === 'number' && Number.isFinite(value)) return [value];
      return fail('metric-failed', `${path} returned ${String(value)} for sample "${context.name}".`, {
        file: path,
        configPath,
      });
    },
    result: average,
    sampleError: ([value = 0]) => (higherIsBetter ? -value : value),
  };
  return metric;
}
