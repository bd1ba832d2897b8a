import type { HostTensor } from '@quantsmith/model/arrays';
import { run, type Session } from '../runtime/session.js';

export interface Latency {
  /** Medians in milliseconds of single inferences. */
  readonly floatMedian: number;
  readonly quantizedMedian: number;
  /** Counted runs of each model. */
  readonly runs: number;
}

/** Runs of one model in a row: the threads of the other one, which wait busily for a while, would slow down the first. */
const WARM_UPS = 3;
const BLOCK_MS = 60;
const LARGEST_BLOCK = 10;

/**
 * Times the two models on the same input, some runs of one and then of the other, so that a drift of the machine's speed
 * touches both. The first runs of a block are not counted. Stops after `maxRuns` of each or `budgetMs`, but never before
 * three blocks.
 */
export async function measureLatency(
  float: Session,
  quantized: Session,
  feeds: Readonly<Record<string, HostTensor>>,
  { budgetMs = 2000, maxRuns = 50 }: { budgetMs?: number; maxRuns?: number } = {},
): Promise<Latency> {
  const started = performance.now();
  const first = Math.max(await timeOnce(float, feeds), await timeOnce(quantized, feeds));
  const block = Math.max(1, Math.min(LARGEST_BLOCK, Math.round(BLOCK_MS / first)));
  const times: { float: number[]; quantized: number[] } = { float: [], quantized: [] };
  for (let round = 0; times.float.length < maxRuns; round++) {
    if (round >= 3 && performance.now() - started > budgetMs) break;
    times.float.push(...(await timeBlock(float, feeds, block)));
    times.quantized.push(...(await timeBlock(quantized, feeds, block)));
  }
  return {
    floatMedian: median(times.float),
    quantizedMedian: median(times.quantized),
    runs: times.float.length,
  };
}

async function timeBlock(
  session: Session,
  feeds: Readonly<Record<string, HostTensor>>,
  runs: number,
): Promise<number[]> {
  const warmUps = Math.min(WARM_UPS, runs);
  for (let i = 0; i < warmUps; i++) await timeOnce(session, feeds);
  const times: number[] = [];
  for (let i = 0; i < runs; i++) times.push(await timeOnce(session, feeds));
  return times;
}

async function timeOnce(session: Session, feeds: Readonly<Record<string, HostTensor>>): Promise<number> {
  const started = performance.now();
  await run(session, feeds);
  return performance.now() - started;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
