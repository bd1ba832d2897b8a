import { sampleReport } from './sampleReport.js';

/** A report of each earlier version of the format, with the keys that it had. */
export const OLD_REPORTS: readonly { readonly version: number; readonly text: string }[] = [
  { version: 1, text: JSON.stringify(versionOne()) },
];

/** Without the self-check, the outputs, the time of the check, and how severe warnings are. */
function versionOne(): object {
  const { verified: _verified, outputs: _outputs, timings_ms: timings, warnings, ...rest } = sampleReport();
  const { verify: _verify, ...before } = timings;
  return {
    ...rest,
    schema_version: 1,
    timings_ms: before,
    warnings: warnings.map(({ severity: _severity, ...warning }) => warning),
  };
}
