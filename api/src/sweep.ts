import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runSweep, type PlannedRun, type Sweep, type SweepOptions as CoreOptions } from '@quantsmith/server';
import { quantizeChecked, type QuantizeOptions } from './quantize.js';

export type { DroppedRun, Sweep, SweepPoint, SweepRun, SweepStage } from '@quantsmith/server';

export type SweepOptions = Omit<QuantizeOptions, 'output' | 'baseDir' | 'resume'> & CoreOptions;

/**
 * Runs every combination of settings that the matrices of configs name, one after the other; calibration statistics and the
 * float model's result are shared by content. What an earlier sweep has finished is kept. All configs are checked before
 * anything is computed: rejects with a `QuantsmithError` (`config-invalid`, `usage-invalid`); a run that fails later is a
 * point with a problem. With a time limit that is too short for all, those that do best on few samples are run. Rejects with the
 * signal's reason when aborted; what is finished stays for the next sweep.
 */
export function sweep(configs: string | readonly string[], options: SweepOptions = {}): Promise<Sweep> {
  const run = (planned: PlannedRun, samples: number | null) =>
    samples === null ? whole(planned, options) : onFew(planned, samples, options);

  return runSweep([configs].flat(), run, options);
}

async function whole({ checked, output, configText }: PlannedRun, options: SweepOptions) {
  const kept = configText === null ? {} : { configText };
  return (await quantizeChecked(checked, { ...options, ...kept, output }, true)).report;
}

/** The model of a trial is of no use to anybody. */
async function onFew({ checked }: PlannedRun, samples: number, options: SweepOptions) {
  const folder = await mkdtemp(join(tmpdir(), 'quantsmith-sweep-'));
  try {
    const output = join(folder, 'trial.int8.onnx');
    return (await quantizeChecked(checked, { ...options, output, samples }, true)).report;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
