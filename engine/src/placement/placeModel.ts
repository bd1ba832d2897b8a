import type { Graph } from '@quantsmith/model/graph';
import { type InstructionSet, type Problem, type TargetIsa, fail } from '@quantsmith/schemas';
import type { PreparedModel } from '../prepare/prepare.js';
import { resolveIgnoredScope, type IgnoredScope } from '@quantsmith/model/scope';
import { resolveOverrides, type Override } from './overrides.js';
import { placeQuantizers, type PlacementOptions } from './place.js';
import { kernelCosts, type ClassCosts } from './kernelCosts.js';
import { padsBelowValues } from './sentinels.js';
import { completeForRuntime } from './runtimeLayout.js';
import { aloneInIntegers, slowInIntegers } from './slowInIntegers.js';
import type { Placement } from './types.js';

/** How quantizers are placed, and what the user wants float. */
export interface PlacementPlan extends Omit<PlacementOptions, 'ignored' | 'layers'> {
  /** Whether what is slower in integers than in float stays in float on the CPU that the model is made for. */
  readonly fast: boolean;
  readonly target: TargetIsa;
  readonly scope: IgnoredScope;
  readonly overrides: readonly Override[];
  /** Set for a part of a model (the body of a loop): rules that match nothing there may mean other parts. */
  readonly part?: boolean;
}

/** Whether nothing is quantized. */
export const isEmpty = ({ activations, weights }: Placement) => activations.length + weights.length === 0;

/** The prepared nodes that an ignored scope names. */
export function ignoredNodes(prepared: PreparedModel, scope: IgnoredScope): ReadonlySet<string> {
  return resolveIgnoredScope(prepared.graph, prepared.originals, scope).ignored;
}

/**
 * Where quantizers go in a model; `isa`: this machine's instruction sets. Rules of the ignored scope that match nothing are
 * errors or warnings.
 */
export function placeModel(
  prepared: PreparedModel,
  plan: PlacementPlan,
  isa: readonly InstructionSet[],
): { placement: Placement; problems: Problem[] } {
  const scope = resolveIgnoredScope(prepared.graph, prepared.originals, plan.scope);
  const overridden = resolveOverrides(prepared, plan.overrides);
  const unmatched = (problem: Problem) => problem.code === 'ignored-scope-unmatched';
  const scopeProblems = [...scope.problems, ...overridden.problems];
  const problems =
    plan.part === true ? scopeProblems.filter((problem) => !unmatched(problem)) : scopeProblems;
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

  const placement = placeFast(
    prepared.graph,
    { ...plan, ignored: new Set([...scope.ignored, ...overridden.float]), layers: overridden.layers },
    plan.fast ? { costs: kernelCosts(plan.target, isa) } : null,
  );

  return { placement, problems: [...problems, ...paddingProblems(prepared)] };
}

/**
 * Without costs (a CPU that was not measured) what has an integer kernel is quantized, if another one is beside it. Where nothing would be
 * left of a placement, it stays as it is: somebody wants that model quantized.
 */
function placeFast(
  graph: Graph,
  options: PlacementOptions,
  fast: { readonly costs: ClassCosts | null } | null,
): Placement {
  const placement = placeQuantizers(graph, options);
  if (fast === null || options.runtime !== 'onnxruntime') return placement;
  const written = completeForRuntime(graph, placement, options.activations);
  const alone = aloneInIntegers(graph, written);
  const slow =
    fast.costs === null ? alone : new Set([...alone, ...slowInIntegers(graph, written, fast.costs)]);
  if (slow.size === 0) return placement;
  const fewer = placeQuantizers(graph, { ...options, ignored: new Set([...options.ignored, ...slow]) });
  return isEmpty(fewer) ? placement : { ...fewer, slow };
}

/** Padding that is no value: the range is that of the values beside it. */
function paddingProblems({ graph }: PreparedModel): Problem[] {
  return padsBelowValues(graph).map((name) => ({
    code: 'padding-left-out',
    severity: 'info',
    message: `The padding of "${name}" lies far below all activations and feeds only a maximum: it is left out of the range and takes the lowest code.`,
    configPath: ['model'],
    data: { node: name },
  }));
}
