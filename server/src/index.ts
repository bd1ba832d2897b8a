export {
  checkConfigFile,
  checkConfigText,
  fixConfigText,
  positionIn,
  settingDifferencesOf,
  withoutFindings,
  type CheckedConfig,
  type CheckedFinding,
} from './check/check.js';
export { keptConfig } from './check/keptConfig.js';
export { checkConfigWith, finishedRun } from './check/changed.js';
export { findingsOf, invalidity, type ConfigFinding } from './check/invalidity.js';
export { reportOfConfig } from './check/reportOfConfig.js';
export { reportFindings, type ReportFinding } from './check/reportFindings.js';
export { requestRun, type RequestOptions } from './runs/request.js';
export { planSweep, useCombination, type PlannedRun } from './runs/sweepPlan.js';
export {
  plannedRuns,
  runSweep,
  type DroppedRun,
  type Sweep,
  type SweepOptions,
  type SweepPoint,
  type SweepRun,
  type SweepStage,
} from './runs/sweep.js';
export { draftConfig, type DraftedConfig, type DraftOptions } from './runs/draft.js';
