import type { StageName } from './protocol.js';

/** What share of a usual run each stage takes, in hundredths. */
const STAGE_WEIGHTS: Readonly<Record<StageName, number>> = {
  load: 2,
  prepare: 3,
  calibrate: 25,
  choose: 10,
  quantize: 2,
  correct: 3,
  verify: 6,
  validate: 14,
  rank: 15,
  restore: 15,
  measure: 4,
  write: 1,
};

const ORDER = Object.keys(STAGE_WEIGHTS) as StageName[];
/** Stages that only happen where accuracy has to be restored, which is not known before it was measured. */
const UNCERTAIN: ReadonlySet<StageName> = new Set(['rank', 'restore']);

interface Position {
  readonly stage: StageName;
  readonly done: number;
  readonly total: number | null;
}

/** Seconds spent so far in each stage that has begun. */
export type StageTimes = Partial<Readonly<Record<StageName, number>>>;

/** Share of the whole run that is done, from 0 to 1: stages by their usual weight. */
export function fractionDone(position: Position): number {
  const before = ORDER.slice(0, ORDER.indexOf(position.stage)).reduce(
    (sum, stage) => sum + STAGE_WEIGHTS[stage],
    0,
  );

  return (before + shareOf(position) * STAGE_WEIGHTS[position.stage]) / 100;
}

/**
 * An estimate of the seconds that the whole run still takes: the rest of this stage at its own pace (where it does not know
 * how long it is, at the pace of the stages before), and the stages after it at the pace of those so far. null: too little has
 * happened to tell.
 */
export function remainingSeconds(position: Position, spent: StageTimes): number | null {
  const { stage } = position;
  const share = shareOf(position);
  const inStage = spent[stage] ?? 0;
  const before = Object.fromEntries(Object.entries(spent).filter(([other]) => other !== stage)) as StageTimes;
  const usual = paceOf(before) * STAGE_WEIGHTS[stage];
  const whole = share > 0 && inStage > 0 ? inStage / share : Math.max(inStage, usual);
  const pace = paceOf({ ...before, [stage]: whole });
  const later = ORDER.slice(ORDER.indexOf(stage) + 1).filter((other) => !UNCERTAIN.has(other));
  const weightLeft = later.reduce((sum, other) => sum + STAGE_WEIGHTS[other], 0);
  const seconds = whole - inStage + pace * weightLeft;

  return Number.isFinite(seconds) ? seconds : null;
}

/** Seconds for each hundredth of a usual run; NaN: no stage was at work. */
function paceOf(spent: StageTimes): number {
  const stages = Object.keys(spent) as StageName[];
  const seconds = stages.reduce((sum, stage) => sum + (spent[stage] ?? 0), 0);
  return seconds / stages.reduce((sum, stage) => sum + STAGE_WEIGHTS[stage], 0);
}

/** Follows the stages of a run, and says how long the whole of it will still take. */
export interface TimeLeft {
  readonly observe: (position: Position) => void;
  /** "about 40 s left", after the text that is to stand before it; empty: too little has happened to tell. */
  readonly text: (position: Position, before: string) => string;
}

/** `now`: milliseconds of a clock that only goes on. */
export function followTimeLeft(now: () => number = () => performance.now()): TimeLeft {
  const spent = new Map<StageName, number>();
  let stage: StageName | null = null;
  let since = 0;

  return {
    observe(position) {
      if (position.stage !== stage) {
        stage = position.stage;
        since = now();
      }

      spent.set(position.stage, (now() - since) / 1000);
    },
    text(position, before) {
      const seconds = remainingSeconds(position, Object.fromEntries(spent));
      return seconds === null ? '' : `${before}about ${inWords(seconds)} left`;
    },
  };
}

function inWords(seconds: number): string {
  if (seconds < 100) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}

function shareOf({ done, total }: Position): number {
  return total === null || total === 0 ? 0 : Math.min(1, done / total);
}
