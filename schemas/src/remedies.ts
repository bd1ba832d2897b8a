import type { QuantizationChange } from './change.js';
import type { ConfigPath, KnownPath } from './configPath.js';
import type { ResolvedConfig } from './resolve.js';

type Overrides = NonNullable<QuantizationChange['overrides']>;
type Value = string | number | boolean | Overrides;

/** What is known of the quantized model for remedies of single layers. */
export interface LayerFacts {
  /** Names of the layers with weights that add most noise, the worst first. */
  readonly noisy: readonly string[];
  /** Those of them whose weights have the whole 8-bit range, on a CPU whose sums saturate; else none. */
  readonly saturating: readonly string[];
}

const NO_LAYERS: LayerFacts = { noisy: [], saturating: [] };

/** Another value of a setting that may serve accuracy as well as float does, and costs nothing at run time. */
export interface Remedy {
  /** The name that reports give the setting. */
  readonly setting: string;
  readonly value: Value;
  readonly change: QuantizationChange;
}

/** A place below `quantization`. */
type SettingPath = Extract<KnownPath, readonly ['quantization', string, ...unknown[]]>;

/** A setting that restoration tries other values of. */
interface RemedySetting {
  readonly setting: string;
  readonly path: SettingPath;
  /** What is worth a try beside the config's own value; nothing where the setting has no effect. */
  readonly values: (quantization: ResolvedConfig['quantization'], layers: LayerFacts) => readonly Value[];
  /** A value that a report holds as text. */
  readonly parse: (text: string) => Value;
}

const asText = (text: string) => text;

/**
 * The settings that are tried, one after the other, the cheap ones first; the engine, the report and the editor's fixes have them from here. It is
 * the grid of NNCF's tuner without what cannot help here.
 */
export const REMEDIES: readonly RemedySetting[] = [
  {
    setting: 'preset',
    path: ['quantization', 'preset'],
    values: ({ preset }) => ['performance', 'mixed'].filter((other) => other !== preset),
    parse: asText,
  },
  {
    setting: 'overrides',
    path: ['quantization', 'overrides'],
    // Before ranges, which one ruined layer misleads. ONNX Runtime has no integer kernels of 16 bits: beside float they only make the file smaller.
    values: ({ overrides, optimize_for: aim }, { noisy, saturating }) => [
      ...saturating.map((name) => [...(overrides ?? []), { names: [name], half_range: true }]),
      ...(aim === 'size' ? noisy : []).map((name) => [...(overrides ?? []), { names: [name], num_bits: 16 }]),
    ],
    parse: (text) => JSON.parse(text) as Overrides,
  },
  {
    setting: 'activations_range_estimator_params',
    path: ['quantization', 'advanced_parameters', 'activations_range_estimator_params'],
    values: () => ['minmax', 'mean_minmax', 'median_minmax', 'mean_quantile', 'histogram'],
    parse: asText,
  },
  {
    setting: 'smooth_quant_alphas.matmul',
    path: ['quantization', 'advanced_parameters', 'smooth_quant_alphas', 'matmul'],
    values: ({ model_type: type, advanced_parameters: { smooth_quant_alphas: alphas } }) =>
      type === 'transformer' ? [0.15, 0.25, 0.5, 0.75, 0.95].filter((alpha) => alpha !== alphas.matmul) : [],
    parse: Number,
  },
  {
    setting: 'fast_bias_correction',
    path: ['quantization', 'fast_bias_correction'],
    values: ({ fast_bias_correction: fast, advanced_parameters: advanced }) =>
      advanced.disable_bias_correction ? [] : [!fast],
    parse: (text) => text === 'true',
  },
];

/** What can be tried for a config and its model, grouped by setting. */
export function remedyGroups(
  { quantization }: Pick<ResolvedConfig, 'quantization'>,
  layers: LayerFacts = NO_LAYERS,
): Remedy[][] {
  return REMEDIES.map(({ setting, path, values }) =>
    values(quantization, layers).map((value) => ({ setting, value, change: changeAt(path, value) })),
  ).filter((group) => group.length > 0);
}

/** A remedy's value as reports hold it. */
export const remedyText = (value: Value): string =>
  typeof value === 'object' ? JSON.stringify(value) : String(value);

/** A remedy of a report as a place in the config and a value of the setting's type; undefined: no such setting. */
export function reportedRemedy(
  setting: string,
  text: string,
): { readonly path: ConfigPath; readonly value: Value } | undefined {
  const known = REMEDIES.find((remedy) => remedy.setting === setting);
  return known && { path: known.path, value: known.parse(text) };
}

function changeAt([, ...path]: SettingPath, value: Value): QuantizationChange {
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as QuantizationChange;
}
