import { create } from '@bufbuild/protobuf';
import { type AttributeValue, makeNode, subgraphs } from '../onnx/node.js';
import type { ModelProto } from '../onnx/model.js';
import {
  type GraphProto,
  type NodeProto,
  type OperatorSetIdProto,
  OperatorSetIdProtoSchema,
  type TensorProto,
} from '../onnx/onnx_pb.js';
import { buildGraph } from './builder.js';
import { capturedBy } from './captured.js';
import { freshNames } from './freshNames.js';
import { topologicalOrder } from './order.js';
import { renameReadings } from './rename.js';

/** A model being rewritten: nodes are copied, so that the model it came from never changes. */
export interface GraphRewrite {
  /** A name that nothing in the model has yet: `base`, or `base_2`, `base_3` … */
  readonly freshName: (base: string) => string;
  readonly node: (name: string) => NodeProto | undefined;
  readonly initializer: (name: string) => TensorProto | undefined;
  readonly addInitializer: (tensor: TensorProto) => void;
  readonly addNode: (
    op: string,
    inputs: readonly string[],
    output: string,
    attributes: Readonly<Record<string, AttributeValue>>,
    options: { readonly name: string; readonly domain?: string },
  ) => void;
  /** Makes operands read another tensor. */
  readonly rewire: (ports: readonly { node: string; input: number }[], tensor: string) => void;
  /** Gives the tensor a new name where it is made and wherever it is read: its old name becomes free for an output. */
  readonly renameTensor: (from: string, to: string) => void;
  /** Makes the bodies of If, Loop and Scan read another tensor of this graph. */
  readonly rewireBodies: (from: string, to: string) => void;
  /** The finished model: nodes in topological order, initializers that nothing reads left out. */
  readonly finish: () => ModelProto;
}

export function rewriteGraph(model: ModelProto): GraphRewrite {
  const graph = model.graph;
  const nodes = graph.node.map((node) => ({
    ...node,
    input: [...node.input],
    output: [...node.output],
  }));
  const initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const freshName = freshNames(model);
  const built = buildGraph(freshName);
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const everyNode = () => [...nodes, ...built.nodes];
  // What is built has none.
  const withBodies = nodes.filter((node) => subgraphs(node).length > 0);

  return {
    freshName,
    node: (name) => byName.get(name),
    initializer: (name) => initializers.get(name) ?? built.constants.get(name),
    addInitializer: (tensor) => void built.constants.set(tensor.name, tensor),
    addNode(op, inputs, output, attributes, options) {
      const node = makeNode(op, inputs, [output], attributes, options);
      built.nodes.push(node);
      byName.set(node.name, node);
    },
    rewire(ports, tensor) {
      for (const port of ports) {
        const node = byName.get(port.node);
        if (node === undefined) continue;
        while (node.input.length <= port.input) node.input.push('');
        node.input[port.input] = tensor;
      }
    },
    renameTensor(from, to) {
      const renamed = (name: string) => (name === from ? to : name);
      for (const node of everyNode()) {
        const { input, attribute } = renameReadings(node, renamed);
        node.input = input;
        node.attribute = attribute;
        node.output = node.output.map(renamed);
      }
    },
    rewireBodies(from, to) {
      for (const node of withBodies)
        node.attribute = renameReadings(node, (name) => (name === from ? to : name)).attribute;
    },
    finish: () => ({
      ...model,
      opsetImport: importsOf(model, everyNode()),
      graph: finished(graph, everyNode(), [...initializers.values(), ...built.constants.values()]),
    }),
  };
}

function finished(
  graph: GraphProto,
  nodes: readonly NodeProto[],
  constants: readonly TensorProto[],
): GraphProto {
  const node = topologicalOrder(nodes);
  const read = new Set([
    ...node.flatMap((reader) => [...reader.input, ...capturedBy(reader)]),
    ...graph.output.map(({ name }) => name),
  ]);

  const listed = new Set(graph.input.map(({ name }) => name));
  const initializer = constants.filter(({ name }) => read.has(name) || listed.has(name));

  return { ...graph, node, initializer, valueInfo: [] };
}

/** With the runtime's own operator set where a node is of it. */
function importsOf({ opsetImport }: ModelProto, nodes: readonly NodeProto[]): OperatorSetIdProto[] {
  const domain = 'com.microsoft';
  const isMissing =
    nodes.some((node) => node.domain === domain) && opsetImport.every((entry) => entry.domain !== domain);

  return isMissing
    ? [...opsetImport, create(OperatorSetIdProtoSchema, { domain, version: 1n })]
    : opsetImport;
}
