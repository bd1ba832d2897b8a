import { fail } from '@quantsmith/schemas';
import { isConstantNode } from '../onnx/node.js';
import type { ModelProto } from '../onnx/model.js';
import type { NodeProto, TensorProto } from '../onnx/onnx_pb.js';
import { capturedBy } from './captured.js';
import { depthOrder } from './order.js';

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

/** Indexes the main graph. Throws `model-cyclic` when the nodes cannot be ordered, `model-tensor-twice`
 * where two of them write one tensor: readers of it could go round in circles. */
export function indexGraph(model: ModelProto, types: ReadonlyMap<string, TensorType> = new Map()): Graph {
  const graph = model.graph;
  const values = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const inputs = new Set(graph.input.map(({ name }) => name));
  const initializers = new Map([...values].filter(([name]) => !inputs.has(name)));
  const producers = new Map<string, NodeProto>();
  for (const node of graph.node) {
    for (const tensor of node.output) {
      if (tensor === '') continue;
      if (producers.has(tensor) || values.has(tensor) || inputs.has(tensor)) {
        fail('model-tensor-twice', `The tensor "${tensor}" of the model is defined more than once.`, {
          data: { tensor, node: node.name },
        });
      }

      producers.set(tensor, node);
    }
  }

  const nodes = depthOrder(graph.node);
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
    isConstant(tensor) {
      const producer = producers.get(tensor);
      return initializers.has(tensor) || (producer !== undefined && isConstantNode(producer));
    },
    isCaptured: (tensor) => captured.has(tensor),
    type: typeOf,
    rank: (tensor) => typeOf(tensor)?.dims?.length,
  };
}
