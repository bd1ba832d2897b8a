import { meetsTarget } from '@quantsmith/schemas';
import { firstIndices } from '../data/source.js';
import type { Evaluation } from '../metrics/evaluate.js';
import type { SampleState } from '../metrics/metric.js';
import { buildModel, sessionOptions, type Quantization } from '../quantize/quantization.js';
import type { Workers } from '../runtime/workers.js';
import { withMeasured, type MeasuredModel, type Measuring } from '../validation/measureModel.js';
import { meanError, outputErrors } from '../validation/outputErrors.js';
import { comparableDrop, type Baseline, type Validation } from '../validation/validation.js';
import { createForecaster, type Forecast, type Forecaster } from './forecast.js';
import type { Journal } from './journal.js';
import { openReference, type Reference } from './outputError.js';
import { decidingSamples, nearestBorder, screeningSamples } from './samples.js';
import type { Assessment, Screening } from './search.js';
import { setKey } from './setKey.js';

/** Measures one quantization with any operators in float; every result goes through the journal. */
export interface Evaluator {
  /** What a few samples tell of a state. */
  readonly screen: (reverted: ReadonlySet<string>) => Promise<Screening>;
  /** `rival`: the chance of another state, for which this one is put off where its own turns out to be smaller. */
  readonly assess: (reverted: ReadonlySet<string>, rival?: number) => Promise<Assessment>;
  /** What is to be expected of a state; null where that cannot be told. */
  readonly predict: (reverted: ReadonlySet<string>) => Forecast | null;
  readonly validate: (reverted: ReadonlySet<string>) => Promise<Evaluation>;
  /** The full evaluation of a state, where there was one. */
  readonly evaluationOf: (reverted: ReadonlySet<string>) => Evaluation | undefined;
  /** How many samples decide, and are looked at first. */
  readonly deciding: number;
}

export interface EvaluatorInput {
  readonly quantization: Quantization;
  readonly validation: Validation;
  readonly baseline: Baseline;
  readonly maxDrop: number;
  /** The quantized model without any reversal. */
  readonly initial: Evaluation;
  /** Groups of operators that go back to float together. */
  readonly groups: readonly (readonly string[])[];
  /** The most samples that a state is judged by before it is measured on all. */
  readonly limit: number;
  readonly workers: Workers;
  readonly journal: Journal;
  /** Tells the results of this quantization from those of others in the journal. */
  readonly prefix: string;
}

const SCREENING_SAMPLES = 8;
/** Where margins tell how answers change, a state is screened on those nearest to changing: some for each answer to gain. */
const SAMPLES_PER_ANSWER = 4;
const [MIN_NEAREST, MAX_NEAREST] = [16, 256];
/**
 * A state is looked at in steps until the target is as good as missed: first until so many of its samples are known, by screening
 * or now, then of twice as many.
 */
const FIRST_KNOWN = 48;
const LEAST_STEP = 16;
/** Below this chance of meeting the target it is as good as missed. */
const MIN_CHANCE = 0.01;

/** What was seen of a state, by sample. */
type Seen = ReadonlyMap<number, SampleState>;
type Entries = readonly (readonly [number, SampleState])[];

export function createEvaluator(input: EvaluatorInput): Evaluator {
  const { validation, baseline, initial, limit } = input;
  const deciding = decidingSamples(validation.metric, baseline.states, initial.states, limit);
  const forecaster = forecasterOf(input, deciding);
  const memory = createMemory(input, forecaster);
  const context: Context = { input, deciding, forecaster, memory };
  const screen = screener(context);

  return {
    deciding: deciding.length,
    evaluationOf: memory.evaluationOf,
    predict: (reverted) => predictState(forecaster, memory, reverted),
    validate: (reverted) => validateAll(context, reverted),
    screen,
    assess: (reverted, rival = 0) => assessState(context, reverted, rival),
  };
}

interface Context {
  readonly input: EvaluatorInput;
  readonly deciding: readonly number[];
  readonly forecaster: SampleForecaster | null;
  readonly memory: Memory;
}

/** What has been measured of the states. */
interface Memory {
  /** Adds results of samples to what is known of a state. */
  readonly add: (reverted: ReadonlySet<string>, entries: Entries) => Seen;
  /** Takes down the full evaluation of a state. */
  readonly settle: (reverted: ReadonlySet<string>, states: readonly SampleState[]) => Evaluation;
  readonly evaluationOf: Evaluator['evaluationOf'];
  /** What is known of a state; undefined: nothing. */
  readonly seenOf: (reverted: ReadonlySet<string>) => Seen | undefined;
}

