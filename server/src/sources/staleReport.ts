import { configuredData, type QuantizationConfig, type QuantizationReport } from '@quantsmith/schemas';
import { isReportOf, type Change, type ConfigDocument, type Inherited } from '@quantsmith/service';
import { join, resolve } from 'node:path';
import type { Sources } from './sources.js';

export interface SavedConfig {
  readonly document: ConfigDocument;
  readonly inherited: Inherited;
  readonly config: QuantizationConfig;
  readonly baseDir: string;
}

/**
 * Whether a report still describes a config: what it asks for, and the contents of model and data. The times of files only
 * say that nothing changed: a clone or checkout makes them new. Newer ones are hashed, once, while answers
 * go on; what is too large for that is unknown.
 */
export async function changedSince(
  report: QuantizationReport,
  { document, inherited, config, baseDir }: SavedConfig,
  sources: Pick<Sources, 'changed' | 'content' | 'dataContent'>,
): Promise<Change> {
  if (!isReportOf(report, document, inherited, config)) return 'config';
  const created = Date.parse(report.created);
  const model = await modelChanged(resolve(baseDir, config.model), report, created, sources);
  if (model !== null) return model;

  return dataChanged(configuredData(config, join(baseDir, 'config')), report, created, sources);
}

/** `touch`, a clone and a checkout make files newer and leave what is in them: newer data is read, once. */
async function dataChanged(
  files: readonly string[],
  { data }: QuantizationReport,
  created: number,
  sources: Pick<Sources, 'changed' | 'dataContent'>,
): Promise<Change> {
  const times = await Promise.all(files.map(sources.changed));
  if (times.every((time) => time !== null && time <= created)) return null;
  const known = data?.content_sha256 ?? null;
  const content = known === null ? null : await sources.dataContent(files);
  if (content === null) return 'unknown';
  return content === known ? null : 'data';
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
