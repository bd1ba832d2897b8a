import { resolve } from 'node:path';
import { fail, type MetricName } from '@quantsmith/schemas';
import { BUILT_IN } from './builtIn.js';
import type { ModuleContext } from '../data/modules/start.js';
import type { Metric } from './metric.js';
import { loadMetric } from './module.js';

/** The metric of that name, or of the module at that path. Throws `metric-unknown`, `modules-not-allowed`, `metric-failed`. */
export async function openMetric(name: string, context: ModuleContext): Promise<Metric> {
  if (Object.hasOwn(BUILT_IN, name)) return BUILT_IN[name as MetricName];
  const configPath = ['accuracy_control', 'metric'] as const;
  if (!/\.[cm]?[jt]s$/.test(name))
    fail('metric-unknown', `There is no metric "${name}".`, { configPath, data: { name } });

  return loadMetric({ role: 'metric', path: resolve(context.baseDir, name), configPath }, context);
}
