import { type Problem, type ResolvedConfig, fail } from '@quantsmith/schemas';
import type { PreparedModel } from '../prepare/prepare.js';
import { resolveIgnoredScope } from '@quantsmith/model/scope';
import { placeQuantizers } from './place.js';
import type { Placement, QuantizerConfig } from './types.js';

type Params = ResolvedConfig['quantization']['advanced_parameters']['activations_quantization_params'];

/** The quantizer settings of a config section. */
export function quantizerConfig(params: Params): QuantizerConfig {
  return {
    numBits: params.num_bits,
    mode: params.mode,
    signednessToForce: params.signedness_to_force,
    perChannel: params.per_channel ?? false,
    narrowRange: params.narrow_range,
  };
}

/** The prepared nodes that the config's ignored scope names. */
export function ignoredByConfig(prepared: PreparedModel, config: ResolvedConfig): ReadonlySet<string> {
  const { ignored_scope: scope } = config.quantization;
  return resolveIgnoredScope(prepared.graph, prepared.originals, scope as never).ignored;
}

/** Where a config puts quantizers in a model. Rules of the ignored scope that match nothing are errors or warnings. */
export function placeForConfig(
  prepared: PreparedModel,
  config: ResolvedConfig,
): { placement: Placement; problems: Problem[] } {
  const { quantization } = config;
  const advanced = quantization.advanced_parameters;
  const scope = resolveIgnoredScope(prepared.graph, prepared.originals, quantization.ignored_scope as never);
  const error = scope.problems.find((problem) => problem.severity === 'error');
  if (error !== undefined) {
    const others = scope.problems.length - 1;
    const message = others > 0 ? `${error.message} (${others} more of this kind)` : error.message;
    fail(error.code, message, {
      ...(error.configPath ? { configPath: error.configPath } : {}),
      data: { all: scope.problems },
    });
  }
  const { per_channel: perChannel } = advanced.activations_quantization_params;
  if (perChannel === true && advanced.backend_params.runtime === 'onnxruntime') {
    fail(
      'per-channel-activations',
      'ONNX Runtime cannot run a model with several scales for one activation: leave per_channel out, or write for another runtime with backend_params.runtime: openvino.',
      {
        configPath: ['quantization', 'advanced_parameters', 'activations_quantization_params', 'per_channel'],
      },
    );
  }
  const placement = placeQuantizers(prepared.graph, {
    runtime: advanced.backend_params.runtime as 'onnxruntime' | 'openvino',
    targetDevice: quantization.target_device,
    transformer: quantization.model_type === 'transformer',
    activations: quantizerConfig(advanced.activations_quantization_params),
    perChannelActivations: advanced.activations_quantization_params.per_channel,
    weights: quantizerConfig(advanced.weights_quantization_params),
    quantizeOutputs: advanced.quantize_outputs,
    overflowFix: advanced.overflow_fix,
    ignored: scope.ignored,
  });
  if (placement.weights.length === 0 && placement.activations.length === 0) {
    fail(
      'nothing-to-quantize',
      scope.ignored.size === 0
        ? 'The model has no operator that can be quantized (those in subgraphs of If, Loop and Scan stay in float).'
        : 'The ignored scope leaves no operator that can be quantized.',
      {
        configPath: ['model'],
      },
    );
  }
  return { placement, problems: scope.problems };
}
