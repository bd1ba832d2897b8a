import type { HostTensor } from '../runtime/tensor.js';
import { run, type Session } from '../runtime/session.js';

export interface Latency {
  /** Medians in milliseconds of single inferences. */
  readonly floatMedian: number;
  readonly quantizedMedian: number;
  /** Counted runs of each model. */
  readonly runs: number;
}

/**
 * Times the two models on the same input, in turn, so that a drift of the machine's speed touches both. Warm-up runs
 * are not counted; stops after `maxRuns` pairs or `budgetMs`, but never before five pairs.
 */
export async function measureLatency(
  float: Session,
  quantized: Session,
  feeds: Readonly<Record<string, HostTensor>>,
  { budgetMs = 2000, maxRuns = 50 }: { budgetMs?: number; maxRuns?: number } = {},
): Promise<Latency> {
  const times: { float: number[]; quantized: number[] } = { float: [], quantized: [] };
  const started = performance.now();
  const warmUps = 2;
  for (let i = 0; i < maxRuns + warmUps; i++) {
    if (times.float.length >= 5 && performance.now() - started > budgetMs) break;
    const floatTime = await timeOnce(float, feeds);
    const quantizedTime = await timeOnce(quantized, feeds);
    if (i < warmUps) continue;
    times.float.push(floatTime);
    times.quantized.push(quantizedTime);
  }
  return {
    floatMedian: median(times.float),
    quantizedMedian: median(times.quantized),
    runs: times.float.length,
  };
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
