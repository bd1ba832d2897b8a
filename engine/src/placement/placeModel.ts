import { type Problem, fail } from '@quantsmith/schemas';
import type { PreparedModel } from '../prepare/prepare.js';
import { resolveIgnoredScope, type IgnoredScope } from '@quantsmith/model/scope';
import { resolveOverrides, type Override } from './overrides.js';
import { placeQuantizers, type PlacementOptions } from './place.js';
import { padsBelowValues } from './propagate.js';
import type { Placement } from './types.js';

/** How quantizers are placed, and what the user wants float. */
export interface PlacementPlan extends Omit<PlacementOptions, 'ignored' | 'layers'> {
  readonly scope: IgnoredScope;
  readonly overrides: readonly Override[];
}

/** The prepared nodes that an ignored scope names. */
export function ignoredNodes(prepared: PreparedModel, scope: IgnoredScope): ReadonlySet<string> {
  return resolveIgnoredScope(prepared.graph, prepared.originals, scope).ignored;
}

/** Where quantizers go in a model. Rules of the ignored scope that match nothing are errors or warnings. */
export function placeModel(
  prepared: PreparedModel,
  plan: PlacementPlan,
): { placement: Placement; problems: Problem[] } {
  const scope = resolveIgnoredScope(prepared.graph, prepared.originals, plan.scope);
  const overridden = resolveOverrides(prepared, plan.overrides);
  const problems = [...scope.problems, ...overridden.problems];
  const error = problems.find((problem) => problem.severity === 'error');
  if (error !== undefined) {
    const others = problems.length - 1;
    const message = others > 0 ? `${error.message} (${others} more of this kind)` : error.message;
    fail(error.code, message, {
      ...(error.configPath ? { configPath: error.configPath } : {}),
      data: { all: problems },
    });
  }

  if (plan.perChannelActivations === true && plan.runtime === 'onnxruntime') {
    fail(
      'per-channel-activations',
      'ONNX Runtime cannot run a model with several scales for one activation: leave per_channel out, or write for another runtime with backend_params.runtime: openvino.',
      {
        configPath: ['quantization', 'advanced_parameters', 'activations_quantization_params', 'per_channel'],
      },
    );
  }

  const placement = placeQuantizers(prepared.graph, {
    ...plan,
    ignored: new Set([...scope.ignored, ...overridden.float]),
    layers: overridden.layers,
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

  return { placement, problems: [...problems, ...paddingProblems(prepared)] };
}

/** Padding that is no value: the range is that of the values beside it. */
function paddingProblems({ graph }: PreparedModel): Problem[] {
  return padsBelowValues(graph).map((name) => ({
    code: 'padding-left-out',
    severity: 'info',
    message: `The padding of "${name}" lies far below all values, which only a maximum reads: it is left out of the range, and takes the lowest code.`,
    configPath: ['model'],
    data: { node: name },
  }));
}
