export {
  checkConfigFile,
  checkConfigText,
  fixConfigText,
  positionIn,
  withoutFindings,
  type CheckedConfig,
  type CheckedFinding,
} from './check/check.js';
export { checkConfigWith, finishedRun } from './check/changed.js';
export { reportFindings, type ReportFinding } from './check/reportFindings.js';
export { requestRun, type RequestOptions } from './runs/request.js';
export { draftConfig, type DraftedConfig, type DraftOptions } from './runs/draft.js';
