export {
  checkConfigFile,
  checkConfigText,
  fixConfigText,
  positionIn,
  type CheckedConfig,
  type CheckedFinding,
} from './check/check.js';
export { reportFindings, type ReportFinding } from './check/reportFindings.js';
export { dataNear } from './sources/dataNear.js';
