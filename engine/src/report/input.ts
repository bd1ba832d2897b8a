import type { Problem, QuantizationChange, QuantizationReport, StageName } from '@quantsmith/schemas';
import type { Choice } from '../choose/choose.js';
import type { CorrectionRecord } from '../corrections/fastBias.js';
import type { Finished } from '../measure/finished.js';
import type { Latency } from '../measure/latency.js';
import type { Quantization } from '../quantize/quantization.js';
import type { RestoreOutcome } from '../restore/restore.js';
import type { Answers } from '../validation/answers.js';
import type { Validation } from '../validation/validation.js';
import type { Verification } from '../verify/verify.js';

interface ReportedFile {
  readonly path: string;
  readonly sha256: string;
}

/** A finished run: everything has been measured and the model is written. */
export interface ReportInput {
  readonly created: Date;
  readonly config: ReportedFile & { readonly resolvedSha256: string };
  readonly model: ReportedFile & { readonly bytes: number };
  readonly output: ReportedFile & { readonly bytes: number };
  readonly data: QuantizationReport['data'];
  readonly runtime: QuantizationReport['runtime'];
  readonly quantization: Quantization;
  readonly corrections: readonly CorrectionRecord[];
  readonly overflowFix: QuantizationReport['overflow']['fix'];
  readonly objective: QuantizationReport['objective'];
  readonly choices: readonly Choice[];
  readonly pinned: QuantizationChange;
  readonly validation: Validation | null;
  readonly restored: RestoreOutcome;
  readonly answers: Answers | null;
  readonly finished: Finished;
  readonly latency: Latency;
  readonly verification: Verification;
  readonly timings: Readonly<Record<StageName | 'total', number>>;
  readonly peakRssBytes: number;
  readonly warnings: readonly Problem[];
}
