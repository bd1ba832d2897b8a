import { whyUnreadable } from '@quantsmith/model/files';
import { type ConfigPath, above, type QuantizationConfig, type SettingDifference } from '@quantsmith/schemas';
import {
  type ConfigDocument,
  configHash,
  findAll,
  findEntry,
  type Finding,
  fixAll,
  parseConfig,
  rangeOf,
  settingDifferences,
} from '@quantsmith/service';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { gatherContext } from '../sources/context.js';
import { textOf } from '../sources/look.js';
import { createSources, MAX_CONFIG_BYTES } from '../sources/sources.js';

export interface CheckedFinding extends Finding {
  /** Zero-based, in UTF-16 code units, as in the language server protocol. */
  readonly range: {
    readonly start: { readonly line: number; readonly character: number };
    readonly end: { readonly line: number; readonly character: number };
  };
}

/** A config file, with what it extends, and everything that is wrong with it. */
export interface CheckedConfig {
  readonly path: string;
  /** null when it is not valid. What it extends is written into it. */
  readonly config: QuantizationConfig | null;
  readonly text: string;
  /** Of the text, and of those that it extends. */
  readonly sha256: string;
  readonly findings: readonly CheckedFinding[];
}

/** Reads and checks a config file: the command line's view of the server's rules. Never throws. */
export async function checkConfigFile(path: string): Promise<CheckedConfig> {
  const file = resolve(path);
  let text: string | null;
  try {
    text = await textOf(file, MAX_CONFIG_BYTES);
    if (text === null) throw new Error(`it is larger than ${MAX_CONFIG_BYTES / 1024 ** 2} MiB`);
  } catch (error) {
    const zero = { line: 0, character: 0 };
    const finding: CheckedFinding = {
      code: 'config-unreadable',
      severity: 'error',
      message: `The config ${file} ${whyUnreadable(error)}.`,
      start: 0,
      end: 0,
      path: [],
      range: { start: zero, end: zero },
    };

    return { path: file, config: null, text: '', sha256: '', findings: [finding] };
  }

  return checkConfigText(text, file);
}

/** Checks the text of a config that lies, or would lie, at `path`: relative paths in it start at its folder. Never throws. */
export async function checkConfigText(text: string, path: string): Promise<CheckedConfig> {
  const file = resolve(path);
  const document = parsed(text, file);
  const context = await gatherContext(document, file, createSources());
  const { findings, config } = findAll(document, context);
  const ranged = findings
    // A past run is no reason to refuse the next one.
    .filter((finding) => !PAST_RUN.has(finding.code))
    .map((finding) => ({ ...finding, range: rangeOf(document, finding) }));

  return { path: file, config, text, sha256: configHash(document, context.inherited), findings: ranged };
}

/** The checked config without findings that something else settles. */
export function withoutFindings(checked: CheckedConfig, codes: readonly string[]): CheckedConfig {
  return { ...checked, findings: checked.findings.filter(({ code }) => !codes.includes(code)) };
}

/** The text with everything fixed that is no more than another spelling; the same text when there is none. */
export async function fixConfigText(text: string, path: string): Promise<string> {
  const file = resolve(path);
  const document = parsed(text, file);
  const context = await gatherContext(document, file, createSources());
  const [action] = fixAll(document, (current) => findAll(current, context).findings);
  return TextDocument.applyEdits(document.text, action?.edit?.changes?.[document.text.uri] ?? []);
}

/** The settings that differ between config files, as they are written there. Throws where one cannot be read. */
export async function settingDifferencesOf(files: readonly string[]): Promise<SettingDifference[]> {
  const read = async (file: string) => parsed((await textOf(file, MAX_CONFIG_BYTES)) ?? '', file);
  return settingDifferences(await Promise.all(files.map(read)));
}

function parsed(text: string, file: string): ConfigDocument {
  return parseConfig(TextDocument.create(pathToFileURL(file).href, '', 1, text));
}

/** Where the nearest key of a path is written in a checked config; null: nowhere, or in what it extends. */
export function positionIn(
  { path: file, text }: CheckedConfig,
  path: ConfigPath,
): { readonly line: number; readonly character: number } | null {
  const document = parsed(text, file);
  for (let place = path; place.length > 0; place = above(place)) {
    const entry = findEntry(document.tree, place);
    if (entry !== undefined) return document.text.positionAt((entry.value ?? entry.keySpan).start);
  }

  return null;
}

/** Findings that describe the last run, not the config. */
const PAST_RUN: ReadonlySet<string> = new Set([
  'accuracy-drop',
  'accuracy-restored',
  'accuracy-kept',
  'setting-cost',
  'report-stale',
  'last-report-unreadable',
  'overflow-risk',
  'run-warning',
]);
