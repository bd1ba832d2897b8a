import { QuantsmithError } from '@quantsmith/schemas';

/** Nothing may compute longer; on a busy machine the clock says more. */
const MAX_CPU_MS = 2000;
/** Nothing may wait longer. */
const MAX_WAIT_MS = 30_000;
/** Nothing may take more memory than this, beside four times its file. */
const MAX_BYTES = 200 * 2 ** 20;

/** What a hostile case got past, and what is wrong with how it ended. */
export interface Outcome {
  readonly counted: readonly string[];
  readonly faults: readonly string[];
}

/** Counts a step that went well. What it throws on purpose is an answer; anything else is a fault. */
export type Attempt = (step: string, body: () => unknown) => Promise<void>;

/** Runs the steps of one case within bounds of time and memory; `bytes` is the size of its files. */
export async function watched(
  bytes: number,
  steps: (attempt: Attempt) => Promise<void>,
  maxCpuMs = MAX_CPU_MS,
): Promise<Outcome> {
  const counted: string[] = [];
  const faults: string[] = [];
  const memory = process.memoryUsage.rss();
  const begun = performance.now();
  const cpu = process.cpuUsage();
  await steps(async (step, body) => {
    try {
      await body();
      counted.push(step);
    } catch (error) {
      if (!(error instanceof QuantsmithError) || error.problem.code === 'internal-error')
        faults.push(`${step}: ${whereOf(error)}`);
      else counted.push(`${error.problem.code}, not ${step}`);
    }
  });
  const { user, system } = process.cpuUsage(cpu);
  const computed = (user + system) / 1000;
  const took = performance.now() - begun;
  if (computed > maxCpuMs || took > MAX_WAIT_MS)
    faults.push(`took ${Math.round(computed)} ms of the CPU, ${Math.round(took)} ms in all`);
  const grown = process.memoryUsage.rss() - memory;
  if (grown > MAX_BYTES + 4 * bytes) faults.push(`took ${Math.round(grown / 2 ** 20)} MB`);
  return { counted, faults };
}

/** What was thrown, and in which functions. */
function whereOf(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return text.split('\n', 4).join(' ').slice(0, 400);
}
