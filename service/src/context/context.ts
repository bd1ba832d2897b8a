import type { ModelSummary, QuantizationConfig, QuantizationReport } from '@quantsmith/schemas';
import type { OutputFacts } from '@quantsmith/engine';
import type { Inherited } from '../extends/inherit.js';

/** What of a run has changed since; null: nothing. */
export type Change = 'config' | 'model' | 'data' | null;

/** How many samples the data sections have; null where that is not known without running something. */
export interface SampleCounts {
  readonly calibration: number | null;
  readonly validation: number | null;
}

export const NO_SAMPLES: SampleCounts = { calibration: null, validation: null };

/** Names of the arrays of each data section's .npz; null where it has none, or none that can be read. */
export interface ArrayNames {
  readonly calibration: readonly string[] | null;
  readonly validation: readonly string[] | null;
}

/** What a config leads to, as far as it can be read. */
export interface Surroundings {
  /** The config's folder; null: it is not saved. */
  readonly baseDir: string | null;
  /** What it takes over from the configs that it extends. */
  readonly inherited: Inherited;
  readonly samples: SampleCounts;
  readonly arrayNames: ArrayNames;
  readonly model: ModelSummary | null;
  /** Why the model cannot be read. */
  readonly modelProblem: string | null;
  /** The config's value with what it inherits; null when it is not valid. */
  readonly config: QuantizationConfig | null;
  readonly report: QuantizationReport | null;
  /** What has changed since the report was made. */
  readonly changed: Change;
  /** null: the config names no model yet. */
  readonly output: OutputSurroundings | null;
}

/** What lies where the model will be written, and who else writes there. */
export interface OutputSurroundings {
  readonly facts: OutputFacts;
  /** Names of other configs in the folder with the same output. */
  readonly sharedWith: readonly string[];
}
