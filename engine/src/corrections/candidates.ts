import type { Graph } from '@quantsmith/model/graph';
import type { NodeProto } from '@quantsmith/model/onnx';
import { isGrouped, isLinear, weightPorts } from '@quantsmith/model/operators';
import type { Placement, Port, WeightQuantizer } from '../placement/types.js';

/** A layer whose bias can be corrected. */
export interface BiasCandidate {
  readonly node: NodeProto;
  readonly weight: WeightQuantizer;
  /** Where the bias is read: the third input of Conv or Gemm, the constant of the Add behind a MatMul. */
  readonly biasPort: Port;
  /** The bias initializer's name, or null when the layer has none (it can be given one at `biasPort`). */
  readonly bias: string | null;
  readonly input: { readonly tensor: string; readonly axis: number };
  readonly output: { readonly tensor: string; readonly axis: number };
}

export interface CandidateOptions {
  /** Also layers without a bias. */
  readonly allNodes: boolean;
  /** Also grouped and depthwise convolutions. */
  readonly grouped: boolean;
  /** Also transposed convolutions. */
  readonly transposed?: boolean;
}

/**
 * The layers that fast bias correction looks at: ungrouped Conv, Gemm and MatMul with a quantized weight and a
 * bias; the options widen that.
 */
export function biasCandidates(
  graph: Graph,
  placement: Placement,
  options: CandidateOptions,
): BiasCandidate[] {
  const weightOf = new Map(
    placement.weights.flatMap((quantizer) =>
      quantizer.targets.filter((port) => port.input === 1).map((port) => [port.node, quantizer] as const),
    ),
  );

  return graph.nodes.flatMap((node) => {
    const weight = weightOf.get(node.name);
    const channels = weightPorts(node)?.channels;
    if (weight === undefined || !isLinear(node) || channels === undefined) return [];
    if (!options.grouped && isGrouped(node)) return [];
    if (options.transposed !== true && node.opType === 'ConvTranspose') return [];
    const location = biasLocation(graph, node);
    if (location === undefined || (location.bias === null && !options.allNodes)) return [];

    return [
      {
        node,
        weight,
        ...location,
        input: { tensor: node.input[0] ?? '', axis: channels },
        output: { tensor: node.output[0] ?? '', axis: channels },
      },
    ];
  });
}

function biasLocation(graph: Graph, node: NodeProto): { biasPort: Port; bias: string | null } | undefined {
  const place = weightPorts(node)?.bias ?? null;
  if (place === null) return undefined;
  if (place !== 'add-behind') {
    const name = node.input[place] ?? '';
    if (name !== '' && graph.initializer(name) === undefined) return undefined;
    return { biasPort: { node: node.name, input: place }, bias: name === '' ? null : name };
  }

  const output = node.output[0] ?? '';
  const readers = graph.consumers(output);
  const [reader] = readers;
  if (reader === undefined || readers.length !== 1 || graph.outputs.includes(output)) return undefined;
  if (reader.node.opType !== 'Add') return undefined;
  const input = reader.node.input.findIndex((tensor) => graph.initializer(tensor) !== undefined);
  const bias = reader.node.input[input];

  return bias === undefined ? undefined : { biasPort: { node: reader.node.name, input }, bias };
}
