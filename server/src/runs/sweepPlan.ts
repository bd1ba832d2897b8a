import { sha256, writeText } from '@quantsmith/model/files';
import {
  type Combination,
  type ConfigPath,
  configuredOutput,
  countCombinations,
  expandLists,
  fail,
  isRecord,
  MAX_VARIANTS,
  OUTPUT_SUFFIX,
  placeInMatrix,
  type Problem,
  QuantsmithError,
  type Settings,
  variantFileName,
  type WrittenPath,
  writtenPath,
} from '@quantsmith/schemas';
import { withStatedSettings } from '@quantsmith/service';
import { join, parse, resolve } from 'node:path';
import { checkConfigFile, positionIn, withoutFindings, type CheckedConfig } from '../check/check.js';
import { checkConfigWith, hasUnreadBase } from '../check/changed.js';
import { type ConfigFinding, invalidity } from '../check/invalidity.js';
import { ABOUT_OUTPUT } from './request.js';
import { refusalOf, remarksOn, together } from './refusals.js';

/** One combination of settings, checked. */
export interface PlannedRun {
  /** The config's path as it was given. */
  readonly config: string;
  readonly variant: Combination;
  readonly checked: CheckedConfig;
  /** Absolute. */
  readonly output: string;
  /** The config's text with the settings in it; null: it has no place for them. */
  readonly configText: string | null;
  /** Why it cannot be run, its findings in `data`; null: it can. */
  readonly problem: Problem | null;
}

export interface SweepPlan {
  readonly runs: readonly PlannedRun[];
  /** What keeps some of them from being made: a problem for each config. */
  readonly refusals: readonly Problem[];
  /** What else was found in the configs of the others. */
  readonly remarks: readonly ConfigFinding[];
  /** Seconds that the configs give their matrices, together; null: none of them states a limit. */
  readonly timeLimit: number | null;
}

/**
 * The runs that configs stand for, in the order of the configs and their matrices. `set`: settings that all have. Rejects with a
 * `QuantsmithError` where none of them can be made (`config-invalid`, `usage-invalid`). Of several that write the same file the first
 * can. `force`: whatever lies where they write.
 */
export async function planSweep(
  configs: readonly string[],
  set: Settings,
  force = false,
): Promise<SweepPlan> {
  const leftOut = ['output-shared', ...(force ? ABOUT_OUTPUT : [])];
  const checked = await Promise.all(configs.map((config) => planConfig(config, set, leftOut)));
  const owners = new Map<string, PlannedRun>();
  const planned = checked.map((plan) => ({
    ...plan,
    runs: plan.runs.map((run) => withOwnOutput(run, owners)),
  }));
  const runs = planned.flatMap((plan) => plan.runs);
  const refusals = planned.flatMap((plan) => plan.unfit ?? refusalOf(plan.written, plan.runs) ?? []);
  const problem = together(refusals);
  if (problem !== null && runs.every((run) => run.problem !== null)) throw new QuantsmithError(problem);
  const limits = planned.flatMap(({ timeLimit }) => (timeLimit === null ? [] : [timeLimit]));

  return {
    runs,
    refusals,
    remarks: planned.flatMap((plan) => remarksOn(plan.written, plan.runs)),
    timeLimit: limits.length === 0 ? null : limits.reduce((sum, limit) => sum + limit),
  };
}

/** The runs of one config. */
interface ConfigPlan {
  readonly written: CheckedConfig;
  readonly runs: readonly PlannedRun[];
  /** Why none of them can be made, whatever they are; null: they tell. */
  readonly unfit: Problem | null;
  /** Seconds that it gives its matrix; null: no limit. */
  readonly timeLimit: number | null;
}

async function planConfig(config: string, set: Settings, leftOut: readonly string[]): Promise<ConfigPlan> {
  const written = await checkConfigFile(config);
  const matrix = matrixOf(written, set);
  const problem = matrix === null ? invalidity(written) : unfit(written, config, matrix);
  if (matrix === null || problem !== null) return refused(config, set, written, problem);

  const base = configuredOutput(valueOf(written), written.path);
  const runs: PlannedRun[] = [];
  for (const combination of expandLists(matrix)) {
    const output = outputOf(base, combination);
    const settings = { ...set, ...combination.settings };
    const placeOf = (path: ConfigPath) => placeIn(matrixIn(written), combination.settings, path);
    const changed = await checkConfigWith(written, { ...settings, output }, placeOf);
    const checked = withoutFindings(changed, leftOut);
    const configText = withStatedSettings(written.path, written.text, settings);
    const variant = { ...combination, settings };
    runs.push({ config, variant, checked, output, configText, problem: invalidity(checked) });
  }

  const { time_limit: limit } = matrix;
  return { written, runs, unfit: null, timeLimit: typeof limit === 'number' ? limit : null };
}

/** A config of which nothing can be run. */
function refused(config: string, set: Settings, checked: CheckedConfig, problem: Problem | null): ConfigPlan {
  const output = configuredOutput(valueOf(checked), checked.path);
  const run = { config, variant: { name: '', settings: set }, checked, output, configText: null, problem };

  return { written: checked, runs: [run], unfit: problem, timeLimit: null };
}

const valueOf = ({ value }: CheckedConfig) => (isRecord(value) ? value : {});

