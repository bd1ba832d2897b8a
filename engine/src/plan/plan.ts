import {
  type QuantizationChange,
  type QuantizationConfig,
  type ResolvedConfig,
  type ResolvedQuantizationParams,
  remedyGroups,
  resolveConfig,
  withChange,
} from '@quantsmith/schemas';
import type { AlignmentPlan, CalibrationPlan, SmoothingPlan } from '../calibration/calibration.js';
import { ACCURATE_THRESHOLD, type AccuratePlan } from '../corrections/accurateBias.js';
import { FAST_THRESHOLD, type FastPlan } from '../corrections/fastBias.js';
import type { DataSection } from '../data/types.js';
import type { PlacementPlan } from '../placement/placeModel.js';
import type { ModuleLimits } from '../data/modules/moduleProcess.js';
import type { QuantizerConfig } from '../placement/types.js';
import { weightEstimator } from '../ranges/defaults.js';
import type { RangeEstimator } from '../ranges/estimator.js';
import type { RestorationPlan } from '../restore/restore.js';
import type { OverflowPlan } from '../saturation/auto.js';
import type { ValidationPlan } from '../validation/validation.js';

/** What each stage of a run needs to know. Stages take their part of it, and never see a config. */
export interface Plan {
  /** null: as many as the machine has cores. */
  readonly threads: number | null;
  readonly modules: ModuleLimits;
  readonly samples: SamplesPlan;
  /** null: the config asks for none; so in alignment and correction. */
  readonly smoothing: SmoothingPlan | null;
  readonly alignment: AlignmentPlan | null;
  readonly placement: PlacementPlan;
  readonly calibration: CalibrationPlan;
  readonly weights: RangeEstimator;
  readonly correction: FastPlan | AccuratePlan | null;
  readonly overflow: OverflowPlan;
  /** null: accuracy is not measured. */
  readonly validation: ValidationPlan | null;
  /** null: accuracy is measured at most, never restored. */
  readonly restoration: RestorationPlan | null;
  /** null: the config states none. */
  readonly objective: ObjectivePlan | null;
  readonly output: { readonly externalData: boolean | 'auto' };
  /** The settings that decide what evaluations give. */
  readonly identity: unknown;
}

/** What a model is to have little of, beside what it must keep, which validation knows. */
export interface ObjectivePlan {
  readonly minimize: 'latency' | 'size';
  /** Seconds; null: no limit. */
  readonly timeLimit: number | null;
}

/** The calibration data. */
interface SamplesPlan {
  readonly section: DataSection;
  /** At most so many samples are read. */
  readonly limit: number;
}

/**
 * What a config asks of each stage, with a change of its quantization settings over it: how restoration's remedies and other
 * choices by measurement are tried. Pure.
 */
export function plan(config: QuantizationConfig, change: QuantizationChange = {}): Plan {
  const resolved = resolveConfig(withChange(config, change));
  const { quantization } = resolved;
  const advanced = quantization.advanced_parameters;
  const { backend_params: backend, inplace_statistics: inGraph } = advanced;
  const scope = quantization.ignored_scope;
  const correction = correctionPlan(resolved);

  return {
    threads: backend.threads,
    modules: { timeLimit: resolved.modules.time_limit, memoryLimit: resolved.modules.memory_limit },
    samples: { section: resolved.data.calibration, limit: quantization.subset_size },
    smoothing: smoothingPlan(resolved),
    alignment: advanced.disable_channel_alignment ? null : { scope },
    placement: placementPlan(resolved),
    calibration: {
      runtime: backend.runtime,
      quantizers: quantizerConfig(advanced.activations_quantization_params),
      estimator: advanced.activations_range_estimator_params,
      inGraph,
      cutTails: advanced.activation_tails === 'cut',
      means: correction?.kind === 'fast' ? correction.scope : null,
    },
    weights: weightEstimator(advanced.weights_range_estimator_params),
    correction,
    overflow: { fix: advanced.overflow_fix, target: backend.target_isa },
    validation: validationPlan(resolved),
    restoration: restorationPlan(resolved),
    objective:
      resolved.objective === null
        ? null
        : { minimize: resolved.objective.minimize, timeLimit: resolved.objective.time_limit },
    output: { externalData: backend.external_data ?? 'auto' },
    identity: identityOf(resolved),
  };
}

