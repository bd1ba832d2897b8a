import { resolve } from 'node:path';
import { fail, type MetricName } from '@quantsmith/schemas';
import { BUILT_IN } from './builtIn.js';
import type { ModuleOptions } from '../data/modules/moduleProcess.js';
import type { Metric } from './metric.js';
import { loadMetric } from './module.js';

/** The metric of that name, or of the module at that path. Throws `metric-unknown`, `modules-not-allowed`, `metric-failed`. */
export async function openMetric(
  name: string,
  context: { baseDir: string; allowModules: boolean; modules?: ModuleOptions },
): Promise<Metric> {
  if (Object.hasOwn(BUILT_IN, name)) return BUILT_IN[name as MetricName];
  const configPath = ['accuracy_control', 'metric'] as const;
  if (!/\.[cm]?[jt]s$/.test(name))
    fail('metric-unknown', `There is no metric "${name}".`, { configPath, data: { name } });
  const path = resolve(context.baseDir, name);
  if (!context.allowModules) {
    fail(
      'modules-not-allowed',
      `${path} is a program; it runs only when modules are allowed (--allow-modules, or the setting in a trusted workspace).`,
      { file: path, configPath },
    );
  }

  return loadMetric(path, configPath, context);
}
