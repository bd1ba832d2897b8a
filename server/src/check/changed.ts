import { fileSha256 } from '@quantsmith/model/files';
import {
  type ConfigPath,
  configuredOutput,
  isRecord,
  outputFiles,
  placeText,
  type QuantizationReport,
  type Settings,
  TOOL,
  withSettings,
} from '@quantsmith/schemas';
import { inherit, parseConfig } from '@quantsmith/service';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { changedSince } from '../sources/staleReport.js';
import { createSources } from '../sources/sources.js';
import { checkConfigText, positionIn, type CheckedConfig } from './check.js';

const START = { line: 0, character: 0 };

/**
 * A checked config with other settings, checked again: findings stand where its file has what they are about, which `placeOf` tells
 * of what the settings say. The matrix of the file is no part of it. Never throws.
 */
export async function checkConfigWith(
  written: CheckedConfig,
  settings: Settings,
  placeOf: (path: ConfigPath) => ConfigPath = (path) => path,
): Promise<CheckedConfig> {
  if (!isRecord(written.value) || hasUnreadBase(written)) return written;
  const config = withSettings(written.value, settings);
  const checked = await checkConfigText(JSON.stringify(config), written.path);
  const findings = checked.findings.map((finding) => {
    const path = placeOf(finding.path);
    // What was found in the text is told in its words.
    const same = written.findings.find(
      (other) =>
        other.code === finding.code &&
        placeText(other.path) === placeText(path) &&
        (other.message === finding.message || path[0] === 'matrix'),
    );
    const start = positionIn(written, path) ?? START;
    return same ?? { ...finding, path, range: { start, end: start } };
  });

  return { ...checked, text: written.text, findings };
}

/** Whether what a config extends cannot be read, or has what is not allowed: what it means is not known then. */
export const hasUnreadBase = ({ findings }: CheckedConfig): boolean =>
  findings.some(({ code }) => code.startsWith('extends-'));

/** The report of a run that would give the same again: of this config, model, data, program and CPU, its model as it was written. */
export async function finishedRun({ config, path }: CheckedConfig): Promise<QuantizationReport | null> {
  if (config === null) return null;
  const files = outputFiles(configuredOutput(config, path));
  const sources = createSources();
  const report = (await sources.report(files.report))?.report ?? null;
  if (report === null || report.tool.version !== TOOL.version) return null;
  if (report.runtime.cpu.model !== (cpus()[0]?.model ?? '')) return null;
  const written = await fileSha256(files.output).catch(() => null);
  if (written !== report.output.sha256) return null;
  const text = TextDocument.create(pathToFileURL(path).href, '', 1, JSON.stringify(config));
  const document = parseConfig(text);
  const inherited = await inherit(document, path, sources.config);
  const saved = { document, inherited, config, baseDir: dirname(path) };

  return (await changedSince(report, saved, sources)) === null ? report : null;
}
