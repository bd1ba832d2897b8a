import type { QuantizationConfig, QuantizationReport } from '@quantsmith/schemas';
import { namedPaths, type Change } from '@quantsmith/service';
import { resolve } from 'node:path';
import type { Sources } from './sources.js';

/**
 * Whether a report still describes the config: its text by hash, model and data by the times of their files (hashing
 * gigabytes of samples at every key stroke would be no help to anybody).
 */
export async function changedSince(
  report: QuantizationReport,
  config: QuantizationConfig,
  configSha256: string,
  baseDir: string,
  sources: Pick<Sources, 'changed'>,
): Promise<Change> {
  if (report.config.sha256 !== configSha256) return 'config';
  const created = Date.parse(report.created);
  const model = resolve(baseDir, config.model);
  const modelTime = await sources.changed(model);
  if (model !== report.model.path || (modelTime ?? 0) > created) return 'model';

  const data = namedPaths(config, baseDir).filter(({ path }) => path[0] === 'data');
  const times = await Promise.all(data.map(({ file }) => sources.changed(file)));
  if (times.some((time) => (time ?? 0) > created)) return 'data';
  return modelTime === null || times.includes(null) ? 'unknown' : null;
}
