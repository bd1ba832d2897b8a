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
 * An estimate of the seconds that the whole run still takes: the rest of this stage at its own pace, and the stages after
 * it at the pace of those so far. null: too little has happened to tell.
 */
export function remainingSeconds(position: Position, spent: StageTimes): number | null {
  const share = shareOf(position);
  const inStage = spent[position.stage] ?? 0;
  if (share === 0 || inStage === 0) return null;
  const stageTotal = inStage / share;
  const known = { ...spent, [position.stage]: stageTotal };
  const stages = Object.keys(known) as StageName[];
  const seconds = stages.reduce((sum, stage) => sum + (known[stage] ?? 0), 0);
  const weight = stages.reduce((sum, stage) => sum + STAGE_WEIGHTS[stage], 0);
  const later = ORDER.slice(ORDER.indexOf(position.stage) + 1).filter((stage) => !UNCERTAIN.has(stage));
  const weightLeft = later.reduce((sum, stage) => sum + STAGE_WEIGHTS[stage], 0);

  return stageTotal - inStage + (seconds / weight) * weightLeft;
}

function shareOf({ done, total }: Position): number {
  return total === null || total === 0 ? 0 : Math.min(1, done / total);
}
