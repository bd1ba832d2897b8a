import { append } from '@quantsmith/schemas';
import {
  ElementType,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  elementCount,
  intAttribute,
  isOnnxDomain,
  makeNode,
} from '@quantsmith/model/onnx';
import { has } from '@quantsmith/model/operators';
import { withoutUnused } from './foldConstants.js';
import { freshNames, type Graph } from '@quantsmith/model/graph';

/**
 * MatMul of a matrix with a constant, followed by the addition of a constant row, becomes one Gemm (which has an
 * integer kernel with its bias inside). The Gemm keeps the MatMul's name and takes the Add's output name. A
 * convolution followed by a per-channel constant takes it as its bias.
 */
export function fuseGemms(model: ModelProto, graph: Graph): ModelProto {
  const fresh = freshNames(model);
  const changed = new Map<NodeProto, NodeProto | null>();
  const added: TensorProto[] = [];
  for (const node of graph.nodes) {
    if (!isOnnxDomain(node) || changed.has(node)) continue;
    const add = onlyAdd(graph, node);
    if (add === undefined) continue;
    const fused =
      node.opType === 'MatMul'
        ? asGemm(graph, node, add, fresh)
        : has(node, 'convolution')
          ? withBias(graph, node, add, fresh)
          : undefined;

    if (fused === undefined) continue;
    changed.set(node, fused.node);
    append(added, fused.initializers);
    changed.set(add.node, null);
  }

  if (changed.size === 0) return model;
  const nodes = model.graph.node.flatMap((old) => {
    const now = changed.get(old);
    return now === undefined ? [old] : now === null ? [] : [now];
  });

  const initializer = [...model.graph.initializer, ...added];

  return withoutUnused({ ...model, graph: { ...model.graph, node: nodes, initializer } });
}

interface Fused {
  readonly node: NodeProto;
  readonly initializers: readonly TensorProto[];
}

interface Addition {
  readonly node: NodeProto;
  /** The constant operand. */
  readonly constant: string;
}

/** The addition of a constant that is the only reader of the node's output. */
function onlyAdd(graph: Graph, node: NodeProto): Addition | undefined {
  const output = node.output[0] ?? '';
  const readers = graph.consumers(output);
  const [reader] = readers;
  if (
    reader === undefined ||
    readers.length !== 1 ||
    graph.outputs.includes(output) ||
    graph.isCaptured(output)
  )
    return undefined;
  if (reader.node.opType !== 'Add' || !isOnnxDomain(reader.node)) return undefined;
  const constant = reader.node.input.find((tensor) => graph.initializer(tensor) !== undefined);

  return constant === undefined ? undefined : { node: reader.node, constant };
}

function asGemm(
  graph: Graph,
  matMul: NodeProto,
  add: Addition,
  fresh: (base: string) => string,
): Fused | undefined {
  const [a = '', b = ''] = matMul.input;
  const weight = graph.initializer(b);
  const bias = graph.initializer(add.constant);
  if (
    graph.rank(a) !== 2 ||
    weight?.dims.length !== 2 ||
    weight.dataType !== ElementType.FLOAT ||
    bias === undefined
  )
    return undefined;
  const columns = Number(weight.dims[1]);
  const isRow =
    elementCount(bias.dims) === columns &&
    Number(bias.dims.at(-1) ?? 0n) === columns &&
    bias.dims.length <= 2;

  if (!isRow) return undefined;
  const row =
    bias.dims.length === 1 ? bias : { ...bias, name: fresh(`${bias.name}_row`), dims: [BigInt(columns)] };

  const node = makeNode('Gemm', [a, b, row.name], [add.node.output[0] ?? ''], {}, { name: matMul.name });

  return { node, initializers: row === bias ? [] : [row] };
}

function withBias(
  graph: Graph,
  conv: NodeProto,
  add: Addition,
  fresh: (base: string) => string,
): Fused | undefined {
  if ((conv.input[2] ?? '') !== '') return undefined;
  const weight = graph.initializer(conv.input[1] ?? '');
  const bias = graph.initializer(add.constant);
  if (weight === undefined || bias === undefined) return undefined;
  // A transposed convolution's weight is [in, out per group, …].
  const channels =
    conv.opType === 'Conv' ? Number(weight.dims[0]) : Number(weight.dims[1]) * intAttribute(conv, 'group', 1);

  const spatial = weight.dims.length - 2;
  const dims = bias.dims.map(Number);
  // [C, 1, 1] or [1, C, 1, 1]: anything else is no bias.
  const tail = dims.slice(-spatial - 1);
  const perChannel =
    tail.length === spatial + 1 && tail[0] === channels && tail.slice(1).every((dim) => dim === 1);

  if (!perChannel || elementCount(dims) !== channels || dims.length > spatial + 2) return undefined;
  const name = fresh(`${add.constant}_as_bias_of_${conv.name}`);
  const input = [conv.input[0] ?? '', conv.input[1] ?? '', name];

  return {
    node: { ...conv, input, output: [add.node.output[0] ?? ''] },
    initializers: [{ ...bias, name, dims: [BigInt(channels)] }],
  };
}
