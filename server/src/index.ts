export { checkConfigFile, type CheckedConfig, type CheckedFinding } from './check.js';
