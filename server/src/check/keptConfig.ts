import { readText } from '@quantsmith/model/files';
import type { QuantizationReport } from '@quantsmith/schemas';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Sources } from '../sources/sources.js';

/**
 * The config's text that a report's run was made with, a file of the history; null: it was not kept. `reportPath`: where the report
 * lies, whose paths are relative to it. Never throws.
 */
export async function keptConfig(report: QuantizationReport, reportPath: string): Promise<string | null> {
  const config = resolve(dirname(reportPath), report.config.path);
  const name = basename(config);
  const history = join(dirname(config), '.quantsmith', 'runs', name);
  const time = report.created.replaceAll(':', '-');
  const names = (await readdir(history).catch(() => [])).filter((entry) => entry.startsWith(time));
  for (const folder of names.sort()) {
    if (await isRunOf(report, join(history, folder, 'report.json'))) return join(history, folder, name);
  }

  return null;
}

async function isRunOf({ created, output }: QuantizationReport, path: string): Promise<boolean> {
  try {
    const kept = JSON.parse(await readText(path)) as Partial<QuantizationReport> | null;
    return kept?.created === created && kept.output?.sha256 === output.sha256;
  } catch {
    return false;
  }
}

/** The report of the run that the history keeps a config's text of, with absolute paths; null: the text is no such one. */
export async function keptReport(text: string, sources: Pick<Sources, 'report'>) {
  const report = (await sources.report(join(dirname(text), 'report.json')))?.report ?? null;
  return report !== null && basename(report.config.path) === basename(text) ? report : null;
}