function createMemory(
  { validation: { metric } }: EvaluatorInput,
  forecaster: SampleForecaster | null,
): Memory {
  const full = new Map<string, Evaluation>();
  const seen = new Map<string, Seen>();

  return {
    add(reverted, entries) {
      const known = new Map([...(seen.get(setKey(reverted)) ?? []), ...entries]);
      seen.set(setKey(reverted), known);
      forecaster?.note(reverted, known);
      return known;
    },
    settle(reverted, states) {
      const evaluation = { value: metric.result(states), states };
      full.set(setKey(reverted), evaluation);
      return evaluation;
    },
    evaluationOf: (reverted) => full.get(setKey(reverted)),
    seenOf: (reverted) => seen.get(setKey(reverted)),
  };
}

/** From what was seen of the state itself, where there is something, else from its groups. */
function predictState(
  forecaster: SampleForecaster | null,
  memory: Memory,
  reverted: ReadonlySet<string>,
): Forecast | null {
  const seen = memory.seenOf(reverted);
  return (seen === undefined ? forecaster?.predict(reverted) : forecaster?.complete(reverted, seen)) ?? null;
}

/** The states of some samples. */
async function measure({ states }: MeasuredModel, indices: readonly number[]): Promise<Entries> {
  const measured = await states(indices);
  return indices.map((index, i) => [index, measured[i]] as const);
}

async function validateAll({ input, memory }: Context, reverted: ReadonlySet<string>): Promise<Evaluation> {
  const { journal, prefix, validation } = input;
  const states = await journal.of(`${prefix} validate ${setKey(reverted)}`, () =>
    withModel(input, reverted, { isSequel: true }, ({ states }) =>
      states(firstIndices(validation.source.count)),
    ),
  );

  return memory.settle(reverted, states);
}

/** Screens by margins where the metric has some, by the error at the outputs where it has none. */
function screener({ input, deciding, forecaster, memory }: Context): Evaluator['screen'] {
  const { validation, baseline, initial, journal, prefix } = input;
  const { metric, source } = validation;
  if (forecaster !== null) {
    const nearest = nearestBorder(metric, initial.states, deciding).slice(0, samplesToScreen(input));
    // What is screened side by side is noted in the order in which it was asked for, whichever is ready first.
    let before: Promise<unknown> = Promise.resolve();
    return (reverted) => {
      const measured = journal.of(`${prefix} screen ${setKey(reverted)}`, () =>
        withModel(input, reverted, { alone: true }, (model) => measure(model, nearest)),
      );
      const noted = before.then(async () => {
        const known = memory.add(reverted, await measured);
        return { error: null, drop: forecaster.complete(reverted, known).drop };
      });
      before = noted.catch(() => undefined);
      measured.catch(() => undefined);
      return noted;
    };
  }

  const samples = screeningSamples(metric, baseline.states, initial.states, SCREENING_SAMPLES);
  let reference: Promise<Reference> | undefined;

  return async (reverted) => {
    const error = await journal.of(`${prefix} screen ${setKey(reverted)}`, () =>
      withModel(input, reverted, { alone: true }, async ({ errors }) =>
        meanError(
          await errors(samples, async (runner, some) => {
            const float = await (reference ??= openReference(input, samples));
            return outputErrors(runner, { source, metric, task: baseline.task }, some, float);
          }),
        ),
      ),
    );

    return { error, drop: null };
  };
}

/** Some samples for each answer that has to be gained to meet the target. */
function samplesToScreen({ validation, baseline, initial, maxDrop }: EvaluatorInput): number {
  const allowed = validation.dropType === 'relative' ? maxDrop * Math.abs(baseline.value) : maxDrop;
  const toGain = validation.source.count * Math.abs(Math.abs(baseline.value - initial.value) - allowed);
  return Math.min(MAX_NEAREST, Math.max(MIN_NEAREST, Math.round(SAMPLES_PER_ANSWER * toGain)));
}

async function assessState(
  context: Context,
  reverted: ReadonlySet<string>,
  rival: number,
): Promise<Assessment> {
  const { input, forecaster, memory } = context;
  const { journal, prefix, validation } = input;
  const { count } = validation.source;
  const before = memory.seenOf(reverted)?.size ?? 0;
  const entries = await journal.of(`${prefix} assess ${setKey(reverted)} from ${before}`, () =>
    withModel(input, reverted, { isSequel: true }, (model) =>
      measureUntilDecided(context, model, reverted, rival),
    ),
  );

  const known = memory.add(reverted, entries);
  if (known.size < count) {
    const expected = forecaster?.complete(reverted, known) ?? null;
    return {
      drop: expected?.drop ?? dropOf(input, known),
      metric: Number.NaN,
      exact: false,
      putOff: expected !== null && expected.chance < rival && !isHopeless(context, known, expected),
    };
  }

  const { value } = memory.settle(
    reverted,
    firstIndices(count).map((index) => known.get(index)!),
  );

  return { metric: value, drop: dropOf(input, known), exact: true };
}

