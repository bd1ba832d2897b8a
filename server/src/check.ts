import {
  type ModelSummary,
  type QuantizationConfig,
  type QuantizationReport,
  isConfig,
} from '@quantsmith/schemas';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { parseConfig, rangeOf, type ConfigDocument } from './document/document.js';
import { findEntry, type Path } from './document/tree.js';
import type { Finding } from './diagnostics.js';
import { configHash, effectiveValue, inherit, type Inherited } from './extends/inherit.js';
import { isMapping } from './extends/merge.js';
import { NO_SAMPLES, type SampleCounts } from './model/samples.js';
import { createSources, type Sources } from './model/sources.js';
import type { ArrayNames } from './rules/dataInputs.js';
import { findAll } from './rules/all.js';
import { changedSince, type Change } from './runs/freshness.js';
import { outputPaths } from './runs/reports.js';

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
  const context = await surroundings(document, file, createSources());
  const { findings, config } = findAll(document, context);
  const ranged = findings
    // A past run is no reason to refuse the next one.
    .filter((finding) => !PAST_RUN.has(finding.code))
    .map((finding) => ({ ...finding, range: rangeOf(document, finding) }));
  return { path: file, config, text, sha256: configHash(document, context.inherited), findings: ranged };
}

/** Where the nearest key of a path is written in a checked config; null: nowhere, or in what it extends. */
export function positionIn(
  { path: file, text }: CheckedConfig,
  path: Path,
): { readonly line: number; readonly character: number } | null {
  const document = parseConfig(TextDocument.create(pathToFileURL(file).href, '', 1, text));
  for (let length = path.length; length > 0; length--) {
    const entry = findEntry(document.tree, path.slice(0, length));
    if (entry !== undefined) return document.text.positionAt((entry.value ?? entry.keySpan).start);
  }
  return null;
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

/** What a config leads to, as far as it can be read. */
export interface Surroundings {
  /** The config's folder; null: it is not saved. */
  readonly baseDir: string | null;
  /** What it takes over from the configs that it extends. */
  readonly inherited: Inherited;
  readonly samples: SampleCounts;
  readonly arrayNames: ArrayNames;
  readonly model: ModelSummary | null;
  /** Why the model cannot be read. */
  readonly modelProblem: string | null;
  /** The config's value with what it inherits; null when it is not valid. */
  readonly config: QuantizationConfig | null;
  readonly report: QuantizationReport | null;
  /** What has changed since the report was made. */
  readonly changed: Change;
}

/** The model and the last report of a config that lies (or would lie) at `file`; null: it is not saved. */
export async function surroundings(
  document: ConfigDocument,
  file: string | null,
  sources: Sources,
): Promise<Surroundings> {
  const baseDir = file === null ? null : dirname(file);
  const inherited = await inherit(document, file, sources.config);
  const value = effectiveValue(document, inherited);
  const config = isConfig(value) ? value : null;
  if (baseDir === null)
    return {
      baseDir,
      inherited,
      samples: NO_SAMPLES,
      arrayNames: { calibration: null, validation: null },
      model: null,
      modelProblem: null,
      config,
      report: null,
      changed: null,
    };
  const named = isMapping(value) && typeof value['model'] === 'string' ? value['model'] : '';
  const loaded = named === '' ? null : await sources.model(resolve(baseDir, named));
  const paths = isMapping(value) ? outputPaths(value, baseDir) : null;
  const report = paths === null ? null : await sources.report(paths.report);
  const [calibration, validation] =
    config === null
      ? [null, null]
      : await Promise.all(
          [config.data.calibration, config.data.validation].map((section) =>
            sources.samples(section, baseDir),
          ),
        );
  const [calibrationArrays, validationArrays] = await Promise.all(
    (['calibration', 'validation'] as const).map((section) => archiveOf(value, section, baseDir, sources)),
  );
  const arrayNames = { calibration: calibrationArrays ?? null, validation: validationArrays ?? null };
  const samples = { calibration: calibration ?? null, validation: validation ?? null };
  const changed =
    report === null || config === null
      ? null
      : await changedSince(report, config, configHash(document, inherited), baseDir);
  return {
    baseDir,
    inherited,
    samples,
    arrayNames,
    model: loaded?.model ?? null,
    modelProblem: loaded?.problem ?? null,
    config,
    report,
    changed,
  };
}

/** The arrays of a section's .npz; null for other sources. */
async function archiveOf(
  value: unknown,
  section: string,
  baseDir: string,
  sources: Sources,
): Promise<readonly string[] | null> {
  const arrays = ['data', section, 'arrays'].reduce<unknown>(
    (current, step) => (isMapping(current) ? current[step] : null),
    value,
  );
  if (typeof arrays !== 'string' || !/\.npz$/i.test(arrays)) return null;
  return sources.arrayNames(resolve(baseDir, arrays));
}
