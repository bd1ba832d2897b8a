import {
  append,
  commonMetric,
  goodness,
  type Problem,
  type QuantizationReport,
  sweepFront,
  worstOutputDb,
} from '@quantsmith/schemas';
import type { PlannedRun } from './sweepPlan.js';

/** Figures of a run on few samples, which no model was kept of. */
export interface DroppedRun {
  /** The stage after which it was dropped, from 1; 0: it was not tried. */
  readonly stage: number;
  /** How many samples it was tried on; 0: it was not tried. */
  readonly samples: number;
  readonly metric: { readonly name: string; readonly value: number } | null;
  readonly latency_ms: number | null;
  readonly bytes: number | null;
  /** In one sentence. */
  readonly reason: string;
}

/** What was tried on so many samples. */
export interface SweepStage {
  readonly samples: number;
  readonly runs: number;
  readonly dropped: number;
  readonly seconds: number;
}

/** How runs are made; each resolves to what it failed of where it did. */
export interface Halving {
  readonly complete: (run: PlannedRun) => Promise<QuantizationReport | null>;
  readonly tryOn: (run: PlannedRun, samples: number) => Promise<QuantizationReport | Problem>;
  readonly isFinished: (run: PlannedRun) => Promise<boolean>;
  readonly onStage?: (stage: SweepStage) => void;
  /** Milliseconds; default: the system's. */
  readonly now?: () => number;
}

export interface Halved {
  readonly dropped: ReadonlyMap<PlannedRun, DroppedRun>;
  readonly stages: readonly SweepStage[];
}

/** Samples of the first stage; each further one has so many times as many. */
const FIRST_SAMPLES = 32;
const MORE_SAMPLES = 4;
/** A trial that takes more than this share of a whole run does not pay. */
const DEAR = 0.5;

/**
 * Makes runs until a deadline (in the terms of `now`). The first one is made whole: it tells how long one takes. Where the time
 * is not enough for all the others, they are tried on few samples, and the better half goes on to more (successive halving;
 * Jamieson and Talwalkar 2016), until those that are left can be made whole. Runs that are finished already cost nothing.
 */
export async function halve(runs: readonly PlannedRun[], deadline: number, work: Halving): Promise<Halved> {
  const now = work.now ?? (() => performance.now());
  const dropped = new Map<PlannedRun, DroppedRun>();
  const stages: SweepStage[] = [];
  const left: PlannedRun[] = [];
  const whole: { seconds: number; samples: number } = { seconds: 0, samples: 0 };
  for (const run of runs) {
    const isMeasured = whole.seconds > 0 && deadline < Infinity;
    if (isMeasured && !(await work.isFinished(run))) {
      left.push(run);
      continue;
    }

    const begun = now();
    const report = await work.complete(run);
    if (report === null) continue;
    whole.seconds = (now() - begun) / 1000;
    whole.samples = samplesOf(report);
  }

  const affordable = () => Math.max(0, Math.floor((deadline - now()) / 1000 / whole.seconds));
  let alive: readonly PlannedRun[] = left;
  for (let samples = FIRST_SAMPLES; alive.length > Math.max(1, affordable()); samples *= MORE_SAMPLES) {
    if (now() >= deadline || samples >= whole.samples) break;
    // Time for one whole run stays.
    const limits = { deadline: deadline - 1000 * whole.seconds, seconds: DEAR * whole.seconds };
    const stage = await tryAll(alive, samples, limits, work, now);
    if (stage.isDear || stage.tried === 0) break;
    const wanted = Math.max(1, affordable(), Math.ceil(alive.length / 2));
    const kept = stage.ranked.slice(0, Math.min(wanted, stage.ranked.length));
    const out = alive.filter((run) => !kept.includes(run));
    for (const run of out) dropped.set(run, stage.droppedAt(run, stages.length + 1));
    const ended = { samples, runs: stage.tried, dropped: out.length, seconds: stage.seconds };
    stages.push(ended);
    work.onStage?.(ended);
    alive = kept;
  }

  for (const run of alive) {
    if (now() < deadline) await work.complete(run);
    else dropped.set(run, untried('The time limit was reached before it began.'));
  }

  return { dropped, stages };
}

interface Stage {
  /** Whether a trial takes so long that whole runs tell more for the same time. */
  readonly isDear: boolean;
  /** The best first; without those that failed and those that there was no time for. */
  readonly ranked: readonly PlannedRun[];
  readonly tried: number;
  readonly seconds: number;
  readonly droppedAt: (run: PlannedRun, stage: number) => DroppedRun;
}

async function tryAll(
  runs: readonly PlannedRun[],
  samples: number,
  limits: { readonly deadline: number; readonly seconds: number },
  { tryOn }: Halving,
  now: () => number,
): Promise<Stage> {
  const begun = now();
  let isDear = false;
  const results = new Map<PlannedRun, QuantizationReport | Problem>();
  for (const run of runs) {
    if (isDear || now() >= limits.deadline) break;
    results.set(run, await tryOn(run, samples));
    isDear = results.size === 1 && now() - begun > 1000 * limits.seconds;
  }

  const ranked = ranking(
    [...results].flatMap(([run, result]) => ('code' in result ? [] : [{ run, report: result }])),
  );

  return {
    isDear,
    ranked,
    tried: results.size,
    seconds: (now() - begun) / 1000,
    droppedAt(run, stage) {
      const result = results.get(run);
      if (result === undefined) return untried('There was no time left to try it.');
      if ('code' in result) return { ...untried(`It failed: ${result.message}`), stage, samples };
      const place = ranked.indexOf(run) + 1;
      const reason = `It took place ${place} of ${ranked.length} on ${samples} samples.`;

      return { stage, samples, ...figuresOf(result), reason };
    },
  };
}

const untried = (reason: string): DroppedRun => ({
  ...{ stage: 0, samples: 0, metric: null, latency_ms: null, bytes: null, reason },
});

const figuresOf = ({ metric, latency_ms: latency, size }: QuantizationReport) => ({
  metric: metric === null ? null : { name: metric.name, value: metric.quantized },
  latency_ms: latency?.quantized_median ?? null,
  bytes: size.quantized_bytes,
});

const samplesOf = ({ data, metric }: QuantizationReport) =>
  Math.max(metric?.samples ?? 0, data?.calibration.samples ?? 0);

interface Tried {
  readonly run: PlannedRun;
  readonly report: QuantizationReport;
}

/** Those on the Pareto front first, then those that are on it without these, and so on; in each the best accuracy first. */
function ranking(tried: readonly Tried[]): PlannedRun[] {
  const name = commonMetric(tried.map(({ report }) => report));
  const accuracy = ({ report }: Tried) =>
    name === null
      ? (worstOutputDb(report) ?? -Infinity)
      : report.metric?.name === name
        ? goodness(report.metric)
        : -Infinity;
  const ranked: PlannedRun[] = [];
  for (let rest = [...tried]; rest.length > 0;) {
    const isOnFront = sweepFront(rest.map(({ report }) => report));
    const front = isOnFront.includes(true) ? rest.filter((_, index) => isOnFront[index]) : rest;
    append(
      ranked,
      front.sort((a, b) => accuracy(b) - accuracy(a)).map(({ run }) => run),
    );
    rest = rest.filter((candidate) => !front.includes(candidate));
  }

  return ranked;
}
