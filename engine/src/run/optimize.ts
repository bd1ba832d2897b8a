import { randomUUID } from 'node:crypto';
import { sha256 } from '@quantsmith/model/files';
import { encodeModel, weightBytes } from '@quantsmith/model/onnx';
import {
  combineChanges,
  type QuantizationChange,
  type QuantizationConfig,
  type QuantizationReport,
  withChange,
} from '@quantsmith/schemas';
import { candidateKey, startMeasuring, unusable } from '../choose/measure.js';
import { fasterBy, type Comparable } from '../measure/faster.js';
import { operatorCosts } from '../measure/slowdown.js';
import { changeText, objectiveMoves } from '../objective/moves.js';
import { objectiveReport } from '../objective/report.js';
import { searchObjective, type Candidate, type Model, type Point } from '../objective/search.js';
import { marked } from '../output/output.js';
import { plan, type ObjectivePlan, type Plan } from '../plan/plan.js';
import { buildModel, reversible, sessionOptions } from '../quantize/quantization.js';
import type { RestoreContext } from '../restore/context.js';
import { restoreAccuracy, type RestoreOutcome } from '../restore/restore.js';
import type { Feeds } from '../runtime/batch.js';
import { firstIndices } from '../data/source.js';
import { measureModel } from '../validation/measureModel.js';
import { allowedDrop, comparableDrop, type Baseline, type Validation } from '../validation/validation.js';
import { makeQuantization, type MadeQuantization, type QuantizationInputs } from './make.js';
import type { OpenedRun } from './open.js';
import type { SettledConfig } from './settle.js';

/** A run as far as it is when its objective is looked for. */
export interface OptimizedRun {
  /** As it was written: what it states is not changed. */
  readonly stated: QuantizationConfig;
  readonly settled: SettledConfig;
  readonly inputs: QuantizationInputs;
  readonly opened: OpenedRun;
  readonly context: RestoreContext;
  /** When the search has to end, in milliseconds of `performance.now()`. */
  readonly deadline: number;
  /** Quantizes with a change of the settled config, with what does not run in integers left in float. */
  readonly quantize: (change: QuantizationChange) => Promise<MadeQuantization>;
}

type Outcome = RestoreOutcome<MadeQuantization>;
type MadePoint = Point<MadeQuantization>;
type MadeModel = Model<MadeQuantization>;

/** What was found, as if the config had asked for it. */
export interface Optimized {
  readonly restored: Outcome;
  readonly settled: SettledConfig;
  readonly planned: Plan;
  readonly report: NonNullable<QuantizationReport['objective']>;
}

/**
 * Looks for the smallest or fastest model whose drop is allowed, from the one that settings and restoration have given. null:
 * nothing was measured.
 */
export async function optimize(
  start: Outcome,
  objective: ObjectivePlan,
  run: OptimizedRun,
): Promise<Optimized | null> {
  const { opened, settled } = run;
  const { validation, statistics, workers } = opened;
  if (validation === null || start.measured === null) return null;
  const { baseline } = start.measured;
  const maxDrop = allowedDrop(validation, baseline) ?? 0;
  const { feeds } = await statistics.source.get(0);
  opened.clock.stage('choose', null);
  const candidates = await candidatesOf(start.made, run);
  const states = measurer(validation, baseline, run);
  const { threads } = workers;
  const faster = fasterBy({ ...opened, cache: statistics.cache, threads });
  const { best, seen, timeLimited } = await searchObjective<MadeQuantization>({
    ...{ minimize: objective.minimize, maxDrop, candidates, bytes: bytesOf },
    start: states.pointOf({}, start),
    isLate: () => run.context.finish?.aborted === true || performance.now() >= run.deadline,
    measure: (model) => states.measured(model),
    restore: (candidate) => states.restored(candidate),
    isFaster: (first, second) => faster.isFaster(comparable(first, feeds), comparable(second, feeds)),
    moves: (point) =>
      objective.minimize === 'size'
        ? Promise.resolve(movesForSize(point))
        : opened.alone(() => movesForLatency(point, feeds, threads)),
  });

  const config = withChange(settled.config, best.change);
  const report = objectiveReport({
    ...{ ...objective, maxDrop, best, seen, timeLimited, validation, baseline },
    candidates,
    latencyOf: (model) => faster.known(comparable(model, feeds)),
    textOf: changeText,
  });

  return {
    restored: states.outcomeOf(best) ?? start,
    settled: { ...settled, config, pinned: combineChanges(settled.pinned, best.change) },
    planned: plan(config),
    report,
  };
}

const modelOf = ({ made: { quantization }, reverted }: MadeModel) => buildModel(quantization, reverted);

/** A model whose file is too large for one array has its weights outside. */
const MAX_ENCODED = 2 ** 30;

const bytesOf = (model: MadeModel): number => contentOf(model).bytes;

/** How large a model is, and what tells it from others. */
function contentOf(model: MadeModel): { readonly bytes: number; readonly hash: string } {
  const built = modelOf(model);
  const weights = weightBytes(built);
  if (weights > MAX_ENCODED) return { bytes: weights, hash: randomUUID() };
  const encoded = encodeModel(marked(built));

  return { bytes: encoded.byteLength, hash: sha256(encoded) };
}

const comparable = (model: MadeModel, feeds: Feeds): Comparable => ({
  model: () => modelOf(model),
  options: sessionOptions(model.made.quantization),
  feeds,
});