/** A forecast from what little was seen may be far off: what was seen has to say so, too. */
function isHopeless({ input, deciding }: Context, known: Seen, { chance }: Forecast): boolean {
  const seen = (dropOf(input, known) * deciding.length) / known.size;
  return chance < MIN_CHANCE && !meetsTarget(seen, input.maxDrop);
}

/** Measures the samples that decide, in growing steps, and the others only where the target is met without them. */
async function measureUntilDecided(
  context: Context,
  model: MeasuredModel,
  reverted: ReadonlySet<string>,
  rival: number,
): Promise<Entries> {
  const { input, deciding, forecaster, memory } = context;
  const { validation, initial, maxDrop } = input;
  const { metric, source } = validation;
  let known = memory.add(reverted, []);
  const missing = deciding.filter((index) => !known.has(index));
  const order = forecaster === null ? missing : nearestBorder(metric, initial.states, missing);
  let remaining: readonly number[] = order;
  let size = Math.max(LEAST_STEP, FIRST_KNOWN - known.size);
  while (remaining.length > 0) {
    const step = forecaster === null ? remaining.slice(0, size) : nearAndSpread(remaining, size);
    remaining = remaining.filter((index) => !step.includes(index));
    known = memory.add(reverted, await measure(model, step));
    const forecast = forecaster?.complete(reverted, known) ?? null;
    if (forecast !== null && (forecast.chance < rival || isHopeless(context, known, forecast)))
      return [...known];
    size *= 2;
  }

  if (!meetsTarget(dropOf(input, known), maxDrop)) return [...known];
  const others = firstIndices(source.count).filter((index) => !known.has(index));

  return [...known, ...(await measure(model, others))];
}

/**
 * The first half of so many, which are the nearest to the border and tell most, and as many spread over the others: what is true of the
 * nearest need not be of those.
 */
function nearAndSpread(ordered: readonly number[], count: number): number[] {
  const near = ordered.slice(0, Math.ceil(count / 2));
  const others = ordered.slice(near.length);
  const few = Math.min(count - near.length, others.length);
  const spread = Array.from(
    { length: few },
    (_, i) => others[Math.floor(((i + 0.5) * others.length) / few)]!,
  );

  return [...near, ...spread];
}

/** The drop of a state, samples that were not measured taken from the float model. */
function dropOf({ validation, baseline }: EvaluatorInput, known: Seen): number {
  const states = baseline.states.map((state, index) => known.get(index) ?? state);
  return comparableDrop(validation, baseline, { value: validation.metric.result(states), states });
}

/** Forecasts of states that are known by sample. */
interface SampleForecaster {
  note(reverted: ReadonlySet<string>, known: Seen): void;
  predict: Forecaster['predict'];
  complete(reverted: ReadonlySet<string>, known: Seen): Forecast;
}

/** null where the metric has no margins. */
function forecasterOf(
  { validation, baseline, initial, groups, maxDrop }: EvaluatorInput,
  deciding: readonly number[],
): SampleForecaster | null {
  const { metric } = validation;
  const { margin } = metric;
  if (margin === undefined) return null;
  const marginsOf = (known: Seen) =>
    Float64Array.from(deciding, (index) => {
      const state = known.get(index);
      return state === undefined ? Number.NaN : margin.of(state);
    });
  const forecaster = createForecaster({
    margin,
    groups,
    maxDrop,
    initial: Float64Array.from(deciding, (index) => margin.of(initial.states[index])),
    float: Float64Array.from(deciding, (index) => margin.of(baseline.states[index])),
    dropWith(states) {
      const all = [...baseline.states];
      deciding.forEach((index, i) => (all[index] = states[i]!));
      return comparableDrop(validation, baseline, { value: metric.result(all), states: all });
    },
  });

  return {
    note: (reverted, known) => forecaster.note(reverted, marginsOf(known)),
    predict: forecaster.predict,
    complete: (reverted, known) => forecaster.complete(reverted, marginsOf(known)),
  };
}

function withModel<T>(
  { quantization, validation, baseline, workers }: EvaluatorInput,
  reverted: ReadonlySet<string>,
  options: Pick<Measuring, 'alone' | 'isSequel'>,
  body: (measured: MeasuredModel) => Promise<T>,
): Promise<T> {
  const { prepared } = quantization;
  const measuring = { ...{ workers, validation, baseline, prepared }, ...sessionOptions(quantization) };
  return withMeasured(buildModel(quantization, reverted), { ...measuring, ...options }, body);
}
