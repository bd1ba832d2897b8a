import type { DropType } from './drop.js';
import { metricFacts } from './metrics.js';

/** What is written where a relative drop has nothing to relate to. */
export const UNDEFINED_DROP = 'undefined';

/** A metric's value: shares in percent, others with five digits. */
export function metricValue(name: string, value: number): string {
  return metricFacts(name)?.share === true ? `${(100 * value).toFixed(2)} %` : value.toPrecision(5);
}

/** A drop in its own terms: percent of the baseline when relative, points for shares, the metric's unit otherwise. */
export function dropValue(
  { name, drop_type: type }: { readonly name: string; readonly drop_type: DropType },
  drop: number | null,
): string {
  if (drop === null) return UNDEFINED_DROP;
  if (type === 'relative') return `${(100 * drop).toFixed(2)} %`;
  return metricFacts(name)?.share === true ? `${(100 * drop).toFixed(2)} points` : drop.toPrecision(4);
}

/** What a target leaves of a drop; where the float model itself misses it, how much has to be gained on that. */
export function allowanceText(metric: Parameters<typeof dropValue>[0], allowed: number): string {
  return allowed < 0
    ? `a gain of ${dropValue(metric, -allowed)} needed`
    : `${dropValue(metric, allowed)} allowed`;
}

/** Why a drop is undefined, in one sentence. */
export function undefinedDropText(name: string): string {
  return `The float model's ${name} is 0, so a drop relative to it is undefined.`;
}
