import type { QuantizationReport } from '@quantsmith/schemas';

/** Times, whether something was there before, and what is computed only where there is time for it. */
const TIMES = new Set([
  ...['created', 'timings_ms', 'latency_ms', 'peak_rss_bytes', 'seconds', 'cached'],
  'predicted',
]);

/** What a report says of a model whenever and wherever it is made: which warnings come of times depends on the machine's load. */
export const timeless = (report: QuantizationReport) =>
  JSON.parse(
    JSON.stringify({ ...report, warnings: [], config: null }, (key, part: unknown) =>
      TIMES.has(key) ? undefined : part,
    ),
  ) as Omit<QuantizationReport, 'warnings' | 'config'>;
