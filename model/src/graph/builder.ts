import { ElementType } from '../onnx/elementTypes.js';
import { type AttributeValue, makeNode } from '../onnx/node.js';
import type { ModelProto } from '../onnx/model.js';
import type { NodeProto, TensorProto } from '../onnx/onnx_pb.js';
import { withOutputs } from '../onnx/outputs.js';
import { makeTensor } from '../onnx/tensor.js';

/** Nodes and constants in the making, to be added to a model. */
export interface GraphBuilder {
  readonly nodes: NodeProto[];
  /** By name. */
  readonly constants: Map<string, TensorProto>;
  /** Adds a node of one output, by default with a name of its own, which is returned. */
  readonly add: (
    op: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, AttributeValue>>,
    output?: string,
  ) => string;
  /** Adds a constant, by default with a name of its own, which is returned; one of the same name is replaced. */
  readonly constant: (
    dims: readonly number[],
    type: ElementType,
    values: ArrayBufferView,
    name?: string,
  ) => string;
  /** The same of an int64 vector. */
  readonly ints: (values: readonly number[], name?: string) => string;
}

/** `nameOf` gives names that neither the model nor the builder has yet; the counts are those of what was added so far. */
export function buildGraph(nameOf: (op: string, nodes: number, constants: number) => string): GraphBuilder {
  const nodes: NodeProto[] = [];
  const constants = new Map<string, TensorProto>();
  const fresh = (op: string) => nameOf(op, nodes.length, constants.size);
  const constant: GraphBuilder['constant'] = (dims, type, values, name = fresh('Constant')) => {
    constants.set(name, makeTensor(name, dims, type, values));
    return name;
  };

  return {
    nodes,
    constants,
    add(op, inputs, attributes = {}, output = fresh(op)) {
      nodes.push(makeNode(op, inputs, [output], attributes, { name: output }));
      return output;
    },
    constant,
    ints: (values, name) =>
      constant([values.length], ElementType.INT64, BigInt64Array.from(values.map(BigInt)), name),
  };
}

/** The model with what was built, of which these outputs are all that is wanted. */
export function withBuilt(
  model: ModelProto,
  built: readonly GraphBuilder[],
  outputs: readonly string[],
): ModelProto {
  const graph = model.graph;
  const node = [...graph.node, ...built.flatMap(({ nodes }) => nodes)];
  const initializer = [...graph.initializer, ...built.flatMap(({ constants }) => [...constants.values()])];
  return withOutputs({ ...model, graph: { ...graph, node, initializer } }, outputs);
}
