import { whyUnreadable } from '@quantsmith/model/files';
import {
  type ConfigPath,
  above,
  isConfig,
  type QuantizationConfig,
  type SettingDifference,
} from '@quantsmith/schemas';
import {
  type ConfigDocument,
  configHash,
  effectiveValue,
  extendsOf,
  findAll,
  findEntry,
  findNode,
  type Finding,
  fixAll,
  inherit,
  isReportOf,
  parseConfig,
  rangeOf,
  settingDifferences,
} from '@quantsmith/service';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { gatherContext } from '../sources/context.js';
import { textOf } from '../sources/look.js';
import { createSources, MAX_CONFIG_BYTES, type Sources } from '../sources/sources.js';
import { keptReport } from './keptConfig.js';

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
  /** The same, valid or not; undefined: the text cannot be read. */
  readonly value: unknown;
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

    return { path: file, config: null, value: undefined, text: '', sha256: '', findings: [finding] };
  }

  return checkConfigText(text, file);
}

/** Checks the text of a config that lies, or would lie, at `path`: relative paths in it start at its folder. Never throws. */
export async function checkConfigText(text: string, path: string): Promise<CheckedConfig> {
  const file = resolve(path);
  const document = parsed(text, file);
  const context = await gatherContext(document, file, createSources());
  const { findings, config, value } = findAll(document, context);
  const ranged = findings
    // A past run is no reason to refuse the next one.
    .filter((finding) => !PAST_RUN.has(finding.code))
    .map((finding) => ({ ...finding, range: rangeOf(document, finding) }));

  return {
    ...{ path: file, config, value, text },
    ...{ sha256: configHash(document, context.inherited), findings: ranged },
  };
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

/**
 * The settings that differ between config files, with what they extend; of one that the history keeps, as its run had them.
 * null: what one of them extends is not there, or not any more as it was then. Throws where one cannot be read.
 */
export async function settingDifferencesOf(files: readonly string[]): Promise<SettingDifference[] | null> {
  const sources = createSources();
  const values = await Promise.all(files.map((file) => wholeValue(file, sources)));
  return values.includes(undefined) ? null : settingDifferences(values);
}

/** What a config says, with what it extends; undefined: that is not known. */
async function wholeValue(file: string, sources: Sources): Promise<unknown> {
  const text = (await textOf(file, MAX_CONFIG_BYTES)) ?? '';
  const report = await keptReport(file, sources);
  // Paths in a kept text start at the folder of the config that it is of.
  const place = report?.config.path ?? file;
  const document = parsed(text, place);
  const inherited = await inherit(document, place, sources.config);
  const value = effectiveValue(document, inherited);
  if (extendsOf(document.tree) === null) return value;
  if (inherited.problem !== null) return undefined;
  const isSame = report === null || isReportOf(report, document, inherited, isConfig(value) ? value : null);

  return isSame ? value : undefined;
}

function parsed(text: string, file: string): ConfigDocument {
  return parseConfig(TextDocument.create(pathToFileURL(file).href, '', 1, text));
}

/** Where the nearest key or item of a path is written in a checked config; null: nowhere, or in what it extends. */
export function positionIn(
  { path: file, text }: CheckedConfig,
  path: ConfigPath,
): { readonly line: number; readonly character: number } | null {
  const document = parsed(text, file);
  for (let place = path; place.length > 0; place = above(place)) {
    const span = findNode(document.tree, place) ?? findEntry(document.tree, place)?.keySpan;
    if (span !== undefined) return document.text.positionAt(span.start);
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
