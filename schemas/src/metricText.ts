import type { DropType } from './drop.js';
import { metricFacts } from './metrics.js';
import { rounded } from './rounded.js';

/** What is written where a relative drop has nothing to relate to. */
export const UNDEFINED_DROP = 'undefined';

/** A metric's value: shares in percent, others with five digits. */
export function metricValue(name: string, value: number): string {
  return metricFacts(name)?.share === true ? `${rounded(100 * value, 2)} %` : value.toPrecision(5);
}

/** What says how a drop is written. */
interface Named {
  readonly name: string;
  readonly drop_type: DropType;
}

/** A drop in its own terms: percent of the baseline when relative, points for shares, the metric's unit otherwise. */
export function dropValue({ name, drop_type: type }: Named, drop: number | null): string {
  if (drop === null) return UNDEFINED_DROP;
  if (type === 'relative') return `${rounded(100 * drop, 2)} %`;
  return metricFacts(name)?.share === true ? `${rounded(100 * drop, 2)} points` : drop.toPrecision(4);
}

/** A metric, and how its drops are counted. */
interface Measure extends Named {
  readonly higher_is_better: boolean;
}

/** What a change from the float model is called: accuracy drops, an error rate rises. */
const CHANGES = {
  up: {
    worse: { noun: 'drop', verb: 'dropped by' },
    better: { noun: 'gain', verb: 'gained' },
  },
  down: {
    worse: { noun: 'rise', verb: 'rose by' },
    better: { noun: 'fall', verb: 'fell by' },
  },
} as const;

const changeOf = ({ higher_is_better: isUp }: Measure, drop: number) =>
  CHANGES[isUp ? 'up' : 'down'][drop < 0 ? 'better' : 'worse'];

/** A drop as a noun, which is never negative: `drop 0.50 points`, `gain 0.10 points`; of an error rate `rise` and `fall`. */
export function changeText(metric: Measure, drop: number | null): string {
  if (drop === null) return `drop ${UNDEFINED_DROP}`;
  return `${changeOf(metric, drop).noun} ${dropValue(metric, Math.abs(drop))}`;
}

/** What a metric did, after its name: `dropped by 0.50 points`, `gained 0.10 points`. */
export function changeClause(metric: Measure, drop: number | null): string {
  if (drop === null) return `has an ${UNDEFINED_DROP} drop`;
  return `${changeOf(metric, drop).verb} ${dropValue(metric, Math.abs(drop))}`;
}

/** The interval of a drop, in the terms in which `changeText` tells it. */
export function changeInterval(
  drop: number | null,
  [low, high]: readonly [number, number],
): [number, number] {
  return drop !== null && drop < 0 ? [-high, -low] : [low, high];
}

/** What a target leaves of a drop; where the float model itself misses it, how far its value has to get better. */
export function allowanceText(metric: Measure, allowed: number): string {
  return allowed < 0
    ? `a ${changeOf(metric, allowed).noun} of ${dropValue(metric, -allowed)} needed`
    : `${dropValue(metric, allowed)} allowed`;
}

/** Why a drop is undefined, in one sentence. */
export function undefinedDropText(name: string): string {
  return `The float model's ${name} is 0, so a drop relative to it is undefined.`;
}
