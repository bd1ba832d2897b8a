import {
  type ConfigPath,
  decibels,
  MEASURED,
  type MeasuredSetting,
  type QuantizationConfig,
  type QuantizationReport,
} from '@quantsmith/schemas';

export type ReportedChoice = NonNullable<QuantizationReport['choices']>[number];

/** The choice that a run made of the setting at a path of a config; null: none. */
export function choiceAt(report: QuantizationReport | null, path: ConfigPath): ReportedChoice | null {
  const place = path.slice(1).join('.');
  if (path[0] !== 'quantization' || !MEASURED.includes(place as MeasuredSetting)) return null;
  return report?.choices?.find(({ setting }) => setting === place) ?? null;
}

/** What was chosen over what, in a sentence. */
export function choiceText({ value, sqnr_db: ratio, samples, over }: ReportedChoice): string {
  const others = over.map((other) => `${other.value} (${choiceLevel(other.sqnr_db)})`).join(', ');
  const where = `${samples} calibration ${samples === 1 ? 'sample' : 'samples'}`;
  return `The last run chose ${value}: ${choiceLevel(ratio)} at the outputs on ${where}${others === '' ? '' : `, over ${others}`}.`;
}

/** A choice in a few words. */
export const choiceLabel = ({ value, sqnr_db: ratio }: ReportedChoice) => `${value} (${choiceLevel(ratio)})`;

const choiceLevel = (ratio: number | null) => (ratio === null ? 'not usable' : decibels(ratio));

/** Where a config states a measured setting by one value, that value as choices write it, and the chosen one as configs do. */
interface StatedSetting {
  readonly path: ConfigPath;
  readonly read: (quantization: NonNullable<QuantizationConfig['quantization']>) => string | null;
  readonly parse: (chosen: string) => string | number | null;
}

const asText = (chosen: string) => chosen;
const textOr = (value: unknown) => (typeof value === 'string' ? value : null);

export const STATED: Readonly<Partial<Record<MeasuredSetting, StatedSetting>>> = {
  preset: { path: ['quantization', 'preset'], read: ({ preset }) => preset ?? null, parse: asText },
  model_type: {
    path: ['quantization', 'model_type'],
    read: ({ model_type: type }) => type ?? null,
    parse: (chosen) => (chosen === 'null' ? null : chosen),
  },
  'advanced_parameters.activations_range_estimator_params': {
    path: ['quantization', 'advanced_parameters', 'activations_range_estimator_params'],
    read: ({ advanced_parameters: advanced }) => textOr(advanced?.activations_range_estimator_params),
    parse: asText,
  },
  'advanced_parameters.smooth_quant_alphas': {
    path: ['quantization', 'advanced_parameters', 'smooth_quant_alphas', 'matmul'],
    read: ({ advanced_parameters: advanced }) => {
      const matmul = advanced?.smooth_quant_alphas?.matmul;
      return matmul === undefined ? null : `matmul ${matmul}`;
    },
    parse: (chosen) => Number(chosen.replace('matmul ', '')),
  },
  'advanced_parameters.squeeze_excitation': {
    path: ['quantization', 'advanced_parameters', 'squeeze_excitation'],
    read: ({ advanced_parameters: advanced }) => advanced?.squeeze_excitation ?? null,
    parse: asText,
  },
  'advanced_parameters.activation_tails': {
    path: ['quantization', 'advanced_parameters', 'activation_tails'],
    read: ({ advanced_parameters: advanced }) => advanced?.activation_tails ?? null,
    parse: asText,
  },
};
