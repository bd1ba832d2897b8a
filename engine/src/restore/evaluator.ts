import { meetsTarget } from '@quantsmith/schemas';
import { firstIndices, readAhead } from '../data/source.js';
import { evaluate, type Evaluation } from '../metrics/evaluate.js';
import type { SampleState } from '../metrics/metric.js';
import { buildModel, sessionOptions, type Quantization } from '../quantize/quantization.js';
import type { Workers, ModelRunner, OpenOptions } from '../runtime/workers.js';
import { comparableDrop, type Baseline, type Validation } from '../validation/validation.js';
import { createForecaster, type Forecast, type Forecaster } from './forecast.js';
import type { Journal } from './journal.js';
import { meanError, openReference, type Reference } from './outputError.js';
import { decidingSamples, nearestBorder, screeningSamples } from './samples.js';
import type { Assessment, Screening } from './search.js';

/** Measures one quantization with any operators in float; every result goes through the journal. */
export interface Evaluator {
  /** What a few samples tell of a state. */
  readonly screen: (reverted: ReadonlySet<string>) => Promise<Screening>;
  readonly assess: (reverted: ReadonlySet<string>) => Promise<Assessment>;
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
/** A state is looked at in steps, first of so many samples and then twice as many, until the target is as good as missed. */
const FIRST_STEP = 48;
const HOPELESS = 0.01;

/** What was seen of a state, by sample. */
type Seen = ReadonlyMap<number, SampleState>;
type Entries = readonly (readonly [number, SampleState])[];

export function createEvaluator(input: EvaluatorInput): Evaluator {
  const { validation, baseline, initial, journal, prefix } = input;
  const { metric, source } = validation;
  const { maxDrop } = input;
  const deciding = decidingSamples(metric, baseline.states, initial.states, input.limit);
  const forecaster = forecasterOf(input, deciding);
  const full = new Map<string, Evaluation>();
  const seen = new Map<string, Seen>();
  const allowed = validation.dropType === 'relative' ? maxDrop * Math.abs(baseline.value) : maxDrop;
  const toGain = source.count * Math.abs(Math.abs(baseline.value - initial.value) - allowed);
  const nearest = Math.min(MAX_NEAREST, Math.max(MIN_NEAREST, Math.round(SAMPLES_PER_ANSWER * toGain)));
  const screening =
    forecaster === null
      ? screeningSamples(metric, baseline.states, initial.states, SCREENING_SAMPLES)
      : nearestBorder(metric, initial.states, deciding).slice(0, nearest);

  let reference: Promise<Reference> | undefined;

  const run = async (runner: ModelRunner, indices: readonly number[]): Promise<Entries> => {
    const options = {
      task: baseline.task,
      ...(baseline.reference === null ? {} : { reference: baseline.reference }),
    };

    const { states } = await evaluate(runner, source, indices, metric, options);
    return indices.map((index, i) => [index, states[i]!] as const);
  };
  const look = (reverted: ReadonlySet<string>, entries: Entries): Seen => {
    const known = new Map([...(seen.get(keyOf(reverted)) ?? []), ...entries]);
    seen.set(keyOf(reverted), known);
    forecaster?.note(reverted, known);
    return known;
  };
  const drop = (known: Seen) => {
    const states = baseline.states.map((state, index) => known.get(index) ?? state);
    return comparableDrop(validation, baseline, { value: metric.result(states), states });
  };
  const settle = (reverted: ReadonlySet<string>, states: readonly SampleState[]): Evaluation => {
    const evaluation = { value: metric.result(states), states };
    full.set(keyOf(reverted), evaluation);
    return evaluation;
  };

  return {
    deciding: deciding.length,
    evaluationOf: (reverted) => full.get(keyOf(reverted)),
    predict: (reverted) => forecaster?.predict(reverted) ?? null,
    async validate(reverted) {
      const states = await journal.of(`${prefix} validate ${keyOf(reverted)}`, () =>
        withModel(input, reverted, {}, async (runner) => {
          const entries = await run(runner, firstIndices(source.count));
          return entries.map(([, state]) => state);
        }),
      );

      return settle(reverted, states);
    },
    async screen(reverted) {
      if (forecaster !== null) {
        const entries = await journal.of(`${prefix} screen ${keyOf(reverted)}`, () =>
          withModel(input, reverted, { alone: true }, (runner) => run(runner, screening)),
        );

        const known = look(reverted, entries);
        return { error: null, drop: forecaster.complete(reverted, known).drop };
      }

      const error = await journal.of(`${prefix} screen ${keyOf(reverted)}`, async () => {
        const expected = await (reference ??= openReference(input, screening));
        return withModel(input, reverted, { alone: true }, (runner) =>
          meanError(runner, readAhead(source, screening), expected, { metric, task: baseline.task }),
        );
      });

      return { error, drop: null };
    },
    async assess(reverted) {
      const entries = await journal.of(`${prefix} assess ${keyOf(reverted)}`, () =>
        withModel(input, reverted, {}, async (runner) => {
          let known = look(reverted, []);
          const left = deciding.filter((index) => !known.has(index));
          const order = forecaster === null ? left : nearestBorder(metric, initial.states, left);
          for (let start = 0; start < order.length; start = 2 * start + FIRST_STEP) {
            known = look(reverted, await run(runner, order.slice(start, 2 * start + FIRST_STEP)));
            if (forecaster !== null && forecaster.complete(reverted, known).chance < HOPELESS)
              return [...known];
          }

          if (!meetsTarget(drop(known), maxDrop)) return [...known];
          const others = firstIndices(source.count).filter((index) => !known.has(index));

          return [...known, ...(await run(runner, others))];
        }),
      );

      const known = look(reverted, entries);
      if (known.size < source.count) {
        const expected = forecaster?.complete(reverted, known).drop ?? drop(known);
        return { drop: expected, metric: Number.NaN, exact: false };
      }

      const { value } = settle(
        reverted,
        firstIndices(source.count).map((index) => known.get(index)!),
      );

      return { metric: value, drop: drop(known), exact: true };
    },
  };
}

/** Knows of a state by sample; null where the metric has no margins. */
function forecasterOf(
  { validation, baseline, initial, groups, maxDrop }: EvaluatorInput,
  deciding: readonly number[],
): {
  note(reverted: ReadonlySet<string>, known: Seen): void;
  predict: Forecaster['predict'];
  complete(reverted: ReadonlySet<string>, known: Seen): Forecast;
} | null {
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

async function withModel<T>(
  { quantization, baseline: { batch }, workers }: EvaluatorInput,
  reverted: ReadonlySet<string>,
  options: Pick<OpenOptions, 'alone'>,
  body: (runner: ModelRunner) => Promise<T>,
): Promise<T> {
  const session = { ...options, ...sessionOptions(quantization), batch };
  const runner = await workers.open(buildModel(quantization, reverted), session);
  try {
    return await body(runner);
  } finally {
    await runner.release();
  }
}

const keyOf = (reverted: ReadonlySet<string>) => JSON.stringify([...reverted].sort());
