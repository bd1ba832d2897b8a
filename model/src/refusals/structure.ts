import type { ModelFunction, ModelNode, ModelSummary } from '@quantsmith/schemas';
import { isFloatType } from '../onnx/elementTypes.js';
import { isConstantNode, opset, stringAttribute, subgraphs, tensorAttribute } from '../onnx/node.js';
import type { ModelProto } from '../onnx/model.js';
import type { GraphProto, NodeProto } from '../onnx/onnx_pb.js';

/** What of a model decides whether it can be quantized: no weights, no types of activations. */
export interface Structure {
  /** The version of the ONNX operator set; 0: none is stated. */
  readonly opset: number;
  readonly nodes: readonly StructureNode[];
  /** The names of the main graph's inputs. */
  readonly inputs: readonly string[];
  /** The names of its outputs, without those that are constants. */
  readonly outputs: readonly string[];
  /** The model's own functions. */
  readonly functions: readonly StructureFunction[];
}

export type StructureNode = Pick<
  ModelNode,
  'name' | 'op' | 'domain' | 'inputs' | 'outputs' | 'attributes' | 'floatConstants'
> & {
  /** Dims of the constant inputs by input index. */
  readonly constants: Readonly<Record<number, readonly number[]>>;
  readonly bodies: readonly StructureNode[];
};

type StructureFunction = Pick<ModelFunction, 'domain' | 'name'> & {
  readonly nodes: readonly StructureNode[];
};

export function structureOfSummary({ opsets, inputs, outputs, nodes, functions }: ModelSummary): Structure {
  return {
    ...{ opset: opsets['ai.onnx'] ?? 0, nodes, functions },
    inputs: inputs.map(({ name }) => name),
    outputs: outputs.filter(({ constant }) => constant !== true).map(({ name }) => name),
  };
}

export function structureOfModel(model: ModelProto): Structure {
  const { graph } = model;
  const constants: Constants = graph === undefined ? new Map() : constantsOf(graph, new Map());

  return {
    opset: opset(model),
    nodes: nodesOf(graph?.node ?? [], constants),
    inputs: graph?.input.map(({ name }) => name) ?? [],
    outputs: graph?.output.flatMap(({ name }) => (constants.has(name) ? [] : [name])) ?? [],
    functions: model.functions.map(({ domain, name, node }) => ({
      domain,
      name,
      nodes: nodesOf(node, new Map()),
    })),
  };
}

interface Constant {
  readonly dims: readonly number[];
  readonly isFloat: boolean;
}

type Constants = ReadonlyMap<string, Constant>;

function constantsOf({ initializer, sparseInitializer, node }: GraphProto, outer: Constants): Constants {
  const all = new Map(outer);
  const add = (name: string, dims: readonly bigint[], dataType: number) =>
    all.set(name, { dims: dims.map(Number), isFloat: isFloatType(dataType) });

  for (const { name, dims, dataType } of initializer) add(name, dims, dataType);
  for (const { values, dims } of sparseInitializer)
    if (values !== undefined) add(values.name, dims, values.dataType);
  for (const maker of node) {
    const value = isConstantNode(maker) ? tensorAttribute(maker, 'value') : undefined;
    if (value !== undefined) add(maker.output[0] ?? '', value.dims, value.dataType);
  }

  return all;
}

function nodesOf(nodes: readonly NodeProto[], constants: Constants): StructureNode[] {
  return nodes.map((node) => {
    const held = node.input.flatMap((tensor, input) => {
      const constant = constants.get(tensor);
      return constant === undefined ? [] : [{ input, ...constant }];
    });

    return {
      name: node.name,
      op: node.opType,
      domain: node.domain,
      inputs: node.input,
      outputs: node.output,
      // The only one that decides anything.
      attributes: node.opType === 'Einsum' ? { equation: stringAttribute(node, 'equation', '') } : {},
      constants: Object.fromEntries(held.map(({ input, dims }) => [input, dims])),
      floatConstants: held.flatMap(({ input, isFloat }) => (isFloat ? [input] : [])),
      bodies: subgraphs(node).flatMap((body) => nodesOf(body.node, constantsOf(body, constants))),
    };
  });
}
