import configSchemaJson from '../quantization-config.schema.json' with { type: 'json' };
import type { QuantizationConfig } from './generated/config.js';
import { resolveRef, type SchemaNode } from './walk.js';

/** Every key present, defaults filled in; what stands for a choice of the engine's own is null. */
export type Complete<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [K in keyof T]-?: Complete<Exclude<T[K], undefined>> }
    : T;

type Quantization = Complete<NonNullable<QuantizationConfig['quantization']>>;
type Advanced = Quantization['advanced_parameters'];

export interface CollectorParams {
  readonly statistics_type: 'min' | 'max' | 'abs_max' | 'quantile' | 'abs_quantile' | 'mean';
  readonly aggregator_type:
    'mean' | 'max' | 'min' | 'median' | 'mean_no_outliers' | 'median_no_outliers' | 'histogram';
  readonly clipping_value: number | null;
  readonly quantile_outlier_prob: number;
}
/** Only what the user set: the engine adds the default of the quantizer's kind. */
export interface EstimatorParams {
  readonly min: Partial<CollectorParams>;
  readonly max: Partial<CollectorParams>;
}
export interface ResolvedQuantizationParams {
  readonly num_bits: number;
  readonly mode: 'symmetric' | 'asymmetric';
  readonly signedness_to_force: boolean | null;
  readonly per_channel: boolean | null;
  readonly narrow_range: boolean;
}

/** A config with every default filled in and every shorthand spelled out. */
export interface ResolvedConfig {
  readonly model: string;
  readonly output: string | null;
  readonly history: boolean;
  readonly data: QuantizationConfig['data'];
  readonly task: QuantizationConfig['task'];
  readonly modules: Complete<NonNullable<QuantizationConfig['modules']>>;
  readonly quantization: Omit<Quantization, 'advanced_parameters' | 'preset'> & {
    readonly preset: 'performance' | 'mixed';
    readonly advanced_parameters: Omit<
      Advanced,
      | 'overflow_fix'
      | 'activations_range_estimator_params'
      | 'weights_range_estimator_params'
      | 'activations_quantization_params'
      | 'weights_quantization_params'
    > & {
      readonly overflow_fix: 'enable' | 'first_layer' | 'disable' | 'auto';
      readonly activations_quantization_params: ResolvedQuantizationParams;
      readonly weights_quantization_params: ResolvedQuantizationParams;
      readonly activations_range_estimator_params: EstimatorParams;
      readonly weights_range_estimator_params: EstimatorParams;
    };
  };
  readonly accuracy_control: Complete<NonNullable<QuantizationConfig['accuracy_control']>> | null;
  readonly objective: Complete<NonNullable<QuantizationConfig['objective']>> | null;
}

const root = configSchemaJson as unknown as SchemaNode;
const PARTS = partOf(root);

/** The sets of range-estimator settings that have a name. */
const NAMED_ESTIMATORS: Readonly<Record<string, EstimatorParams>> = {
  minmax: sides('min', 'max', 'min', 'max'),
  mean_minmax: sides('min', 'max', 'mean', 'mean'),
  median_minmax: sides('min', 'max', 'median', 'median'),
  mean_no_outliers_minmax: sides('min', 'max', 'mean_no_outliers', 'mean_no_outliers'),
  mean_quantile: sides('quantile', 'quantile', 'mean', 'mean'),
  histogram: sides('min', 'max', 'histogram', 'histogram'),
};

function sides(
  min: CollectorParams['statistics_type'],
  max: CollectorParams['statistics_type'],
  minAggregator: CollectorParams['aggregator_type'],
  maxAggregator: CollectorParams['aggregator_type'],
): EstimatorParams {
  return {
    min: { statistics_type: min, aggregator_type: minAggregator },
    max: { statistics_type: max, aggregator_type: maxAggregator },
  };
}

/** With defaults, before null and older spellings are replaced by what they stand for. */
type Filled = Omit<ResolvedConfig, 'quantization'> & { readonly quantization: Quantization };

/** Fills in every default from the schema. The value must be valid; it is not changed. */
export function resolveConfig(config: QuantizationConfig): ResolvedConfig {
  const written = withConstraint(config) as unknown as Record<string, unknown>;
  const estimators = record(valueAt(written, 'quantization', 'advanced_parameters'));
  const filled = fillDefaults(PARTS, written) as Filled;
  const { advanced_parameters: advanced, ...quantization } = filled.quantization;
  const preset = quantization.preset ?? 'performance';
  const mode =
    advanced.activations_quantization_params.mode ?? (preset === 'mixed' ? 'asymmetric' : 'symmetric');

  const control = filled.accuracy_control;
  // A target stands alone where no drop is written beside it.
  const { max_drop: drop, target } = record(written['accuracy_control']);
  const onlyTarget = drop === undefined && typeof target === 'number';

  return {
    model: filled.model,
    output: filled.output,
    history: filled.history,
    data: filled.data,
    task: filled.task,
    modules: filled.modules,
    quantization: {
      ...quantization,
      preset,
      advanced_parameters: {
        ...advanced,
        overflow_fix: advanced.overflow_fix === 'first_layer_only' ? 'first_layer' : advanced.overflow_fix,
        activations_quantization_params: { ...advanced.activations_quantization_params, mode },
        activations_range_estimator_params: estimator(estimators['activations_range_estimator_params']),
        weights_range_estimator_params: estimator(estimators['weights_range_estimator_params']),
      },
    },
    accuracy_control:
      written['accuracy_control'] === undefined || control === null
        ? null
        : { ...control, max_drop: onlyTarget ? null : control.max_drop },
    objective: written['objective'] === undefined ? null : filled.objective,
  };
}

/** What an objective is subject to is what accuracy control asks for. */
export function withConstraint(config: QuantizationConfig): QuantizationConfig {
  const { objective, accuracy_control: control } = config;
  if (objective === undefined) return config;
  const { max_drop, drop_type = 'absolute' } = objective.subject_to;

  return { ...config, accuracy_control: { ...control, max_drop, drop_type } };
}

function estimator(value: unknown): EstimatorParams {
  if (typeof value === 'string') return NAMED_ESTIMATORS[value] ?? { min: {}, max: {} };
  const stated = record(value);
  return {
    min: record(stated['min']),
    max: record(stated['max']),
  };
}

/** A part of the schema as far as defaults go, with its references followed once for all configs. */
interface Part {
  readonly initial: unknown;
  /** null: it is no mapping of known keys. */
  readonly keys: ReadonlyMap<string, Part> | null;
}

function partOf(schema: SchemaNode): Part {
  const { default: initial, properties } = resolveRef(root, schema);
  const keys = Object.entries(properties ?? {}).map(([key, part]) => [key, partOf(part)] as const);
  return { initial, keys: properties === undefined ? null : new Map(keys) };
}

function fillDefaults(part: Part, value: unknown): unknown {
  const { initial, keys } = part;
  if (value === undefined) {
    if (initial === undefined) return undefined;
    if (typeof initial !== 'object' || initial === null) return initial;
    // Configs share nothing of the schema's.
    return fillDefaults(part, Array.isArray(initial) ? [...(initial as unknown[])] : { ...initial });
  }

  if (keys === null || typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const stated = value as Record<string, unknown>;
  const complete: Record<string, unknown> = {};
  for (const [key, inner] of keys) {
    const filled = fillDefaults(inner, stated[key]);
    if (filled !== undefined) complete[key] = filled;
  }

  for (const key of Object.keys(stated)) if (!keys.has(key)) complete[key] = stated[key];

  return complete;
}

function valueAt(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((current, key) => record(current)[key], value);
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}
