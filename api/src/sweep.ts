import { engineSeries } from '@quantsmith/engine';
import type { Sharing } from '@quantsmith/schemas';
import { plannedRuns, runSweep, type Sweep, type SweepOptions as CoreOptions } from '@quantsmith/server';
import { quantizeChecked, type QuantizeOptions } from './quantize.js';

export type { DroppedRun, Sweep, SweepPoint, SweepRun, SweepStage } from '@quantsmith/server';

export type SweepOptions = Omit<QuantizeOptions, 'output' | 'baseDir' | 'resume'> &
  CoreOptions & {
    /** Lets workers measure; left out: the sweep measures itself. */
    readonly sharing?: Sharing;
  };

/**
 * Runs every combination of settings that the matrices of configs name, one after the other; calibration statistics and the
 * float model's result are shared by content. What an earlier sweep has finished is kept. All configs are checked before
 * anything is computed: a run that cannot be made, or fails later, is a point with a problem; where none can be made, rejects with a
 * `QuantsmithError` (`config-invalid`, `usage-invalid`). With a time limit that is too short for all, those that do best on few samples are run. Rejects with the
 * signal's reason when aborted; what is finished stays for the next sweep.
 */
export async function sweep(configs: string | readonly string[], options: SweepOptions = {}): Promise<Sweep> {
  const series = engineSeries();
  const run = plannedRuns(
    async (checked, places) =>
      (await quantizeChecked(checked, { ...options, ...places, series }, true)).report,
  );

  try {
    return await runSweep([configs].flat(), run, options);
  } finally {
    await series.close();
  }
}
