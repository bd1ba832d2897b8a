import { combineChanges, type MeasuredSetting } from '@quantsmith/schemas';
import type { Alternative } from './alternatives.js';

/** The values that are tried of each setting that is open. */
export type Groups = ReadonlyMap<MeasuredSetting, readonly Alternative[]>;

/** A value of some settings each. */
export type Values = Partial<Record<MeasuredSetting, string>>;

/** What is tried of a setting, and the values of other settings that some of it brings along. */
export interface Candidates {
  readonly group: readonly Alternative[];
  readonly along: Readonly<Record<string, Values>>;
}

/** What SmoothQuant goes with: it smooths transformers, and leaves no outliers that whole ranges would suffer from. */
export const SMOOTHED: Values = {
  model_type: 'transformer',
  'advanced_parameters.activations_range_estimator_params': 'minmax',
};

/** What whole ranges waste on one side is less in asymmetric ones: averages have to be better than these, too. */
export const WHOLE: Values = { preset: 'mixed' };

/** A group of which some bring values of other settings along, as far as these are open: those were decided without them. */
export function bringing(
  group: readonly Alternative[],
  values: Values,
  some: readonly Alternative[],
  groups: Groups,
): Candidates {
  const brought = Object.entries(values).flatMap(
    ([setting, value]) =>
      groups.get(setting as MeasuredSetting)?.find((other) => other.value === value)?.change ?? [],
  );
  const along = (alternative: Alternative): Alternative => ({
    value: alternative.value,
    change: [...brought, alternative.change].reduce(combineChanges),
  });

  return {
    group: group.map((alternative) => (some.includes(alternative) ? along(alternative) : alternative)),
    along: Object.fromEntries(some.map(({ value }) => [value, values])),
  };
}