/** Every change that comes to something else, with its error at the outputs on a few calibration samples. */
async function candidatesOf(
  start: MadeQuantization,
  { inputs, stated, settled: { config }, opened: { float, statistics, workers }, quantize }: OptimizedRun,
): Promise<Candidate<MadeQuantization>[]> {
  // What measurement has chosen is open to the search; what the config states is not.
  const changes = objectiveMoves(stated, float.graph);
  const different = new Map(
    changes.toReversed().map((change) => [candidateKey(plan(config, change)), change]),
  );
  different.delete(candidateKey(plan(config)));
  if (different.size === 0) return [];
  const quiet = { ...statistics, onSample: () => undefined };
  const input = {
    ...{ config, float, workers, calibration: quiet },
    make: (planned: Plan) => makeQuantization({ ...inputs, statistics: quiet }, planned, () => undefined),
  };
  const measure = (await startMeasuring(input, 'outputs')) ?? (await startMeasuring(input, 'layers'));
  const scores = await measure?.scores([...different.values()]);
  const candidates: Candidate<MadeQuantization>[] = [];
  const known = new Set([contentOf({ made: start, reverted: new Set() }).hash]);
  for (const [index, change] of [...different.values()].entries()) {
    const made = await quantize(change).catch(unusable);
    if (made === null) continue;
    const { bytes, hash } = contentOf({ made, reverted: new Set() });
    // Other settings may come to the same model.
    if (known.has(hash)) continue;
    known.add(hash);
    candidates.push({ change, made, bytes, sqnr: scores?.[index]?.mean ?? null });
  }

  return candidates;
}

/** Measures models on all validation samples, with restoration or without; knows what came of each. */
function measurer(validation: Validation, baseline: Baseline, run: OptimizedRun) {
  const { opened, context, settled } = run;
  const { workers, clock } = opened;
  const outcomes = new Map<MadePoint, Outcome>();
  // Results of a candidate are told from those of others in the journal.
  const contextOf = (key: string): RestoreContext => ({
    ...context,
    baselineOf: () => Promise.resolve(baseline),
    journal: { ...context.journal, of: (name, compute) => context.journal.of(`${key} ${name}`, compute) },
  });

  const pointOf = (change: QuantizationChange, outcome: Outcome): MadePoint => {
    const { made, reverted, measured } = outcome;
    const evaluation = measured?.final ?? baseline;
    const drop = comparableDrop(validation, baseline, evaluation);
    const point = { change, made, reverted, evaluation, drop, bytes: bytesOf({ made, reverted }) };
    outcomes.set(point, outcome);
    return point;
  };

  return {
    pointOf,
    outcomeOf: (point: MadePoint) => outcomes.get(point),
    async measured({ change, made, reverted }: Pick<MadePoint, 'change' | 'made' | 'reverted'>) {
      const { count } = validation.source;
      clock.stage('validate', count);
      const key = `objective ${JSON.stringify([change, [...reverted].sort()])}`;
      const final = await context.journal.of(key, () =>
        measureModel(buildModel(made.quantization, reverted), firstIndices(count), {
          ...{ workers, validation, baseline, prepared: made.quantization.prepared, isSequel: true },
          ...sessionOptions(made.quantization),
          onSample: (done) => clock.progress(done, changeText(change)),
        }),
      );
      const restoration = reverted.size === 0 ? null : { ...SEARCHED };

      return pointOf(change, { made, reverted, measured: { baseline, initial: final, final }, restoration });
    },
    async restored({ change, made }: Candidate<MadeQuantization>) {
      const { restoration } = plan(settled.config, change);
      const secondsLeft = Math.max(0.001, (run.deadline - performance.now()) / 1000);
      const timeLimit = Math.min(restoration?.timeLimit ?? Infinity, secondsLeft);
      const limited = restoration && { ...restoration, timeLimit: timeLimit === Infinity ? null : timeLimit };
      const make = (further: QuantizationChange) => run.quantize(combineChanges(change, further));
      const key = `objective ${JSON.stringify(change)}`;

      return pointOf(change, await restoreAccuracy(made, validation, limited, make, contextOf(key)));
    },
  };
}

/** What the report says of restoration where the search has moved operators. */
const SEARCHED = {
  ...{ remedies: [], steps: [], candidates: [], rankingSamples: 0 },
  stopReason: 'The search for the objective has left these operators in float.',
};

/** Groups that went back to float, each in integers again; what saves most bytes first. */
function movesForSize(point: MadePoint): ReadonlySet<string>[] {
  return reversible(point.made.quantization)
    .filter(([first]) => first !== undefined && point.reverted.has(first))
    .map((group) => {
      const reverted = without(point.reverted, group);
      return { reverted, saved: point.bytes - bytesOf({ made: point.made, reverted }) };
    })
    .filter(({ saved }) => saved > 0)
    .sort((a, b) => b.saved - a.saved)
    .map(({ reverted }) => reverted);
}

/** Groups that the profile shows to be slower in integers, each in float; then those that are in float, each in integers. */
async function movesForLatency(
  { made: { quantization }, reverted }: MadePoint,
  feeds: Feeds,
  threads: number,
): Promise<ReadonlySet<string>[]> {
  const final = buildModel(quantization, reverted);
  const costs = await operatorCosts(quantization, final, feeds, threads);
  const groups = reversible(quantization);
  const groupOf = new Map(groups.flatMap((group) => group.map((name) => [name, group] as const)));
  const losing = costs.filter((cost) => cost.quantized > cost.float).flatMap(({ operators }) => operators);
  const toFloat = new Set(losing.flatMap((name) => [groupOf.get(name) ?? []]));
  const moves = [...toFloat]
    .filter((group) => !group.every((name) => reverted.has(name)))
    .map((group) => new Set([...reverted, ...group]));
  const toIntegers = groups.filter(([first]) => first !== undefined && reverted.has(first));

  return [...moves, ...toIntegers.map((group) => without(reverted, group))];
}

const without = (names: ReadonlySet<string>, group: readonly string[]) =>
  new Set([...names].filter((name) => !group.includes(name)));
