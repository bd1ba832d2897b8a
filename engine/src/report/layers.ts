import type { QuantizationReport } from '@quantsmith/schemas';
import type { NodeProto } from '@quantsmith/model/onnx';
import { has, isLinear } from '@quantsmith/model/operators';
import type { ActivationQuantizer } from '../placement/types.js';
import { quantizedOperators } from '../placement/revert.js';
import { writtenPlacement, type Quantization } from '../quantize/quantization.js';
import type { RuntimeKernel } from '../runtime/optimized.js';
import type { ReportInput } from './input.js';

type LayerReport = QuantizationReport['layers'][number];
type Inputs = Pick<ReportInput, 'quantization' | 'restored' | 'corrections' | 'finished'>;

/** One entry for each operator that is quantized, was before restoration, or has weights or is fast and stayed float. */
export function layerReports({ quantization, restored, corrections, finished }: Inputs): LayerReport[] {
  const { graph } = quantization.prepared;
  const quantized = new Set(quantizedOperators(graph, quantization.placement));
  const sqnr = new Map(finished.layers.map(({ name, sqnrDb }) => [name, sqnrDb]));
  const kernelOf = kernelByNode(finished.kernels);
  const correctionOf = new Map(corrections.map((record) => [record.node, record]));
  const written = writtenPlacement(
    graph,
    quantization.placement,
    quantization.runtime,
    quantization.activationConfig,
    restored.reverted,
  );

  const layers = graph.nodes
    .filter((node) => sqnr.has(node.name))
    .map((node) => {
      const isQuantized = quantized.has(node.name) && !restored.reverted.has(node.name);
      const decibels = sqnr.get(node.name) ?? null;
      const correction = correctionOf.get(node.name);

      return {
        name: node.name,
        op: node.opType,
        quantized: isQuantized,
        weight: isQuantized ? weightReport(quantization, node.name) : null,
        inputs: isQuantized ? activationReports(quantization, written.activations, node.name) : [],
        sqnr_db: decibels !== null && Number.isFinite(decibels) ? decibels : null,
        bias_correction: {
          applied: isQuantized && correction?.applied === true,
          max_shift: isQuantized && correction?.applied === true ? correction.maxShift : 0,
        },
        restored: restored.reverted.has(node.name),
        kernel: kernelOf.get(node.name) ?? null,
        ...howItRuns(node, {
          kernel: kernelOf.get(node.name) ?? null,
          quantized: isQuantized,
          restored: restored.reverted.has(node.name),
          unfit: quantization.unfit?.has(node.name) === true,
          slow: quantization.placement.slow?.has(node.name) === true,
        }),
      };
    });

  return [...layers, ...bodyLayers(graph.nodes, quantization, { restored, finished })];
}

type Runs = Required<Pick<LayerReport, 'runs' | 'runs_reason'>>;

/** Whether an operator computes in integers in the runtime, and if not, why. */
function howItRuns(
  node: NodeProto,
  is: {
    readonly kernel: string | null;
    readonly quantized: boolean;
    readonly restored: boolean;
    readonly unfit: boolean;
    readonly slow: boolean;
  },
): Runs {
  if (is.kernel !== null) return { runs: 'integer', runs_reason: null };
  if (is.restored) return { runs: 'float', runs_reason: 'back in float for accuracy' };
  if (is.unfit)
    return {
      runs: 'float',
      runs_reason: 'its integer kernel, or that of what it reads, gives other codes than intended',
    };
  if (is.slow) return { runs: 'faster_in_float', runs_reason: slowReason(node) };
  if (!is.quantized)
    return { runs: 'float', runs_reason: 'neither its inputs nor its weights are quantized' };
  const reason =
    !has(node, 'integer-output') && !isLinear(node)
      ? `the runtime has no integer kernel for ${node.opType}`
      : 'not all of its inputs and its output are quantized to 8 bits, or the runtime did not fuse them';

  return { runs: 'float_though_quantized', runs_reason: reason };
}

/** Why `optimize_for: latency` has left an operator in float. */
function slowReason(node: NodeProto): string {
  return `with the conversions around it, ${node.opType} takes longer in integers on the CPU that the model is made for`;
}

