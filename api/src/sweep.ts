import { createHash } from 'node:crypto';
import { join, parse, resolve } from 'node:path';
import { sweepFront } from '@quantsmith/report';
import {
  configuredOutput,
  countCombinations,
  expandMatrix,
  fail,
  MAX_VARIANTS,
  OUTPUT_SUFFIX,
  outputFiles,
  type Problem,
  type QuantizationReport,
  QuantsmithError,
  type Settings,
  type Variant,
  variantFileName,
} from '@quantsmith/schemas';
import {
  checkConfigFile,
  checkConfigWith,
  finishedRun,
  withoutFindings,
  type CheckedConfig,
} from '@quantsmith/server';
import { invalidity } from './check.js';
import { quantizeChecked, type QuantizeOptions } from './quantize.js';

export interface SweepOptions extends Omit<QuantizeOptions, 'output' | 'baseDir' | 'resume'> {
  /** Settings that all runs have, by their paths, over what the configs say. */
  readonly set?: Settings;
  /** Run again what an earlier sweep has finished (default false). */
  readonly fresh?: boolean;
  /** Called before each run, and with `point` after it. */
  readonly onRun?: (run: SweepRun) => void;
}

/** A run of a sweep, as far as it is. */
export interface SweepRun {
  /** From 0. */
  readonly index: number;
  readonly total: number;
  /** The config's path as it was given. */
  readonly config: string;
  /** What tells the run from others of its config; empty: nothing. */
  readonly name: string;
  /** null: it begins. */
  readonly point: SweepPoint | null;
}

/** What one combination of settings came to. */
export interface SweepPoint {
  readonly config: string;
  readonly name: string;
  readonly settings: Settings;
  /** Absolute paths of the quantized model and its report. */
  readonly output: string;
  readonly reportPath: string;
  /** null: it failed. */
  readonly report: QuantizationReport | null;
  /** Whether an earlier sweep had finished it. */
  readonly kept: boolean;
  /** Why it failed. */
  readonly problem: Problem | null;
  /** Whether no other point is better in accuracy, latency or size without being worse in another. */
  readonly onFront: boolean;
}

export interface Sweep {
  /** In the order of the configs and their matrices. */
  readonly points: readonly SweepPoint[];
  /** What was computed; what runs share is computed once. */
  readonly work: {
    readonly runs: number;
    readonly kept: number;
    readonly calibrations: number;
    readonly float_validations: number;
  };
  readonly seconds: number;
}

/**
 * Runs every combination of settings that the matrices of configs name, one after the other; calibration statistics and the
 * float model's result are shared by content. What an earlier sweep has finished is kept. All configs are checked before
 * anything is computed: rejects with a `QuantsmithError` (`config-invalid`, `usage-invalid`); a run that fails later is a
 * point with a problem. Rejects with the signal's reason when aborted; what is finished stays for the next sweep.
 */
export async function sweep(configs: string | readonly string[], options: SweepOptions = {}): Promise<Sweep> {
  const begun = performance.now();
  const planned = (await Promise.all([configs].flat().map((config) => planConfig(config, options)))).flat();
  refuseCollisions(planned);
  const points: SweepPoint[] = [];
  for (const [index, run] of planned.entries()) {
    options.signal?.throwIfAborted();
    const subject = { index, total: planned.length, config: run.config, name: run.variant.name };
    options.onRun?.({ ...subject, point: null });
    const point = await runOne(run, options);
    points.push(point);
    options.onRun?.({ ...subject, point });
  }

  return summarized(points, (performance.now() - begun) / 1000);
}

interface PlannedRun {
  readonly config: string;
  readonly variant: Variant;
  readonly checked: CheckedConfig;
  /** Absolute. */
  readonly output: string;
}

/** The runs that a config stands for, checked. */
async function planConfig(config: string, { set = {} }: SweepOptions): Promise<PlannedRun[]> {
  const written = await checkConfigFile(config);
  if (written.config === null) throw new QuantsmithError(invalidity(written)!);
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
      { file: written.path, configPath: ['matrix'] },
    );
  }

  const base = configuredOutput(written.config, written.path);
  const variants = expandMatrix({ ...written.config, matrix });
  if (variants.length === 0)
    fail('usage-invalid', `The matrix of ${config} excludes every combination.`, {
      file: written.path,
      configPath: ['matrix'],
    });

  const runs: PlannedRun[] = [];
  for (const variant of variants) {
    const output = outputOf(base, variant);
    const settings = { ...set, ...variant.settings, output };
    const checked = withoutFindings(await checkConfigWith(written, settings), ['output-shared']);
    const problem = invalidity(checked);
    if (problem !== null) throw new QuantsmithError(named(problem, variant));
    runs.push({
      config,
      variant: { ...variant, settings: { ...set, ...variant.settings } },
      checked,
      output,
    });
  }

  return runs;
}

/** `net.int8.onnx` → `net.preset=mixed.int8.onnx`. */
function outputOf(base: string, variant: Variant): string {
  if (variant.name === '') return base;
  const hash = createHash('sha256').update(JSON.stringify(variant.settings)).digest('hex');
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

async function runOne(
  { config, variant, checked, output }: PlannedRun,
  options: SweepOptions,
): Promise<SweepPoint> {
  const { name, settings } = variant;
  const reportPath = outputFiles(output).report;
  const point = { config, name, settings, output, reportPath, problem: null, onFront: false };
  const finished = options.fresh === true ? null : await finishedRun(checked);
  if (finished !== null) return { ...point, report: finished, kept: true };
  try {
    const { report } = await quantizeChecked(checked, { ...options, output }, true);
    return { ...point, report, kept: false };
  } catch (error) {
    if (options.signal?.aborted === true || !(error instanceof QuantsmithError)) throw error;
    return { ...point, report: null, kept: false, problem: error.problem };
  }
}

function summarized(points: readonly SweepPoint[], seconds: number): Sweep {
  const front = sweepFront(points.map(({ report }) => report));
  const run = points.filter(({ kept }) => !kept);
  const made = run.flatMap(({ report }) => (report === null ? [] : [report]));

  return {
    points: points.map((point, index) => ({ ...point, onFront: front[index] === true })),
    work: {
      runs: run.length,
      kept: points.length - run.length,
      calibrations: made.filter(({ data }) => data?.calibration.cached !== true).length,
      float_validations: made.filter(({ data }) => data?.validation?.cached === false).length,
    },
    seconds,
  };
}
