import {
  type ModelProto,
  type NodeProto,
  type OperatorSetIdProto,
  OperatorSetIdProtoSchema,
  type TensorProto,
  makeNode,
} from '@quantsmith/model/onnx';
import { create } from '@bufbuild/protobuf';
import { capturedBy, freshNames, renameReadings, fileOrder } from '@quantsmith/model/graph';
import type { Port } from '../placement/types.js';

/** A model being rewritten: nodes are copied, so that the model it came from never changes. */
export class Draft {
  private readonly nodes: NodeProto[];
  private readonly byName: Map<string, NodeProto>;
  private readonly initializers: Map<string, TensorProto>;
  /** A name that nothing in the model has yet: `base`, or `base_2`, `base_3` … */
  readonly freshName: (base: string) => string;
  private needsMicrosoftDomain = false;

  constructor(private readonly model: ModelProto) {
    const graph = model.graph!;
    this.nodes = graph.node.map((node) => ({ ...node, input: [...node.input], output: [...node.output] }));
    this.byName = new Map(this.nodes.map((node) => [node.name, node]));
    this.initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
    this.freshName = freshNames(model);
  }

  node(name: string): NodeProto | undefined {
    return this.byName.get(name);
  }

  initializer(name: string): TensorProto | undefined {
    return this.initializers.get(name);
  }

  addInitializer(tensor: TensorProto): void {
    this.initializers.set(tensor.name, tensor);
  }

  addNode(
    opType: string,
    input: string[],
    output: string,
    attributes: Record<string, number> = {},
    options: { name: string; domain?: string },
  ): void {
    const node = makeNode(opType, input, [output], attributes, options);
    if (options.domain === 'com.microsoft') this.needsMicrosoftDomain = true;
    this.nodes.push(node);
    this.byName.set(node.name, node);
  }

  /** Makes the operands read another tensor. */
  rewire(ports: readonly Port[], tensor: string): void {
    for (const port of ports) {
      const node = this.byName.get(port.node);
      if (node === undefined) continue;
      while (node.input.length <= port.input) node.input.push('');
      node.input[port.input] = tensor;
    }
  }

  /** Gives the tensor a new name where it is made and wherever it is read: its old name becomes free for an output. */
  renameTensor(from: string, to: string): void {
    for (const node of this.nodes) {
      const renamed = renameReadings(node, (name) => (name === from ? to : name));
      node.input = renamed.input;
      node.attribute = renamed.attribute;
      node.output = node.output.map((name) => (name === from ? to : name));
    }
  }

  /** Makes the bodies of If, Loop and Scan read another tensor of this graph. */
  rewireBodies(from: string, to: string): void {
    for (const node of this.nodes)
      node.attribute = renameReadings(node, (name) => (name === from ? to : name)).attribute;
  }

  /** The finished model: nodes in topological order, initializers that nothing reads left out. */
  finish(): ModelProto {
    const graph = this.model.graph!;
    const node = fileOrder(this.nodes);
    const read = new Set([
      ...node.flatMap((reader) => [...reader.input, ...capturedBy(reader)]),
      ...graph.output.map((value) => value.name),
    ]);

    const listed = new Set(graph.input.map((value) => value.name));
    const initializer = [...this.initializers.values()].filter(
      ({ name }) => read.has(name) || listed.has(name),
    );

    return {
      ...this.model,
      opsetImport: this.opsets(),
      graph: { ...graph, node, initializer, valueInfo: [] },
    };
  }

  private opsets(): OperatorSetIdProto[] {
    const imports = this.model.opsetImport;
    if (!this.needsMicrosoftDomain || imports.some((entry) => entry.domain === 'com.microsoft'))
      return imports;
    return [...imports, create(OperatorSetIdProtoSchema, { domain: 'com.microsoft', version: 1n })];
  }
}
