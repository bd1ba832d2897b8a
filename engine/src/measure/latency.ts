import { append } from '@quantsmith/schemas';
import type { HostTensor } from '@quantsmith/model/arrays';
import { run, type Session } from '../runtime/session.js';
import { median } from '../ranges/median.js';

export interface Latency {
  /** Medians in milliseconds of single inferences. */
  readonly floatMedian: number;
  readonly quantizedMedian: number;
  /** 10th and 90th percentiles. */
  readonly floatSpread: readonly [number, number];
  readonly quantizedSpread: readonly [number, number];
  /** 95 % interval of the median of float / quantized over pairs of runs close in time; null: too few pairs. */
  readonly ratio: readonly [number, number] | null;
  /** Whether the times vary so much that something else must have used the machine. */
  readonly busy: boolean;
  /** Counted runs of each model. */
  readonly runs: number;
}

/**
 * Runs of one model in a row: the threads of the other one, which wait busily for a while, would slow down the first ones, which
 * are not counted.
 */
const WARM_UPS = 3;
const WARM_UP_MS = 10;
const BLOCK_MS = 60;
const LARGEST_BLOCK = 10;
const LEAST_BLOCKS = 3;
/** Width of the ratio's interval, of its middle, that decides every question that is asked of it: the narrowest margin is 2 %. */
const PRECISE = 0.02;
/**
 * Fifty runs of a small model are over in 10 ms: whatever else used the machine just then is in all of them. While they leave open
 * what was asked, twice as many are made, up to this time. Few looks, so that chance does not decide in the end.
 */
const OPEN_MS = 500;
/** Percentiles of a quiet machine lie closer together. */
const BUSY = 1.5;

/**
 * Times the two models on the same input, some runs of one and then of the other, so that a drift of the machine's speed
 * touches both. The first runs of a block are not counted. Stops once the ratio's interval is narrow, after `maxRuns` of each, or
 * after `budgetMs`, but never before three blocks. `asked`: a ratio that the result is to lie above or below; models that are run
 * often within `OPEN_MS` are run more often than `maxRuns` to tell.
 */
export async function measureLatency(
  float: Session,
  quantized: Session,
  feeds: Readonly<Record<string, HostTensor>>,
  { budgetMs = 2000, maxRuns = 50, asked }: { budgetMs?: number; maxRuns?: number; asked?: number } = {},
): Promise<Latency> {
  const started = performance.now();
  const elapsed = () => performance.now() - started;
  const first = Math.max(await timeOnce(float, feeds), await timeOnce(quantized, feeds));
  const block = Math.max(1, Math.min(LARGEST_BLOCK, Math.round(BLOCK_MS / first)));
  const times: Times = { float: [], quantized: [] };
  const isOpen = () => asked !== undefined && elapsed() < OPEN_MS && leavesOpen(ratiosOf(times), asked);
  let allowed = maxRuns;
  for (let round = 0; times.float.length < allowed; round++) {
    if (round >= LEAST_BLOCKS && (elapsed() > budgetMs || isPrecise(ratiosOf(times)))) break;
    append(times.float, await timeBlock(float, feeds, block));
    append(times.quantized, await timeBlock(quantized, feeds, block));
    if (times.float.length >= allowed && isOpen()) allowed *= 2;
  }

  const floatSpread = spread(times.float);
  const quantizedSpread = spread(times.quantized);

  return {
    floatSpread,
    quantizedSpread,
    ratio: medianInterval(ratiosOf(times)),
    busy: [floatSpread, quantizedSpread].some(([low, high]) => high > BUSY * low),
    floatMedian: median(times.float),
    quantizedMedian: median(times.quantized),
    runs: times.float.length,
  };
}

/** Milliseconds of the counted runs, as many of each model. */
interface Times {
  readonly float: number[];
  readonly quantized: number[];
}

const ratiosOf = ({ float, quantized }: Times): number[] => float.map((time, i) => time / quantized[i]!);

function isPrecise(ratios: readonly number[]): boolean {
  const interval = medianInterval(ratios);
  if (interval === null) return false;
  const [low, high] = interval;
  return high - low < PRECISE * ((low + high) / 2);
}

/** Whether the interval of these ratios says neither that they are above `asked` nor that they are below. */
function leavesOpen(ratios: readonly number[], asked: number): boolean {
  const interval = medianInterval(ratios);
  return interval === null || (interval[0] <= asked && interval[1] >= asked);
}

async function timeBlock(
  session: Session,
  feeds: Readonly<Record<string, HostTensor>>,
  runs: number,
): Promise<number[]> {
  const started = performance.now();
  const warmUps = Math.min(WARM_UPS, runs);
  for (let i = 0; i < warmUps && performance.now() - started < WARM_UP_MS; i++)
    await timeOnce(session, feeds);
  const times: number[] = [];
  for (let i = 0; i < runs; i++) times.push(await timeOnce(session, feeds));
  return times;
}

async function timeOnce(session: Session, feeds: Readonly<Record<string, HostTensor>>): Promise<number> {
  const started = performance.now();
  await run(session, feeds);
  return performance.now() - started;
}

function spread(values: readonly number[]): readonly [number, number] {
  return [percentile(values, 0.1), percentile(values, 0.9)];
}

/** The value that this share of all lies below, the nearest one. */
function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round(share * (sorted.length - 1))]!;
}

/**
 * 95 % confidence interval of the median, whatever the distribution: the order statistics that a binomial one of n fair coins
 * leaves outside with 2.5 % on each side. null for less than six values, which have none.
 */
export function medianInterval(values: readonly number[]): [number, number] | null {
  const sorted = [...values].sort((a, b) => a - b);
  const count = sorted.length;
  let [term, below, index] = [0.5 ** count, 0, -1];
  while (below + term <= 0.025 && index < count) {
    below += term;
    index++;
    term *= (count - index) / (index + 1);
  }

  return index < 0 ? null : [sorted[index]!, sorted[count - 1 - index]!];
}
