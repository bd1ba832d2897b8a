import type { QuantizationSetting } from './configPath.js';
import type { QuantizationConfig } from './generated/config.js';
import { isRecord } from './record.js';

/** The settings that a config can leave to measurement (`x-measured` in the schema), by their place below `quantization`. */
export const MEASURED = [
  'preset',
  'model_type',
  'overrides',
  'advanced_parameters.activations_range_estimator_params',
  'advanced_parameters.smooth_quant_alphas',
  'advanced_parameters.squeeze_excitation',
  'advanced_parameters.activation_tails',
] as const satisfies readonly QuantizationSetting[];
export type MeasuredSetting = (typeof MEASURED)[number];

/**
 * The settings that a config leaves to measurement: absent, null or empty, unless it asks for the fixed defaults. A stated
 * mode of the activations decides what the preset would.
 */
export function settingsLeftOpen({ quantization = {} }: QuantizationConfig): ReadonlySet<MeasuredSetting> {
  if (quantization.defaults === 'nncf') return new Set();
  const open = MEASURED.filter((setting) => isOpen(valueAt(quantization, setting)));
  const mode = valueAt(quantization, 'advanced_parameters.activations_quantization_params.mode');
  return new Set(open.filter((setting) => setting !== 'preset' || isOpen(mode)));
}

function valueAt(quantization: object, place: QuantizationSetting): unknown {
  return place
    .split('.')
    .reduce<unknown>((value, key) => (isRecord(value) ? value[key] : undefined), quantization);
}

/** Whether a value states nothing: null, {}, or keys that state nothing. */
function isOpen(value: unknown): boolean {
  return value === undefined || value === null || (isRecord(value) && Object.values(value).every(isOpen));
}
