import type { Workers } from '../runtime/workers.js';
import type { Clock } from '../progress/clock.js';
import type { Baseline } from '../validation/validation.js';
import type { Journal } from './journal.js';

export interface RestoreContext {
  readonly workers: Workers;
  readonly clock: Clock;
  readonly journal: Journal;
  /** The float model's result: measured, or as an earlier run measured it. */
  readonly baselineOf: (measure: () => Promise<Baseline>) => Promise<Baseline>;
  /** Aborted by who wants the best state found so far; absent: by nobody. */
  readonly finish?: AbortSignal | undefined;
  /** How many samples are calibrated on. */
  readonly calibrationSamples: number;
  /** Whether 16-bit sums saturate on the CPU that the model is made for. */
  readonly saturates: boolean;
}
