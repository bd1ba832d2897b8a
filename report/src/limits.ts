import type { Comparison } from './compare.js';
import { bytes, duration, metricValue } from './figures.js';
import type { Subject } from './subject.js';

/** What the second of two compared models may cost. */
export interface Limits {
  /** How much worse its metric may be than the first one's, in the metric's own unit: 0.01 is one point of accuracy. */
  readonly maxDrop?: number;
  readonly maxLatency?: Limit;
  readonly maxSize?: Limit;
}

/** An absolute bound (milliseconds, bytes), or one in multiples of the first model's figure. */
export type Limit = { readonly absolute: number } | { readonly times: number };

/** A limit that is not kept; `found` is null where the figure is not known. */
export interface LimitExceeded {
  readonly limit: 'max_drop' | 'max_latency' | 'max_size';
  readonly allowed: number;
  readonly found: number | null;
  /** One sentence. */
  readonly message: string;
}

/** Which limits the second model does not keep. A figure that nobody measured keeps no limit. */
export function exceededLimits({ a, b }: Comparison, limits: Limits): LimitExceeded[] {
  return [
    limits.maxDrop === undefined ? null : drop(a, b, limits.maxDrop),
    limits.maxLatency === undefined ? null : latency(a, b, limits.maxLatency),
    limits.maxSize === undefined ? null : size(a, b, limits.maxSize),
  ].filter((exceeded) => exceeded !== null);
}

function drop(a: Subject, b: Subject, allowed: number): LimitExceeded | null {
  const broken = (value: number | null, message: string): LimitExceeded => ({
    limit: 'max_drop',
    allowed,
    found: value,
    message,
  });

  if (a.metric === null || b.metric === null) {
    const side = a.metric === null ? a : b;
    return broken(null, `The drop is not known: there is no metric of ${side.path}.`);
  }

  const { name } = b.metric;
  if (a.metric.name !== name)
    return broken(null, `The drop is not known: one was measured by ${a.metric.name}, the other by ${name}.`);
  if (a.measured_on?.validation !== b.measured_on?.validation)
    return broken(null, 'The drop is not known: the two were not measured on the same validation data.');
  const measured = b.metric.higher_is_better
    ? a.metric.value - b.metric.value
    : b.metric.value - a.metric.value;
  // Differences of shares like 0.98 - 0.97 are not exact.
  if (measured <= allowed + 1e-12) return null;
  const values = `${metricValue(name, a.metric.value)} → ${metricValue(name, b.metric.value)}`;

  return broken(
    measured,
    `${name} got worse by ${figure(measured)} (${values}), ${figure(allowed)} is allowed.`,
  );
}

function latency(a: Subject, b: Subject, limit: Limit): LimitExceeded | null {
  const what = {
    limit: 'max_latency',
    name: 'latency',
    show: duration,
  } as const;
  const sameMachine =
    a.measured_on?.cpu === b.measured_on?.cpu && a.measured_on?.threads === b.measured_on?.threads;

  if ('times' in limit && !sameMachine) {
    const message = 'The latencies cannot be compared: they were not measured on the same CPU and threads.';
    return { limit: what.limit, allowed: limit.times, found: null, message };
  }

  return bounded(what, a.latency_ms, b.latency_ms, limit, b.path);
}

function size(a: Subject, b: Subject, limit: Limit): LimitExceeded | null {
  return bounded({ limit: 'max_size', name: 'size', show: bytes }, a.bytes, b.bytes, limit, b.path);
}

function bounded(
  {
    limit: key,
    name,
    show,
  }: { limit: LimitExceeded['limit']; name: string; show: (value: number) => string },
  first: number | null,
  second: number | null,
  limit: Limit,
  path: string,
): LimitExceeded | null {
  const allowed = 'absolute' in limit ? limit.absolute : first === null ? null : first * limit.times;
  if (second === null || allowed === null) {
    const asked = 'absolute' in limit ? limit.absolute : limit.times;
    return { limit: key, allowed: asked, found: null, message: `The ${name} of ${path} is not known.` };
  }

  if (second <= allowed) return null;
  const message = `The ${name} is ${show(second)}, ${show(allowed)} is allowed.`;

  return { limit: key, allowed, found: second, message };
}

const figure = (value: number) => String(Number(value.toPrecision(3)));