/** Linear operators in the bodies of If, Loop and Scan. `quantization`: of the graph around them; null: it stays in float. */
function bodyLayers(
  nodes: readonly NodeProto[],
  quantization: Quantization | null,
  outcome: Pick<Inputs, 'restored' | 'finished'>,
): LayerReport[] {
  const { reverted } = outcome.restored;
  return nodes.flatMap((owner) =>
    owner.attribute.flatMap(({ name: attribute, g }) => {
      if (g === undefined) return [];
      const inside = (quantization?.bodies ?? []).find(
        (body) => body.owner === owner.name && body.attribute === attribute && !reverted.has(owner.name),
      )?.quantization;

      // What was prepared may be written otherwise than the body of the model.
      const { node } = inside === undefined ? g : inside.prepared.model.graph;

      return [
        ...node.filter(isLinear).map((inner) => bodyLayer(inner, owner, inside ?? null, outcome)),
        ...bodyLayers(node, inside ?? null, outcome),
      ];
    }),
  );
}

function bodyLayer(
  node: NodeProto,
  owner: NodeProto,
  inside: Quantization | null,
  { restored: { reverted }, finished }: Pick<Inputs, 'restored' | 'finished'>,
): LayerReport {
  const restored = reverted.has(owner.name);
  const kernels = inside === null ? undefined : finished.bodyKernels.get(inside);
  const kernel = kernels === undefined ? null : (kernelByNode(kernels).get(node.name) ?? null);
  const placed = inside === null ? [] : quantizedOperators(inside.prepared.graph, inside.placement);
  const quantized = placed.includes(node.name) && inside?.unfit?.has(node.name) !== true;
  const rounded = quantized ? inside : null;
  const place = `in a body of ${owner.opType} "${owner.name}"`;

  return {
    ...{ name: node.name, op: node.opType, quantized },
    weight: rounded === null ? null : weightReport(rounded, node.name),
    inputs: rounded === null ? [] : activationReports(rounded, writtenActivations(rounded), node.name),
    ...{ sqnr_db: null, bias_correction: { applied: false, max_shift: 0 } },
    ...{ restored, kernel },
    runs: kernel === null ? 'subgraph' : 'integer',
    runs_reason: kernel === null ? `${place}, ${quantized ? 'rounded there' : 'in float'}` : place,
  };
}

const writtenActivations = ({ prepared, placement, runtime, activationConfig }: Quantization) =>
  writtenPlacement(prepared.graph, placement, runtime, activationConfig).activations;

function kernelByNode(kernels: ReadonlyMap<string, RuntimeKernel>): ReadonlyMap<string, string> {
  return new Map(
    [...kernels.values()]
      .filter((kernel) => kernel.kind === 'integer')
      .flatMap((kernel) => kernel.covers.map((name) => [name, kernel.op] as const)),
  );
}

function weightReport(quantization: Quantization, node: string): LayerReport['weight'] {
  const quantizer = quantization.placement.weights.find((candidate) =>
    candidate.targets.some((port) => port.node === node),
  );

  const weights = quantizer === undefined ? undefined : quantization.weights.get(quantizer.id);
  if (quantizer === undefined || weights === undefined) return null;
  const { scale, signed, numBits } = weights.parameters;

  return {
    bits: numBits,
    signed,
    per_channel: quantizer.axis !== null,
    scale_min: scale.reduce((a, b) => Math.min(a, b)),
    scale_max: scale.reduce((a, b) => Math.max(a, b)),
    half_range: quantizer.halfRange,
  };
}

function activationReports(
  quantization: Quantization,
  quantizers: readonly ActivationQuantizer[],
  node: string,
): LayerReport['inputs'] {
  return quantizers.flatMap((quantizer) => {
    const parameters = quantization.activations.get(quantizer.id);
    if (parameters === undefined || !quantizer.targets.some((port) => port.node === node)) return [];
    return [
      {
        tensor: quantizer.tensor,
        scale: parameters.scale[0]!,
        zero_point: parameters.zeroPoint[0]!,
        low: parameters.low[0]!,
        high: parameters.high[0]!,
      },
    ];
  });
}
