import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Feeds } from './batch.js';
import { withScratchFolder } from './scratch.js';
import { createSession, run, type SessionOptions } from './session.js';

/** The runtime's profile has a line for each kernel and run; it is kept within about 10 MB. */
const MAX_LINES = 20_000;
const [MIN_RUNS, MAX_RUNS] = [5, 30];

/**
 * Milliseconds that each kernel takes in one inference, by its name in the runtime's graph: the median over some runs. From the
 * runtime's own profile, a file in a scratch folder that is gone afterwards. `kernels`: about how many there are.
 */
export async function kernelTimes(
  model: Uint8Array,
  feeds: Feeds,
  kernels: number,
  options: SessionOptions,
): Promise<ReadonlyMap<string, number>> {
  const runs = Math.max(MIN_RUNS, Math.min(MAX_RUNS, Math.floor(MAX_LINES / Math.max(1, kernels))));

  return withScratchFolder(async (scratch) => {
    const profiled = { ...options, timed: true, profilePrefix: join(scratch, 'profile') };
    const session = await createSession(model, profiled);
    try {
      for (let i = 0; i < runs; i++) await run(session, feeds);
      session.native.endProfiling();
    } finally {
      await session.release();
    }

    const [file] = await readdir(scratch);
    return file === undefined
      ? new Map<string, number>()
      : timesOf(await readFile(join(scratch, file), 'utf8'), runs);
  });
}

interface ProfileLine {
  readonly cat?: string;
  readonly name?: string;
  /** Microseconds. */
  readonly dur?: number;
}

const KERNEL = '_kernel_time';

/** An entry stands on a line. The runtime writes names as they are: a line that a quote or a line break in one spoils is left out. */
function parsedLine(line: string): ProfileLine[] {
  try {
    return [JSON.parse(line.replace(/,\s*$/, '')) as ProfileLine];
  } catch {
    return [];
  }
}

/** The median of each kernel's lines in a profile of so many runs; what runs several times in each counts as often. */
export function timesOf(profile: string, runs: number): ReadonlyMap<string, number> {
  const durations = new Map<string, number[]>();
  for (const { cat, name = '', dur = 0 } of profile.split('\n').flatMap(parsedLine)) {
    if (cat !== 'Node' || !name.endsWith(KERNEL)) continue;
    const kernel = name.slice(0, -KERNEL.length);
    const known = durations.get(kernel);
    if (known === undefined) durations.set(kernel, [dur]);
    else known.push(dur);
  }

  return new Map(
    [...durations].map(([kernel, all]) => {
      const sorted = all.sort((a, b) => a - b);
      const times = Math.max(1, Math.round(sorted.length / runs));
      return [kernel, (times * sorted[sorted.length >> 1]!) / 1000];
    }),
  );
}
