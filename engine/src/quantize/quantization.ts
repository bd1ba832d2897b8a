import { fail } from '@quantsmith/schemas';
import { shareConstants, type Graph } from '@quantsmith/model/graph';
import type { PreparedModel } from '../prepare/prepare.js';
import { type ModelProto, type TensorProto, readFloats } from '@quantsmith/model/onnx';
import { completeForRuntime } from '../placement/runtimeLayout.js';
import type { ActivationQuantizer, Placement, QuantizerConfig, TargetRuntime } from '../placement/types.js';
import type { BiasUpdate } from '../qdq/types.js';
import { narrowConstants } from '../qdq/narrowConstants.js';
import { writeQdq } from '../qdq/write.js';
import { quantizerParameters, type QuantizerParameters } from '../ranges/parameters.js';
import { revertGroups, revertOperators } from '../placement/revert.js';
import { allFinite } from '@quantsmith/model/arrays';
import type { SessionOptions } from '../runtime/session.js';
import type { RangeStatistics } from '../statistics/collect.js';
import type { RangeEstimator } from '../ranges/estimator.js';
import { withBodies } from './bodies.js';
import { lastMade, type WeightWork } from './lastMade.js';
import { quantizeWeights, type QuantizedWeights } from '../weights/quantize.js';

/** A float model with everything that is needed to write it as a quantized one, with any operators left in float. */
export interface Quantization {
  readonly prepared: PreparedModel;
  readonly placement: Placement;
  readonly runtime: TargetRuntime;
  readonly activationConfig: QuantizerConfig;
  /** By quantizer id. */
  readonly activations: ReadonlyMap<string, QuantizerParameters>;
  /** By quantizer id. */
  readonly weights: ReadonlyMap<string, QuantizedWeights>;
  readonly biases: readonly BiasUpdate[];
  /** Operators that stay in float, since the runtime's kernels do not compute what was intended. */
  readonly unfit?: ReadonlySet<string>;
  /** Those of If, Loop and Scan that are quantized; each goes back to float with its owner. */
  readonly bodies?: readonly QuantizedBody[];
}

/** A quantized body of If, Loop or Scan: a model of its own, whose inputs are what the body is given and reads from outside. */
export interface QuantizedBody {
  /** The node whose body it is. */
  readonly owner: string;
  /** The attribute that holds it. */
  readonly attribute: string;
  readonly quantization: Quantization;
  /** Whether its operators were compared with what they are meant to compute. */
  readonly isCompared: boolean;
}

/**
 * Operators that can only go back to float together, as `revertGroups` has them; nodes whose bodies are quantized are groups of
 * their own.
 */
export function reversible({ prepared: { graph }, placement, bodies = [] }: Quantization): string[][] {
  const owners = new Set(bodies.map(({ owner }) => owner));
  return [...revertGroups(graph, placement), ...[...owners].map((owner) => [owner])];
}

/**
 * How the quantized model runs while it is measured. ONNX Runtime would fuse another runtime's layout into kernels that it
 * then refuses to run: there it computes operator by operator.
 */
export function sessionOptions({
  prepared: { dir },
  runtime,
}: Quantization): Pick<SessionOptions, 'optimization'> & { readonly dir: string } {
  return runtime === 'onnxruntime' ? { dir } : { dir, optimization: 'basic' };
}

/** ONNX Runtime's kernels take any scale; other layouts keep to NNCF's narrowest ranges. */
const anyWidth = (runtime: TargetRuntime): boolean => runtime === 'onnxruntime';

/** Scale and zero point of every activation quantizer, from its collected range. */
export function activationParameters(
  quantizers: readonly ActivationQuantizer[],
  statistics: ReadonlyMap<string, RangeStatistics>,
  runtime: TargetRuntime,
): ReadonlyMap<string, QuantizerParameters> {
  return new Map(
    quantizers.flatMap((quantizer) => {
      const range = statistics.get(quantizer.id);
      if (range === undefined) return [];
      const parameters = quantizerParameters(range, quantizer.config, {
        group: 'activations',
        halfRange: false,
        anyWidth: anyWidth(runtime),
      });

      return [[quantizer.id, parameters] as const];
    }),
  );
}

/** Throws `weight-not-finite` where a weight that is quantized is no number. */
export function checkFinite(prepared: PreparedModel, placement: Placement): void {
  for (const { tensor } of placement.weights) finiteWeight(prepared.graph.initializer(tensor)!, prepared.dir);
}

function finiteWeight(tensor: TensorProto, dir: string): Float32Array {
  const values = readFloats(tensor, dir);
  if (allFinite(values)) return values;
  return fail('weight-not-finite', `The weight "${tensor.name}" contains a non-finite value.`, {
    configPath: ['model'],
    data: { tensor: tensor.name },
  });
}

/** Codes, scales and zero points of every weight. `last`: what was made of them before. */
export function weightCodes(
  prepared: PreparedModel,
  placement: Placement,
  estimator: RangeEstimator,
  runtime: TargetRuntime,
  last: WeightWork['codes'] = lastMade(),
): ReadonlyMap<string, QuantizedWeights> {
  return new Map(
    placement.weights.map(({ id, tensor: name, axis, config, halfRange }) => {
      const tensor = prepared.graph.initializer(name)!;
      const settings = JSON.stringify([axis, config, halfRange, estimator, runtime]);
      const codes = last(tensor, [settings], () => {
        const values = finiteWeight(tensor, prepared.dir);
        const dims = tensor.dims.map(Number);
        return quantizeWeights(values, dims, axis, config, halfRange, estimator, anyWidth(runtime));
      });

      return [id, codes] as const;
    }),
  );
}

/** The placement as it is written: with the given operators in float, completed for the runtime. */
export function writtenPlacement(
  graph: Graph,
  placement: Placement,
  runtime: Quantization['runtime'],
  config: QuantizerConfig,
  reverted: ReadonlySet<string> = new Set(),
): Placement {
  const base = revertOperators(graph, placement, reverted);
  return runtime === 'onnxruntime' ? completeForRuntime(graph, base, config, reverted) : base;
}

/** The quantized model with the given operators left in float, and those that are unfit. */
export function buildModel(quantization: Quantization, chosen: ReadonlySet<string>): ModelProto {
  const { prepared, runtime, activationConfig, unfit } = quantization;
  const reverted = unfit === undefined ? chosen : new Set([...chosen, ...unfit]);
  const placement = writtenPlacement(
    prepared.graph,
    quantization.placement,
    runtime,
    activationConfig,
    reverted,
  );
  const bodies = (quantization.bodies ?? []).filter(({ owner }) => !reverted.has(owner));
  const written = writeQdq({
    model: withBodies(
      prepared.model,
      bodies.map((body) => ({ ...body, built: buildModel(body.quantization, new Set()) })),
    ),
    graph: prepared.graph,
    dir: prepared.dir,
    placement,
    activations: quantization.activations,
    weights: quantization.weights,
    biases: quantization.biases.filter((bias) => !reverted.has(bias.port.node)),
    runtime,
  });

  const shared = bodies.length === 0 ? written : shareConstants(written);

  return prepared.storedAs === null ? shared : narrowConstants(shared, prepared.storedAs, prepared.dir);
}
