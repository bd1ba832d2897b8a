import type { Evaluation } from '../metrics/evaluate.js';
import { plausibilityProblems } from './plausibility.js';
import { intervalOf, type Baseline, type Validation } from './validation.js';

/** A loss of a metric, as a share of the float model's value, that nobody takes for rounding. */
const LARGE_LOSS = 0.1;

/**
 * What a metric says of a finished model. `large`: accuracy fell by a tenth or more, beyond the noise of the samples. `small`:
 * the whole 95 % interval lies below a tenth, by a metric that compares with labels and on which the float model does not merely
 * guess. null: neither, or nothing was measured.
 */
export function lossOf(
  validation: Validation | null,
  measured: { readonly baseline: Baseline; readonly final: Evaluation } | null,
): 'large' | 'small' | null {
  if (validation === null || measured === null) return null;
  const { baseline, final } = measured;
  const interval = intervalOf({ ...validation, dropType: 'absolute' }, baseline, final);
  if (interval === null) return null;
  const { higherIsBetter, needsReference } = validation.metric;
  const loss = (higherIsBetter ? 1 : -1) * (baseline.value - final.value);
  const large = LARGE_LOSS * Math.abs(baseline.value);
  if (interval[0] > 0 && loss > large) return 'large';
  const tells = !needsReference && plausibilityProblems(validation, baseline, null).length === 0;

  return tells && interval[1] < large ? 'small' : null;
}
