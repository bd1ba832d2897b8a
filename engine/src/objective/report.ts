import {
  dominates,
  meetsTarget,
  type QuantizationChange,
  type QuantizationReport,
} from '@quantsmith/schemas';
import { dropOf, type Baseline, type Validation } from '../validation/validation.js';
import type { Candidate, Model, ObjectiveResult } from './search.js';

type Report = NonNullable<QuantizationReport['objective']>;

export interface ObjectiveFound<Made> extends ObjectiveResult<Made> {
  readonly minimize: 'latency' | 'size';
  readonly timeLimit: number | null;
  readonly maxDrop: number;
  readonly validation: Validation;
  readonly baseline: Baseline;
  readonly candidates: readonly Candidate<Made>[];
  readonly latencyOf: (model: Model<Made>) => number | null;
  readonly textOf: (change: QuantizationChange) => string;
}

/** What a search has seen, as the report tells it. */
export function objectiveReport<Made>(outcome: ObjectiveFound<Made>): Report {
  const { best, seen, validation, baseline, maxDrop, latencyOf } = outcome;
  const latencies = seen.map((point) => latencyOf(point));
  const figures = seen.map(({ drop, bytes }, index) => [-drop, -bytes, negated(latencies[index] ?? null)]);

  return {
    minimize: outcome.minimize,
    max_drop: maxDrop,
    satisfied: meetsTarget(best.drop, maxDrop),
    time_limit: outcome.timeLimit,
    time_limited: outcome.timeLimited,
    candidates: outcome.candidates.map(({ change, made, bytes, sqnr }) => ({
      settings: outcome.textOf(change),
      sqnr_db: sqnr,
      size_bytes: bytes,
      latency_ms: outcome.latencyOf({ made, reverted: new Set() }),
    })),
    points: seen.map((point, index) => ({
      settings: outcome.textOf(point.change),
      float_operators: [...point.reverted],
      metric: point.evaluation.value,
      drop: dropOf(validation, baseline, point.evaluation),
      satisfied: meetsTarget(point.drop, maxDrop),
      size_bytes: point.bytes,
      latency_ms: latencies[index] ?? null,
      on_front: !figures.some((other) => dominates(other, figures[index] ?? [])),
      chosen: point === best,
    })),
  };
}

const negated = (value: number | null) => (value === null ? null : -value);
