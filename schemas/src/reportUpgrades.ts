import { isRecord } from './record.js';

/** The version of the reports that are written; it rises with each change of their form. */
export const REPORT_VERSION = 3;

type Json = Readonly<Record<string, unknown>>;

/** What turns a report of a version into one of the next. */
const UPGRADES: Readonly<Record<number, (report: Json) => Json>> = {
  1: (report) => ({
    ...report,
    schema_version: 2,
    metric: definedDrops(report['metric']),
    verified: null,
    outputs: [],
    timings_ms: isRecord(report['timings_ms'])
      ? { ...report['timings_ms'], verify: 0 }
      : report['timings_ms'],
    warnings: severeWarnings(report['warnings']),
  }),
  2: (report) => ({ ...report, schema_version: 3, objective: null }),
};

/** Version 1 did not say how bad what it warned of is. */
function severeWarnings(warnings: unknown): unknown {
  if (!Array.isArray(warnings)) return warnings;
  return warnings.map((warning: unknown) =>
    isRecord(warning) ? { ...warning, severity: 'warning' } : warning,
  );
}

/** Version 1 gave the largest number there is for a drop relative to 0, and an interval made of such numbers. */
function definedDrops(metric: unknown): unknown {
  if (!isRecord(metric) || metric['drop_type'] !== 'relative' || metric['baseline'] !== 0) return metric;
  return { ...metric, drop: null, ci95: null };
}

/**
 * A report of this or any earlier version in the form of this one; what is no report, or one of a later version, stays as it is.
 * Its values are not looked at: who cannot trust it reads it with `readReport`.
 */
export function upgradedReport(value: unknown): unknown {
  let current = value;
  for (;;) {
    const version = isRecord(current) ? current['schema_version'] : null;
    const upgrade = typeof version === 'number' ? UPGRADES[version] : undefined;
    if (upgrade === undefined) return current;
    current = upgrade(current as Json);
  }
}
