import { QuantsmithError } from '@quantsmith/schemas';

/** Nothing may compute longer; on a busy machine the clock says more. */
const MAX_CPU_MS = 2000;
/** Nothing may wait longer. */
const MAX_WAIT_MS = 100_000;
/** Nothing may take more memory than this, beside four times its file. */
const MAX_BYTES = 200 * 2 ** 20;

/** What a hostile case got past, what is wrong with how it ended, and what it took. */
export interface Outcome {
  readonly counted: readonly string[];
  readonly faults: readonly string[];
  readonly cost: Cost;
}

interface Cost {
  readonly computedMs: number;
  readonly waitedMs: number;
  readonly grownBytes: number;
  /** The size of the case's files. */
  readonly fileBytes: number;
}

/** What a case takes too much of. It depends on the machine: campaigns ask for it, tests do not. */
export function excesses(
  { computedMs, waitedMs, grownBytes, fileBytes }: Cost,
  maxCpuMs = MAX_CPU_MS,
): string[] {
  return [
    ...(computedMs > maxCpuMs || waitedMs > MAX_WAIT_MS
      ? [`took ${Math.round(computedMs)} ms of the CPU, ${Math.round(waitedMs)} ms in all`]
      : []),
    ...(grownBytes > MAX_BYTES + 4 * fileBytes ? [`took ${Math.round(grownBytes / 2 ** 20)} MB`] : []),
  ];
}

/** Counts a step that went well. What it throws on purpose is an answer; anything else is a fault. */
export type Attempt = (step: string, body: () => unknown) => Promise<void>;

/** Runs the steps of one case; `fileBytes` is the size of its files. */
export async function watched(
  fileBytes: number,
  steps: (attempt: Attempt) => Promise<void>,
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
  const cost = {
    computedMs: (user + system) / 1000,
    waitedMs: performance.now() - begun,
    grownBytes: process.memoryUsage().rss - memory,
    fileBytes,
  };
  return { counted, faults, cost };
}

/** What was thrown, and in which functions. */
function whereOf(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return text.split('\n', 4).join(' ').slice(0, 400);
}
