export { checkConfigFile, positionIn, type CheckedConfig, type CheckedFinding } from './check.js';
export { reportFindings, type ReportFinding } from './runs/findings.js';
