import type { GraphProto, ModelProto, NodeProto, TensorProto } from '../onnx/onnx_pb.js';
import { subgraphs } from '../onnx/node.js';
import { fail } from '@quantsmith/schemas';

export interface TensorType {
  /** TensorProto.DataType number. */
  readonly elemType: number;
  /** Numbers, or names of free dimensions; null: the rank is not known. */
  readonly dims: readonly (number | string)[] | null;
}

/** One reading of a tensor. */
export interface Reading {
  readonly node: NodeProto;
  readonly input: number;
}

/** An index over a model's main graph; it never changes. Nodes have unique names. */
export interface Graph {
  /** In topological order. */
  readonly nodes: readonly NodeProto[];
  /** Model inputs that have to be fed. */
  readonly inputs: readonly string[];
  /** Whether a tensor is an input with a value of its own, which a caller may replace: no constant. */
  readonly isOptional: (tensor: string) => boolean;
  readonly outputs: readonly string[];
  readonly node: (name: string) => NodeProto | undefined;
  readonly producer: (tensor: string) => NodeProto | undefined;
  readonly consumers: (tensor: string) => readonly Reading[];
  readonly initializer: (tensor: string) => TensorProto | undefined;
  readonly isConstant: (tensor: string) => boolean;
  /** Whether a subgraph (of If, Loop, Scan) reads the tensor from outside. */
  readonly isCaptured: (tensor: string) => boolean;
  readonly type: (tensor: string) => TensorType | undefined;
  readonly rank: (tensor: string) => number | undefined;
}

/** Indexes the main graph. Throws `model-cyclic` when the nodes cannot be ordered. */
export function indexGraph(model: ModelProto, types: ReadonlyMap<string, TensorType> = new Map()): Graph {
  const graph = model.graph!;
  const values = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const inputs = new Set(graph.input.map(({ name }) => name));
  const initializers = new Map([...values].filter(([name]) => !inputs.has(name)));
  const producers = new Map<string, NodeProto>();
  for (const node of graph.node)
    for (const tensor of node.output) if (tensor !== '') producers.set(tensor, node);
  const nodes = topologicalOrder(graph.node, producers);
  const consumers = new Map<string, Reading[]>();
  const captured = new Set<string>();
  for (const node of nodes) {
    node.input.forEach((tensor, input) => {
      if (tensor === '') return;
      const list = consumers.get(tensor) ?? [];
      list.push({ node, input });
      consumers.set(tensor, list);
    });
    for (const tensor of capturedBy(node)) captured.add(tensor);
  }
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const none: readonly Reading[] = [];
  const typeOf = (tensor: string): TensorType | undefined => {
    const constant = values.get(tensor);
    if (constant !== undefined) return { elemType: constant.dataType, dims: constant.dims.map(Number) };
    return types.get(tensor);
  };
  return {
    nodes,
    inputs: [...inputs].filter((name) => !values.has(name)),
    isOptional: (tensor) => inputs.has(tensor) && values.has(tensor),
    outputs: graph.output.map((value) => value.name),
    node: (name) => byName.get(name),
    producer: (tensor) => producers.get(tensor),
    consumers: (tensor) => consumers.get(tensor) ?? none,
    initializer: (tensor) => initializers.get(tensor),
    isConstant: (tensor) => initializers.has(tensor) || producers.get(tensor)?.opType === 'Constant',
    isCaptured: (tensor) => captured.has(tensor),
    type: typeOf,
    rank: (tensor) => typeOf(tensor)?.dims?.length,
  };
}

/** Tensors of the outer graph that a node's subgraphs read. */
export function capturedBy(node: NodeProto): Set<string> {
  const captured = new Set<string>();
  for (const inner of subgraphs(node)) for (const tensor of freeTensors(inner)) captured.add(tensor);
  return captured;
}

function freeTensors(graph: GraphProto): Set<string> {
  const own = new Set([
    ...graph.input.map((value) => value.name),
    ...graph.initializer.map((tensor) => tensor.name),
    ...graph.node.flatMap((node) => node.output),
  ]);
  const read = [
    ...graph.node.flatMap((node) => [...node.input, ...capturedBy(node)]),
    ...graph.output.map((value) => value.name),
  ];
  return new Set(read.filter((tensor) => tensor !== '' && !own.has(tensor)));
}

/** Kahn's algorithm; keeps the file's order as far as the edges allow. */
function topologicalOrder(
  nodes: readonly NodeProto[],
  producers: ReadonlyMap<string, NodeProto>,
): NodeProto[] {
  const position = new Map(nodes.map((node, index) => [node, index]));
  const readers: number[][] = nodes.map(() => []);
  const missing = nodes.map((node, index) => {
    const before = new Set<number>();
    for (const tensor of [...node.input, ...capturedBy(node)]) {
      const producer = producers.get(tensor);
      if (producer !== undefined) before.add(position.get(producer)!);
    }
    for (const earlier of before) readers[earlier]!.push(index);
    return before.size;
  });
  const ready = missing.flatMap((count, index) => (count === 0 ? [index] : []));
  const order: NodeProto[] = [];
  for (let next = 0; next < ready.length; next++) {
    const index = ready[next]!;
    order.push(nodes[index]!);
    for (const reader of readers[index]!) if (--missing[reader]! === 0) ready.push(reader);
  }
  if (order.length < nodes.length) {
    const stuck = nodes.find((_, index) => missing[index]! > 0)!;
    fail('model-cyclic', `The model's graph has a cycle through node "${stuck.name}" (${stuck.opType}).`, {
      data: { node: stuck.name },
    });
  }
  return order;
}
