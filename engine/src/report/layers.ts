import type { QuantizationReport } from '@quantsmith/schemas';
import { subgraphs, type NodeProto } from '@quantsmith/model/onnx';
import { has, isLinear } from '@quantsmith/model/operators';
import type { ActivationQuantizer } from '../placement/types.js';
import { quantizedOperators } from '../placement/revert.js';
import { writtenPlacement, type Quantization } from '../quantize/quantization.js';
import type { RuntimeKernel } from '../runtime/optimized.js';
import type { ReportInput } from './input.js';

type LayerReport = QuantizationReport['layers'][number];
type Inputs = Pick<ReportInput, 'quantization' | 'restored' | 'corrections' | 'finished'>;

/** One entry for each operator that is quantized, was before restoration, or has weights and stayed float. */
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
        }),
      };
    });

  return [...layers, ...graph.nodes.flatMap((node) => bodyLayers(node))];
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
  },
): Runs {
  if (is.kernel !== null) return { runs: 'integer', runs_reason: null };
  if (is.restored) return { runs: 'float', runs_reason: 'back in float for accuracy' };
  if (is.unfit) return { runs: 'float', runs_reason: 'its integer kernel gives other codes than intended' };
  if (!is.quantized) return { runs: 'float', runs_reason: 'neither its inputs nor its weights are rounded' };
  const reason =
    !has(node, 'integer-output') && !isLinear(node)
      ? `the runtime has no integer kernel for ${node.opType}`
      : 'not all of its inputs and its output are rounded to 8 bits, or the runtime did not fuse them';

  return { runs: 'float_though_quantized', runs_reason: reason };
}

/** Operators with weights in the bodies of If, Loop and Scan, which stay in float. */
function bodyLayers(owner: NodeProto): LayerReport[] {
  return subgraphs(owner).flatMap((body) =>
    body.node.flatMap((node) => [
      ...(isLinear(node)
        ? [
            {
              ...{ name: node.name, op: node.opType, quantized: false, weight: null, inputs: [] },
              ...{ sqnr_db: null, bias_correction: { applied: false, max_shift: 0 } },
              ...{ restored: false, kernel: null, runs: 'subgraph' as const },
              runs_reason: `in a body of ${owner.opType} "${owner.name}", where everything stays in float`,
            },
          ]
        : []),
      ...bodyLayers(node),
    ]),
  );
}

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
