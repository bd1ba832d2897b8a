import type { Problem } from '@quantsmith/schemas';
import type { PreparedModel } from '../prepare/prepare.js';
import type { Workers } from '../runtime/workers.js';
import { fitProblems } from './fit.js';
import { classesOf, deadLayerProblems, plausibilityProblems } from './plausibility.js';
import type { Baseline, Validation } from './validation.js';

/** Why the float model's result is not to be trusted; the first reason that is found, the cheap ones first. */
export async function trustProblems(
  validation: Validation,
  baseline: Baseline,
  float: PreparedModel,
  workers: Workers,
): Promise<Problem[]> {
  const dead = deadLayerProblems(validation, baseline, float);
  if (dead.length > 0) return dead;
  const fitting = await fitProblems(validation, baseline, float, workers);
  return fitting.length > 0 ? fitting : plausibilityProblems(validation, baseline, classesOf(float.model));
}