/** The matrix that is written; a config without one has an empty one. */
function matrixIn(written: CheckedConfig): Readonly<Record<string, unknown>> {
  const { matrix } = valueOf(written);
  return isRecord(matrix) ? matrix : {};
}

/**
 * What is varied: the matrix without settings that all runs have. null: what the config says, or what its matrix varies, cannot be
 * told. Values in it may be wrong: that is a matter of the runs that have them.
 */
function matrixOf(written: CheckedConfig, set: Settings): Readonly<Record<string, unknown>> | null {
  const isTold = isRecord(written.value) && !hasUnreadBase(written);
  const isWrong = written.findings.some(
    ({ severity, path }) => severity === 'error' && path[0] === 'matrix' && !isInValue(writtenPath(path)),
  );
  if (!isTold || isWrong) return null;

  return Object.fromEntries(
    Object.entries(matrixIn(written)).filter(([setting]) => !Object.hasOwn(set, setting)),
  );
}

/** Whether a place in a matrix is a value that a run has, or inside it: `[matrix, setting, 0]`, `[matrix, include, 0, setting]`. */
const isInValue = ([, key, index, setting]: WrittenPath) =>
  typeof index === 'number' && key !== 'exclude' && (key !== 'include' || setting !== undefined);

/** Why a matrix stands for no runs; null: it stands for some. */
function unfit(
  { path }: CheckedConfig,
  config: string,
  matrix: Readonly<Record<string, unknown>>,
): Problem | null {
  const problem = (message: string): Problem => ({
    ...{ code: 'usage-invalid', severity: 'error', message, file: path, configPath: ['matrix'] },
  });
  const combinations = countCombinations(matrix);
  if (combinations > MAX_VARIANTS)
    return problem(
      `The matrix of ${config} has ${combinations} combinations; a sweep takes at most ${MAX_VARIANTS}.`,
    );

  return expandLists(matrix).length === 0
    ? problem(`The matrix of ${config} excludes every combination.`)
    : null;
}

/** Where a config says what stands at a place of one of its combinations: at that place, or in the matrix. */
function placeIn(
  matrix: Readonly<Record<string, unknown>>,
  settings: Settings,
  path: ConfigPath,
): ConfigPath {
  const steps = writtenPath(path);
  for (const [setting, value] of Object.entries(settings)) {
    const varied = setting.split('.');
    if (!varied.every((step, index) => steps[index] === step)) continue;
    const place = placeInMatrix(matrix, setting, value);
    if (place !== null) return writtenPath([...place, ...steps.slice(varied.length)]);
  }

  return path;
}

/** `net.int8.onnx` → `net.preset=mixed.int8.onnx`. */
function outputOf(base: string, variant: Combination): string {
  if (variant.name === '') return base;
  const hash = sha256(JSON.stringify(variant.settings));
  const { dir, base: name, ext } = parse(base);
  const ending = name.endsWith(OUTPUT_SUFFIX) ? OUTPUT_SUFFIX : ext;
  const stem = name.slice(0, name.length - ending.length);
  return join(dir, `${stem}.${variantFileName(variant, hash)}${ending}`);
}

/** A run that cannot be made where another one, which can, writes the same file. `owners`: those so far, by what they write. */
function withOwnOutput(run: PlannedRun, owners: Map<string, PlannedRun>): PlannedRun {
  if (run.problem !== null) return run;
  const file = resolve(run.output);
  const owner = owners.get(file);
  if (owner === undefined) {
    owners.set(file, run);
    return run;
  }

  const start = startOf(run);
  const checked: CheckedConfig = {
    ...run.checked,
    findings: [
      ...run.checked.findings,
      {
        ...{ code: 'output-shared', severity: 'error', message: clashText(run, owner) },
        ...{ start: 0, end: 0, path: OUTPUT, range: { start, end: start } },
      },
    ],
  };

  return { ...run, checked, problem: invalidity(checked) };
}

function clashText(run: PlannedRun, owner: PlannedRun): string {
  const { config, output, variant } = run;
  const isSame = owner.checked.path === run.checked.path && owner.variant.name === variant.name;
  if (isSame) {
    const isVaried = variant.name !== '';
    return `${config} is named twice${isVaried ? ', or a value of its matrix listed twice' : ''}: what is the same runs once.`;
  }

  const { line, character } = startOf(owner);
  const combination = owner.variant.name === '' ? '' : ` with ${owner.variant.name}`;

  return `The output ${output} is also that of ${owner.config}:${line + 1}:${character + 1}${combination}, which runs.`;
}

const OUTPUT: ConfigPath = ['output'];

/** Where a config says what its runs write; its beginning where it does not. */
const startOf = ({ checked }: PlannedRun) => positionIn(checked, OUTPUT) ?? { line: 0, character: 0 };

/** Combinations that a message names. */
const MAX_NAMES = 12;

/**
 * Writes the settings of the combination of this name into its config, whose comments, order and matrix stay. Rejects with
 * `usage-invalid` where there is none of this name, with `config-not-editable` where the text has no place for them.
 */
export async function useCombination(config: string, name: string): Promise<PlannedRun> {
  // Nothing is written there.
  const { runs } = await planSweep([config], {}, true);
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

  const { configText, checked, variant, problem } = used;
  if (problem !== null) throw new QuantsmithError(problem);
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
