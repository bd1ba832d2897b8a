import type { Graph } from '@quantsmith/model/graph';
import {
  combineChanges,
  settingsLeftOpen,
  type QuantizationChange,
  type QuantizationConfig,
} from '@quantsmith/schemas';
import { alternativesOf, combinations, type Alternative } from '../choose/alternatives.js';

/** Settings that are tried in every combination; where the config states one, it stays. */
const VARIED = [
  'preset',
  'model_type',
  'advanced_parameters.smooth_quant_alphas',
  'advanced_parameters.squeeze_excitation',
] as const;

const AIMS: readonly Alternative[] = (['latency', 'size', 'integer'] as const).map((aim) => ({
  value: aim,
  change: { optimize_for: aim },
}));

/**
 * Changes of a config's quantization settings that may serve an objective: every combination of what the config leaves open of
 * preset, model type, SmoothQuant, squeeze-excitation and of what decides between float and integers. Combinations may
 * come to the same.
 */
export function objectiveMoves(config: QuantizationConfig, graph: Graph): QuantizationChange[] {
  const open = settingsLeftOpen(config);
  const isAimOpen = (config.quantization?.optimize_for ?? null) === null;
  // Only transformers are smoothed.
  const isSmoothed =
    config.quantization?.model_type === 'transformer' || alternativesOf('model_type', graph).length > 1;
  const groups = VARIED.filter((setting) => open.has(setting))
    .filter((setting) => isSmoothed || setting !== 'advanced_parameters.smooth_quant_alphas')
    .map((setting) => alternativesOf(setting, graph));

  return combinations([isAimOpen ? AIMS : [], ...groups.map(withoutDefault)]);
}

/** A group of one value varies nothing. */
const withoutDefault = (group: readonly Alternative[]) => (group.length > 1 ? group : []);

/** A change as reports name it: `preset mixed, optimize_for size`; empty: nothing. */
export function changeText(change: QuantizationChange): string {
  const parts = (value: unknown, path: readonly string[]): string[] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.entries(value).flatMap(([key, inner]) => parts(inner, [...path, key]))
      : [
          `${path
            .slice(-2)
            .join('.')
            .replace(
              /^advanced_parameters\./,
              '',
            )}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
        ];

  return parts(combineChanges({}, change), []).join(', ');
}