/** null also where no operator is to be smoothed. */
function smoothingPlan({ quantization }: ResolvedConfig): SmoothingPlan | null {
  const { smooth_quant_alphas: strength, inplace_statistics: inGraph } = quantization.advanced_parameters;
  if (quantization.model_type !== 'transformer') return null;
  if (strength.matmul < 0 && strength.convolution < 0) return null;
  return { scope: quantization.ignored_scope, strength, inGraph };
}

function placementPlan({ quantization }: ResolvedConfig): PlacementPlan {
  const { advanced_parameters: advanced } = quantization;
  const aim = quantization.optimize_for ?? (quantization.defaults === 'nncf' ? null : 'latency');

  return {
    runtime: advanced.backend_params.runtime,
    targetDevice: quantization.target_device,
    transformer: quantization.model_type === 'transformer',
    activations: quantizerConfig(advanced.activations_quantization_params),
    perChannelActivations: advanced.activations_quantization_params.per_channel,
    weights: quantizerConfig(advanced.weights_quantization_params),
    quantizeOutputs: advanced.quantize_outputs,
    overflowFix: advanced.overflow_fix,
    squeezeExcitation: advanced.squeeze_excitation ?? (aim === 'integer' ? 'integer' : 'float'),
    everyKernel: aim === 'integer',
    everyWeight: aim === 'size',
    fast: aim === 'latency',
    target: advanced.backend_params.target_isa,
    overrides: quantization.overrides ?? [],
    scope: quantization.ignored_scope,
  };
}

function quantizerConfig(params: ResolvedQuantizationParams): QuantizerConfig {
  return {
    numBits: params.num_bits,
    mode: params.mode,
    signednessToForce: params.signedness_to_force,
    perChannel: params.per_channel ?? false,
    narrowRange: params.narrow_range,
  };
}

function correctionPlan({ quantization }: ResolvedConfig): Plan['correction'] {
  const advanced = quantization.advanced_parameters;
  if (advanced.disable_bias_correction) return null;
  const { apply_for_all_nodes: allNodes, threshold } = advanced.bias_correction_params;
  if (!quantization.fast_bias_correction) {
    return { kind: 'accurate', threshold: threshold ?? ACCURATE_THRESHOLD, allNodes };
  }

  // The peer's fast correction leaves grouped convolutions out; ONNX Runtime's layout gains from them (docs/compatibility.md).
  const grouped = advanced.backend_params.runtime === 'onnxruntime';

  return { kind: 'fast', threshold: threshold ?? FAST_THRESHOLD, scope: { allNodes, grouped } };
}

function validationPlan({ data, task, accuracy_control: control }: ResolvedConfig): ValidationPlan | null {
  if (data.validation === undefined && control === null) return null;
  return {
    ...(data.validation === undefined
      ? { section: data.calibration, role: 'calibration' }
      : { section: data.validation, role: 'validation' }),
    task,
    control:
      control === null
        ? null
        : {
            metric: control.metric,
            maxDrop: control.max_drop,
            target: control.target,
            dropType: control.drop_type,
          },
  };
}

function restorationPlan(resolved: ResolvedConfig): RestorationPlan | null {
  const { accuracy_control: control, quantization } = resolved;
  if (control === null) return null;
  const params = control.advanced_accuracy_restorer_params;
  const mixed = params.convert_to_mixed_preset && quantization.preset === 'performance';

  return {
    timeLimit: control.time_limit,
    maxIterations: params.max_num_iterations,
    decidingSamples: params.ranking_subset_size ?? quantization.subset_size,
    mixedPreset: mixed,
    remedies: params.tune_hyperparams
      ? (layers) =>
          // The preset has been tried then.
          remedyGroups(resolved, layers).filter(([remedy]) => !mixed || remedy?.setting !== 'preset')
      : null,
  };
}

/** Limits of time and memory decide when a run ends, not what its evaluations give. */
function identityOf({ accuracy_control: control, objective, ...others }: ResolvedConfig): unknown {
  return {
    ...others,
    modules: null,
    objective: objective && { ...objective, time_limit: null },
    accuracy_control: control && { ...control, time_limit: null },
  };
}
