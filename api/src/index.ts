/** Quantsmith as a library: what the package `quantsmith` exports. */
export { check, type Checked, type CheckOptions, type ConfigFinding, type ConfigSource } from './check.js';
export { findingsSarif, type FileFinding } from './sarif.js';
export {
  compare,
  compareRuns,
  type Comparison,
  type CompareOptions,
  type PlacedReport,
  type RunsComparison,
} from './compare.js';
export { explain, explainedCodes, type Explanation } from './explain.js';
export { inspect } from './inspect.js';
export { quantize, type Progress, type QuantizeOptions, type Quantized } from './quantize.js';
export { readReport, report, REPORT_FORMATS, type ReportFormat, type ReportOptions } from './report.js';
export {
  sweep,
  type DroppedRun,
  type Sweep,
  type SweepOptions,
  type SweepPoint,
  type SweepRun,
  type SweepStage,
} from './sweep.js';
export type { LimitExceeded, Limits, Paint } from '@quantsmith/report';
export {
  QuantsmithError,
  type ConfigPath,
  type ModelNode,
  type ModelSummary,
  type Problem,
  type QuantizationConfig,
  type QuantizationReport,
  type StageName,
  type TensorSignature,
} from '@quantsmith/schemas';
