import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Change } from '@quantsmith/service';
import type { QuantizationConfig, QuantizationReport } from '@quantsmith/schemas';

/** Files of a data folder that are looked at. */
const MOST_FILES = 2000;

/**
 * Whether a report still describes the config: its text by hash, model and data by the times of their files (hashing
 * gigabytes of samples at every key stroke would be no help to anybody).
 */
export async function changedSince(
  report: QuantizationReport,
  config: QuantizationConfig,
  configSha256: string,
  baseDir: string,
): Promise<Change> {
  if (report.config.sha256 !== configSha256) return 'config';
  const created = Date.parse(report.created);
  const model = resolve(baseDir, config.model);
  if (model !== report.model.path || (await newest(model)) > created) return 'model';
  const { calibration, validation } = config.data;
  const files = [calibration, validation].flatMap((section) =>
    [section?.images, section?.arrays, section?.tensors, section?.loader].filter(
      (path) => path !== undefined,
    ),
  );
  const labels = validation?.labels ?? undefined;
  const times = await Promise.all(
    [...files, ...(labels === undefined ? [] : [labels])].map((path) => newest(resolve(baseDir, path))),
  );
  return times.some((time) => time > created) ? 'data' : null;
}

/** The latest change of a file, or of a folder and what lies in it; 0 where there is none. */
async function newest(path: string): Promise<number> {
  const info = await stat(path).catch(() => null);
  if (info === null) return 0;
  if (!info.isDirectory()) return info.mtimeMs;
  const entries = await readdir(path).catch(() => []);
  const times = await Promise.all(
    entries.slice(0, MOST_FILES).map(async (name) => {
      const entry = await stat(join(path, name)).catch(() => null);
      return entry?.mtimeMs ?? 0;
    }),
  );
  return times.reduce((latest, time) => Math.max(latest, time), info.mtimeMs);
}
