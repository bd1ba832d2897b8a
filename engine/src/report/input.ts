import type { LoadedModel, ModelProto } from '@quantsmith/model/onnx';
import type { RunRequest, ResolvedConfig, RunPaths, Problem } from '@quantsmith/schemas';
import type { CorrectionRecord } from '../corrections/fastBias.js';
import type { SampleSource } from '../data/types.js';
import type { Clock } from '../progress/clock.js';
import type { Quantization } from '../quantize/quantization.js';
import type { RestoreOutcome } from '../restore/restore.js';
import type { Lanes } from '../runtime/lanes.js';
import type { Validation } from '../validation/validation.js';

export interface ReportInput {
  readonly request: RunRequest;
  readonly config: ResolvedConfig;
  readonly paths: RunPaths;
  readonly loaded: LoadedModel;
  readonly quantization: Quantization;
  readonly corrections: readonly CorrectionRecord[];
  /** The final model. */
  readonly final: ModelProto;
  readonly calibration: {
    readonly source: SampleSource;
    readonly samples: number;
    readonly cached: boolean;
  };
  readonly validation: Validation | null;
  readonly restored: RestoreOutcome;
  readonly lanes: Lanes;
  readonly clock: Clock;
  readonly warnings: readonly Problem[];
  /** Puts the model in its place, as the last step that can fail; returns the bytes written. */
  readonly writeOutput: () => Promise<number>;
}
