import type { QuantizationConfig, QuantizationReport } from '@quantsmith/schemas';
import {
  isReportOf,
  namedPaths,
  type Change,
  type ConfigDocument,
  type Inherited,
} from '@quantsmith/service';
import { resolve } from 'node:path';
import type { Sources } from './sources.js';

export interface SavedConfig {
  readonly document: ConfigDocument;
  readonly inherited: Inherited;
  readonly config: QuantizationConfig;
  readonly baseDir: string;
}

/**
 * Whether a report still describes a config: what it asks for, and the contents of model and data. The times of files only
 * say that nothing changed: a clone or checkout makes them new. A newer model is hashed; newer data is not looked into
 * (gigabytes of samples would be read at every key stroke), and unknown.
 */
export async function changedSince(
  report: QuantizationReport,
  { document, inherited, config, baseDir }: SavedConfig,
  sources: Pick<Sources, 'changed' | 'content'>,
): Promise<Change> {
  if (!isReportOf(report, document, inherited, config)) return 'config';
  const created = Date.parse(report.created);
  const model = await modelChanged(resolve(baseDir, config.model), report, created, sources);
  if (model !== null) return model;

  const data = namedPaths(config, baseDir).filter(({ path }) => path[0] === 'data');
  const times = await Promise.all(data.map(({ file }) => sources.changed(file)));

  return times.some((time) => time === null || time > created) ? 'unknown' : null;
}

async function modelChanged(
  file: string,
  { model }: QuantizationReport,
  created: number,
  sources: Pick<Sources, 'changed' | 'content'>,
): Promise<Change> {
  const time = await sources.changed(file);
  if (file === model.path && time !== null && time <= created) return null;
  const content = await sources.content(file);
  if (content === null) return 'unknown';
  if (content.sha256 === model.sha256) return null;
  return content.mayBeExternal ? 'unknown' : 'model';
}
