import {
  append,
  combineChanges,
  meetsTarget,
  remedyText,
  smallest,
  type QuantizationChange,
  type Remedy,
} from '@quantsmith/schemas';

/** What a remedy was worth. */
export interface TriedRemedy {
  readonly setting: string;
  readonly value: string;
  /** The drop that was measured or predicted with it. */
  readonly drop: number;
  readonly kept: boolean;
}

export interface TuningLimits {
  readonly isLate: () => boolean;
  /** What it takes to try a remedy, in the units of the budget. */
  readonly work: (remedy: Remedy) => number;
  readonly budget: number;
}

/**
 * Goes through the groups and keeps of each the remedy that lowers the drop most, on top of those kept before. Ends as
 * soon as the target is met, and passes over what the budget does not suffice for; each group to come keeps what its cheapest
 * remedy takes. `dropWith`: the drop with a change; `initial`:
 * without any. Source: the coordinate-wise grid search of NNCF's hyperparameter tuner.
 */
export async function tune(
  groups: readonly (readonly Remedy[])[],
  initial: number,
  maxDrop: number,
  dropWith: (change: QuantizationChange, remedy: Remedy) => Promise<number>,
  { isLate, work, budget }: TuningLimits,
): Promise<{ change: QuantizationChange; drop: number; tried: TriedRemedy[] }> {
  let best: { change: QuantizationChange; drop: number } = { change: {}, drop: initial };
  const tried: TriedRemedy[] = [];
  let remaining = budget;
  for (const [index, group] of groups.entries()) {
    const reserve = reserveFor(groups.slice(index + 1), work, budget);
    let chosen: { remedy: Remedy; change: QuantizationChange; drop: number } | null = null;
    const results: { remedy: Remedy; drop: number }[] = [];
    for (const remedy of group) {
      if (meetsTarget(best.drop, maxDrop) || isLate()) break;
      if (work(remedy) > remaining - reserve) continue;
      remaining -= work(remedy);
      const change = combineChanges(best.change, remedy.change);
      const drop = await dropWith(change, remedy);
      results.push({ remedy, drop });
      if (drop < (chosen?.drop ?? best.drop)) chosen = { remedy, change, drop };
    }

    append(
      tried,
      results.map(({ remedy: { setting, value }, drop }) => ({
        setting,
        value: remedyText(value),
        drop,
        kept: chosen?.remedy.setting === setting && chosen.remedy.value === value,
      })),
    );
    if (chosen !== null) best = chosen;
  }

  return { change: best.change, drop: best.drop, tried };
}

/** At most this share of the budget is kept for groups to come. */
const RESERVED = 0.6;

/** The work of one remedy of each group, of those that the budget can pay at all. */
function reserveFor(
  groups: readonly (readonly Remedy[])[],
  work: TuningLimits['work'],
  budget: number,
): number {
  const cheapest = groups
    .map((group) => smallest(group.map(work)))
    .filter((least) => least <= RESERVED * budget);
  return Math.min(
    RESERVED * budget,
    cheapest.reduce((sum, least) => sum + least, 0),
  );
}
