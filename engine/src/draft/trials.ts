import { append, type EngineEvent, type TriedPreprocess } from '@quantsmith/schemas';
import { preprocessText } from '@quantsmith/model/tasks';
import type { Preprocess } from '../data/preprocess.js';
import { readAhead } from '../data/source.js';
import { spreadIndices } from '../data/spread.js';
import type { SampleSource } from '../data/types.js';
import { accumulate } from '../metrics/evaluate.js';
import type { Metric, SampleState } from '../metrics/metric.js';
import { runSample } from '../runtime/batch.js';
import type { Session } from '../runtime/session.js';
import type { Seen } from '../tasks/guess.js';
import type { Task } from '../tasks/task.js';

/** What a trial works with. */
export interface Measuring {
  readonly session: Session;
  readonly metric: Metric;
  readonly task: Task;
  readonly open: (preprocess: Preprocess | null) => Promise<SampleSource>;
  /** Milliseconds of the clock at which the last trial must have ended. */
  readonly until: number;
  readonly emit: (event: EngineEvent) => void;
}

/** Samples that tell what the outputs mean. */
const PROBED = 8;
/**
 * Samples of the three rounds: all values of pixels, the better of them, and the best with every way to the model's size.
 * An image with boxes says more than one with a class.
 */
const ROUNDS = { boxes: [4, 12, 64], others: [12, 48, 1000] } as const;
/** Values of pixels that come into the second and the third round, and their share of the best one's metric at least. */
const MOST = [4, 2] as const;
const MIN_SHARE = [0.5, 0.9] as const;

/** What the model gives for the first samples. */
export async function outputsOf(source: SampleSource, session: Session, count = PROBED): Promise<Seen[]> {
  const seen: Seen[] = [];
  for await (const sample of readAhead(source, spreadIndices(0, source.count, count))) {
    const { feeds, image = null } = sample;
    seen.push({ feeds, image, outputs: await runSample(session, sample) });
  }

  return seen;
}

/** The metric of the float model with one preprocessing, on `most` samples; null: the time was over. */
export async function measured(
  preprocess: Preprocess | null,
  { session, metric, task, open, until }: Measuring,
  max: number,
): Promise<TriedPreprocess | null> {
  if (Date.now() > until) return null;
  const source = await open(preprocess);
  const states: SampleState[] = [];
  for await (const sample of readAhead(source, spreadIndices(0, source.count, max))) {
    if (Date.now() > until) return null;
    states.push(await accumulate(metric, await runSample(session, sample), sample, null, task));
  }

  const text = preprocess === null ? '' : preprocessText(preprocess);
  return { text, value: metric.result(states), samples: states.length };
}

type Part = Readonly<Preprocess>;

/** One preprocessing that was tried, and the values of pixels in it. */
interface Trial extends TriedPreprocess {
  readonly preprocess: Preprocess;
  readonly part: Part;
}

/**
 * The preprocessing with the best metric, in three rounds of fewer candidates and more samples. null: there was no time for
 * any.
 */
export async function bestPreprocess(
  geometries: readonly Part[],
  values: readonly Part[],
  measuring: Measuring & { readonly join: (geometry: Part, value: Part) => Preprocess },
): Promise<{ preprocess: Preprocess; tried: readonly TriedPreprocess[] } | null> {
  const { join, metric, until, emit } = measuring;
  const [first, second, third] = ROUNDS[metric.name.startsWith('map') ? 'boxes' : 'others'];
  const total = values.length + MOST[0] + MOST[1] * geometries.length;
  let done = 0;
  const attempt = async (geometry: Part, part: Part, max: number): Promise<Trial[]> => {
    const preprocess = join(geometry, part);
    const results = await measured(preprocess, measuring, max);
    const progress = { stage: 'choose', done: ++done, total, secondsLeft: null } as const;
    emit({ type: 'progress', ...progress, detail: 'preprocessing' });
    return results === null ? [] : [{ ...results, preprocess, part }];
  };

  const rounds: Trial[][] = [];
  const ranked = (trials: readonly Trial[]) => {
    const sorted = [...trials].sort((a, b) =>
      metric.higherIsBetter ? b.value - a.value : a.value - b.value,
    );
    if (sorted.length > 0) rounds.unshift(sorted);
    return sorted;
  };

  const start = Date.now();
  const all = ranked(await inTurn(values, (part) => attempt(geometries[0]!, part, first)));
  const seconds = (Date.now() - start) / (all.length * first);
  const better = kept(all, 0, metric);
  const best =
    better.length < 2
      ? better
      : ranked(await inTurn(better, ({ part }) => attempt(geometries[0]!, part, second)));
  const finalists = kept(best, 1, metric);
  // The last round ends in time.
  const fitting = Math.floor((0.9 * (until - Date.now())) / (seconds * finalists.length * geometries.length));
  const count = Math.min(third, Math.max(second, fitting));
  ranked(
    await inTurn(finalists, ({ part }) => inTurn(geometries, (geometry) => attempt(geometry, part, count))),
  );

  const [winners = []] = rounds;
  const [winner] = winners;
  if (winner === undefined) return null;
  const others = rounds.slice(1).flat();
  const isKnown = (text: string, before: readonly Trial[]) => before.some((trial) => trial.text === text);
  const tried = [...winners, ...others].filter(
    ({ text }, index, list) => !isKnown(text, list.slice(0, index)),
  );

  return {
    preprocess: winner.preprocess,
    tried: tried.map(({ text, value, samples }) => ({ text, value, samples })),
  };
}

/** Those that come into the next round: near enough to the best, and not too many. */
function kept(trials: readonly Trial[], round: 0 | 1, { higherIsBetter }: Metric): Trial[] {
  const [best] = trials;
  if (best === undefined) return [];
  const share = MIN_SHARE[round];
  const isNear = ({ value }: Trial) =>
    higherIsBetter ? value >= share * best.value : value * share <= best.value;
  return trials.filter(isNear).slice(0, MOST[round]);
}

async function inTurn<T, U>(items: readonly T[], action: (item: T) => Promise<U[]>): Promise<U[]> {
  const results: U[] = [];
  for (const item of items) append(results, await action(item));
  return results;
}
