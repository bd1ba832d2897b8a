import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** What a kind of case has come to, over all runs of the campaign. */
export interface Tally {
  /** The first seed that was never used. */
  nextSeed: number;
  cases: number;
  /** Cases by the commit of the code that they ran on. */
  commits?: Record<string, number>;
  /** Named counts, e.g. how many got past parsing. */
  counts: Record<string, number>;
  /** Seeds with a fault, and what it was. */
  found: { readonly seed: number; readonly fault: string }[];
}

/** Tallies by kind of case, kept in a file, so that a campaign continues where it stopped and repeats no seed. */
export interface Ledger {
  readonly of: (kind: string) => Tally;
  readonly save: () => void;
}

export function openLedger(path: string): Ledger {
  const tallies = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, Tally>) : {};
  return {
    of: (kind) => (tallies[kind] ??= { nextSeed: 1, cases: 0, counts: {}, found: [] }),
    save() {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(`${path}.tmp`, JSON.stringify(tallies, null, 1));
      renameSync(`${path}.tmp`, path);
    },
  };
}

interface Booked {
  readonly seed: number;
  readonly commit: string;
  readonly counted: readonly string[];
  readonly faults: readonly string[];
}

/** Books one case. */
export function book(tally: Tally, { seed, commit, counted, faults }: Booked): void {
  tally.nextSeed = Math.max(tally.nextSeed, seed + 1);
  tally.cases++;
  tally.commits ??= {};
  tally.commits[commit] = (tally.commits[commit] ?? 0) + 1;
  for (const name of counted) tally.counts[name] = (tally.counts[name] ?? 0) + 1;
  for (const fault of faults) tally.found.push({ seed, fault });
}
