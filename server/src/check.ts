import { isConfig, type QuantizationConfig } from '@quantsmith/schemas';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { parseConfig, type ConfigDocument } from './document/document.js';
import { findNode, valueOf } from './document/tree.js';
import type { Finding } from './diagnostics.js';
import { createModelCache, type ModelCache } from './model/load.js';
import { findAll } from './rules/all.js';
import { changedSince } from './runs/freshness.js';
import { outputPaths, readReport } from './runs/reports.js';

export interface CheckedFinding extends Finding {
  /** Zero-based, in UTF-16 code units, as in the language server protocol. */
  readonly range: {
    readonly start: { readonly line: number; readonly character: number };
    readonly end: { readonly line: number; readonly character: number };
  };
}

/** A config file with everything that is wrong with it. */
export interface CheckedConfig {
  readonly path: string;
  /** null when it is not valid. */
  readonly config: QuantizationConfig | null;
  readonly text: string;
  readonly sha256: string;
  readonly findings: readonly CheckedFinding[];
}

/** Reads and checks a config file: the command line's view of the server's rules. Never throws. */
export async function checkConfigFile(path: string): Promise<CheckedConfig> {
  const file = resolve(path);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const reason =
      error instanceof Error && 'code' in error && error.code === 'ENOENT'
        ? 'it does not exist'
        : String(error);
    const zero = { line: 0, character: 0 };
    const finding: CheckedFinding = {
      code: 'config-unreadable',
      severity: 'error',
      message: `The config ${file} cannot be read: ${reason}.`,
      start: 0,
      end: 0,
      path: [],
      range: { start: zero, end: zero },
    };
    return { path: file, config: null, text: '', sha256: '', findings: [finding] };
  }
  const document = parseConfig(TextDocument.create(pathToFileURL(file).href, '', 1, text));
  const { findings, config } = await checkDocument(document, file, createModelCache());
  const ranged = findings
    // A past run is no reason to refuse the next one.
    .filter((finding) => !PAST_RUN.has(finding.code))
    .map((finding) => ({ ...finding, range: rangeOf(document, finding) }));
  return { path: file, config, text, sha256: sha256(text), findings: ranged };
}

/** Findings that describe the last run, not the config. */
export const PAST_RUN: ReadonlySet<string> = new Set([
  'accuracy-drop',
  'accuracy-restored',
  'accuracy-kept',
  'setting-cost',
  'report-stale',
  'overflow-risk',
  'run-warning',
]);

/** All findings of a parsed config that lies (or would lie) at `file`; null: it is not saved. */
export async function checkDocument(
  document: ConfigDocument,
  file: string | null,
  models: ModelCache,
): Promise<{ findings: Finding[]; config: QuantizationConfig | null }> {
  const baseDir = file === null ? null : dirname(file);
  const modelNode = findNode(document.tree, ['model']);
  const named = modelNode?.kind === 'scalar' && typeof modelNode.value === 'string' ? modelNode.value : null;
  const loaded = baseDir === null || named === null ? null : await models.get(resolve(baseDir, named));
  const value = valueOf(document.tree);
  const paths =
    baseDir === null || typeof value !== 'object' || value === null ? null : outputPaths(value, baseDir);
  const found = paths === null ? null : await readReport(paths.report);
  // Another config may write to the same place: its report says nothing of this one.
  const report = found !== null && found.config.path === file ? found : null;
  const hash = report === null ? '' : sha256(document.text.getText());
  const changed =
    report === null || baseDir === null || !isConfig(value)
      ? null
      : await changedSince(report, value, hash, baseDir);
  return findAll(document, {
    baseDir,
    model: loaded?.model ?? null,
    modelProblem: loaded?.problem ?? null,
    report,
    changed,
  });
}

export function rangeOf(
  document: ConfigDocument,
  { start, end }: { start: number; end: number },
): CheckedFinding['range'] {
  return { start: document.text.positionAt(start), end: document.text.positionAt(end) };
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
