import { ElementType } from '../onnx/elementTypes.js';
import { intsAttribute } from '../onnx/node.js';
import type { NodeProto, TensorProto } from '../onnx/onnx_pb.js';
import { makeInts, makeTensor } from '../onnx/tensor.js';

/** What an adapter may use: unique names, new initializers, and what is known of a tensor. */
export interface UpgradeContext {
  readonly fresh: (base: string) => string;
  readonly addInitializer: (tensor: TensorProto) => void;
  readonly rank: (tensor: string) => number | undefined;
  /** The values of a constant float tensor. */
  readonly floats: (tensor: string) => readonly number[] | undefined;
  /** Whether any node, subgraph or model output reads the tensor. */
  readonly isRead: (tensor: string) => boolean;
  readonly problem: (node: NodeProto, reason: string) => void;
}

/** Replaces a node that was valid in version `to` − 1 by nodes with equal outputs in version `to`. */
export type Adapter = (node: NodeProto, context: UpgradeContext) => NodeProto[];

/** The node's attributes but these. */
export const without = (node: NodeProto, ...names: string[]) =>
  node.attribute.filter((attribute) => !names.includes(attribute.name));

export const has = (node: NodeProto, name: string) =>
  node.attribute.some((attribute) => attribute.name === name);

/** An int64 vector initializer; returns its name. */
export function addInts(
  node: NodeProto,
  role: string,
  values: readonly number[],
  context: UpgradeContext,
): string {
  const name = context.fresh(`${node.name}_${role}`);
  context.addInitializer(makeInts(name, values));
  return name;
}

/** A float scalar initializer; returns its name. */
export function addFloat(node: NodeProto, role: string, value: number, context: UpgradeContext): string {
  const name = context.fresh(`${node.name}_${role}`);
  context.addInitializer(makeTensor(name, [], ElementType.FLOAT, Float32Array.of(value)));
  return name;
}

/** Sets input `index`, filling skipped optional inputs with the empty name, and drops attributes. */
export function withInput(node: NodeProto, index: number, tensor: string, dropped: string[]): NodeProto[] {
  const input = [...node.input];
  while (input.length <= index) input.push('');
  input[index] = tensor;
  return [{ ...node, input, attribute: without(node, ...dropped) }];
}

export const dropAttributes =
  (...names: string[]): Adapter =>
  (node) => [{ ...node, attribute: without(node, ...names) }];

/** An attribute with a vector of integers that became an input. */
export const intsToInput =
  (attribute: string, index: number): Adapter =>
  (node, context) => {
    const values = intsAttribute(node, attribute);
    if (values === undefined) return [node];
    return withInput(node, index, addInts(node, attribute, values, context), [attribute]);
  };
