import { sampleReport } from './sampleReport.js';

/** A report of each earlier version of the format, with the keys that it had. */
export const OLD_REPORTS: readonly { readonly version: number; readonly text: string }[] = [
  { version: 1, text: JSON.stringify(versionOne()) },
  { version: 2, text: JSON.stringify(versionTwo()) },
];

/** Without an objective. */
function versionTwo(): object {
  return { ...without(sampleReport(), ['objective']), schema_version: 2 };
}

/** Without the self-check, the outputs, the time of the check, and how severe warnings are. */
function versionOne(): object {
  const { timings_ms: timings, warnings, ...rest } = sampleReport();
  return {
    ...without(rest, ['verified', 'outputs', 'objective']),
    schema_version: 1,
    timings_ms: without(timings, ['verify']),
    warnings: warnings.map((warning) => without(warning, ['severity'])),
  };
}

function without(value: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
}
