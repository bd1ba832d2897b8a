import { sha256, writeText } from '@quantsmith/model/files';
import {
  configuredOutput,
  countCombinations,
  expandMatrix,
  fail,
  MAX_VARIANTS,
  OUTPUT_SUFFIX,
  type Problem,
  QuantsmithError,
  type Settings,
  type Variant,
  variantFileName,
} from '@quantsmith/schemas';
import { withStatedSettings } from '@quantsmith/service';
import { join, parse, resolve } from 'node:path';
import { checkConfigFile, withoutFindings, type CheckedConfig } from '../check/check.js';
import { checkConfigWith } from '../check/changed.js';
import { invalidity } from '../check/invalidity.js';

/** One combination of settings, checked. */
export interface PlannedRun {
  /** The config's path as it was given. */
  readonly config: string;
  readonly variant: Variant;
  readonly checked: CheckedConfig;
  /** Absolute. */
  readonly output: string;
  /** The config's text with the settings in it; null: it has no place for them. */
  readonly configText: string | null;
}

export interface SweepPlan {
  readonly runs: readonly PlannedRun[];
  /** Seconds that the configs give their matrices, together; null: none of them states a limit. */
  readonly timeLimit: number | null;
}

/**
 * The runs that configs stand for, in the order of the configs and their matrices. `set`: settings that all have. Rejects with a
 * `QuantsmithError` (`config-invalid`, `usage-invalid`) where one of them cannot be run.
 */
export async function planSweep(configs: readonly string[], set: Settings): Promise<SweepPlan> {
  const planned = await Promise.all(configs.map((config) => planConfig(config, set)));
  const runs = planned.flatMap((plan) => plan.runs);
  refuseCollisions(runs);
  const limits = planned.flatMap(({ timeLimit }) => (timeLimit === null ? [] : [timeLimit]));

  return { runs, timeLimit: limits.length === 0 ? null : limits.reduce((sum, limit) => sum + limit) };
}

async function planConfig(config: string, set: Settings): Promise<SweepPlan> {
  const written = await checkConfigFile(config);
  if (written.config === null) throw new QuantsmithError(invalidity(written)!);
  const place = { file: written.path, configPath: ['matrix'] as const };
  // A setting that all runs have is not varied.
  const lists = Object.entries(written.config.matrix ?? {}).filter(
    ([setting]) => !Object.hasOwn(set, setting),
  );
  const matrix = Object.fromEntries(lists);
  const combinations = countCombinations(matrix);
  if (combinations > MAX_VARIANTS) {
    fail(
      'usage-invalid',
      `The matrix of ${config} has ${combinations} combinations; a sweep takes at most ${MAX_VARIANTS}.`,
      place,
    );
  }

  const variants = expandMatrix({ ...written.config, matrix });
  if (variants.length === 0)
    fail('usage-invalid', `The matrix of ${config} excludes every combination.`, place);

  const base = configuredOutput(written.config, written.path);
  const runs: PlannedRun[] = [];
  for (const variant of variants) {
    const output = outputOf(base, variant);
    const settings = { ...set, ...variant.settings };
    const changed = await checkConfigWith(written, { ...settings, output });
    const checked = withoutFindings(changed, ['output-shared']);
    const problem = invalidity(checked);
    if (problem !== null) throw new QuantsmithError(named(problem, variant));
    const configText = withStatedSettings(written.path, written.text, settings);
    runs.push({ config, variant: { ...variant, settings }, checked, output, configText });
  }

  const { time_limit: limit } = matrix;

  return { runs, timeLimit: typeof limit === 'number' ? limit : null };
}

/** `net.int8.onnx` → `net.preset=mixed.int8.onnx`. */
function outputOf(base: string, variant: Variant): string {
  if (variant.name === '') return base;
  const hash = sha256(JSON.stringify(variant.settings));
  const { dir, base: name, ext } = parse(base);
  const ending = name.endsWith(OUTPUT_SUFFIX) ? OUTPUT_SUFFIX : ext;
  const stem = name.slice(0, name.length - ending.length);
  return join(dir, `${stem}.${variantFileName(variant, hash)}${ending}`);
}

const named = (problem: Problem, { name }: Variant): Problem =>
  name === '' ? problem : { ...problem, message: `With ${name}: ${problem.message}` };

function refuseCollisions(runs: readonly PlannedRun[]): void {
  const owners = new Map<string, string>();
  for (const { config, output } of runs) {
    const owner = owners.get(resolve(output));
    if (owner !== undefined)
      fail('usage-invalid', `${owner} and ${config} have the same output, ${output}.`, { file: output });
    owners.set(resolve(output), config);
  }
}

/** Combinations that a message names. */
const MAX_NAMES = 12;

/**
 * Writes the settings of the combination of this name into its config, whose comments, order and matrix stay. Rejects with
 * `usage-invalid` where there is none of this name, with `config-not-editable` where the text has no place for them.
 */
export async function useCombination(config: string, name: string): Promise<PlannedRun> {
  const { runs } = await planSweep([config], {});
  const used = runs.find(({ variant }) => variant.name === name);
  if (used === undefined) {
    const names = runs.slice(0, MAX_NAMES).map(({ variant }) => variant.name);
    const more = runs.length > names.length ? ` and ${runs.length - names.length} more` : '';
    return fail(
      'usage-invalid',
      `${config} has no combination "${name}". It has ${names.join('; ')}${more}.`,
      {
        file: config,
      },
    );
  }

  const { configText, checked, variant } = used;
  if (configText === null) {
    return fail(
      'config-not-editable',
      `The settings cannot be written into ${config}: ${JSON.stringify(variant.settings)}.`,
      { file: config },
    );
  }

  await writeText(checked.path, configText);

  return used;
}
