import { meetsTarget } from '../metrics/drop.js';
import type { QuantizationConfig, ResolvedConfig } from '@quantsmith/schemas';

type Quantization = NonNullable<QuantizationConfig['quantization']>;

/** Other settings of the quantization that may serve accuracy as well as float does, and cost nothing at run time. */
export interface Remedy {
  /** The setting's name and value, as a person writes them. */
  readonly setting: string;
  readonly value: string;
  readonly change: Quantization;
}

/** What a remedy was worth. */
export interface TriedRemedy {
  readonly setting: string;
  readonly value: string;
  /** The drop that was measured or foretold with it. */
  readonly drop: number;
  readonly kept: boolean;
}

const ESTIMATORS = ['minmax', 'mean_minmax', 'median_minmax', 'mean_quantile', 'histogram'] as const;
const SMOOTHING = [0.15, 0.25, 0.5, 0.75, 0.95];

/** The settings that are tried, one group after the other; the grid of NNCF's tuner without what cannot help here. */
export function remedyGroups({ quantization }: ResolvedConfig): Remedy[][] {
  const presets = (['performance', 'mixed'] as const)
    .filter((preset) => preset !== quantization.preset)
    .map((preset): Remedy => ({ setting: 'preset', value: preset, change: { preset } }));
  const estimators = ESTIMATORS.map((name): Remedy => ({
    setting: 'activations_range_estimator_params',
    value: name,
    change: { advanced_parameters: { activations_range_estimator_params: name } },
  }));
  const corrects = !quantization.advanced_parameters.disable_bias_correction;
  const corrections = [!quantization.fast_bias_correction].map((fast): Remedy => ({
    setting: 'fast_bias_correction',
    value: String(fast),
    change: { fast_bias_correction: fast },
  }));
  const alpha = quantization.advanced_parameters.smooth_quant_alphas.matmul;
  const smoothing = SMOOTHING.filter((value) => value !== alpha).map((matmul): Remedy => ({
    setting: 'smooth_quant_alphas.matmul',
    value: String(matmul),
    change: { advanced_parameters: { smooth_quant_alphas: { matmul } } },
  }));
  return [
    presets,
    estimators,
    ...(corrects ? [corrections] : []),
    ...(quantization.model_type === 'transformer' ? [smoothing] : []),
  ];
}

/** Both changes, the second over the first. */
export function combined(a: Quantization, b: Quantization): Quantization {
  const [advancedA, advancedB] = [a.advanced_parameters ?? {}, b.advanced_parameters ?? {}];
  const smoothing = { ...advancedA.smooth_quant_alphas, ...advancedB.smooth_quant_alphas };
  return {
    ...a,
    ...b,
    advanced_parameters: {
      ...advancedA,
      ...advancedB,
      ...(Object.keys(smoothing).length === 0 ? {} : { smooth_quant_alphas: smoothing }),
    },
  };
}

/** The config with a change of its quantization settings. */
export function withSettings(config: QuantizationConfig, change: Quantization): QuantizationConfig {
  return { ...config, quantization: combined(config.quantization ?? {}, change) };
}

/**
 * Goes through the groups and keeps of each the remedy that lowers the drop most, on top of those kept before. Ends as
 * soon as the target is met. `dropWith`: the drop with a change; `initial`: without any. Source: the coordinate-wise grid
 * search of NNCF's hyperparameter tuner.
 */
export async function tune(
  groups: readonly (readonly Remedy[])[],
  initial: number,
  maxDrop: number,
  dropWith: (change: Quantization, remedy: Remedy) => Promise<number>,
  isLate: () => boolean,
): Promise<{ change: Quantization; drop: number; tried: TriedRemedy[] }> {
  let best: { change: Quantization; drop: number } = { change: {}, drop: initial };
  const tried: TriedRemedy[] = [];
  for (const group of groups) {
    let chosen: { remedy: Remedy; change: Quantization; drop: number } | null = null;
    const results: { remedy: Remedy; drop: number }[] = [];
    for (const remedy of group) {
      if (meetsTarget(best.drop, maxDrop) || isLate()) break;
      const change = combined(best.change, remedy.change);
      const drop = await dropWith(change, remedy);
      results.push({ remedy, drop });
      if (drop < (chosen?.drop ?? best.drop)) chosen = { remedy, change, drop };
    }
    tried.push(
      ...results.map(({ remedy: { setting, value }, drop }) => ({
        setting,
        value,
        drop,
        kept: chosen?.remedy.setting === setting && chosen.remedy.value === value,
      })),
    );
    if (chosen !== null) best = chosen;
  }
  return { change: best.change, drop: best.drop, tried };
}
