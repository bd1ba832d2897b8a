import { create } from '@bufbuild/protobuf';
import { append } from '@quantsmith/schemas';
import type { ModelProto } from './model.js';
import {
  AttributeProto_AttributeType as Type,
  AttributeProtoSchema,
  NodeProtoSchema,
  type AttributeProto,
  type GraphProto,
  type NodeProto,
  type TensorProto,
} from './onnx_pb.js';

const decoder = new TextDecoder();
const encoder = new TextEncoder();

function attribute(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((candidate) => candidate.name === name);
}

/** An integer attribute; values beyond 2^53 lose precision, which no operator attribute needs. */
export function intAttribute(node: NodeProto, name: string, fallback: number): number {
  const value = attribute(node, name);
  return value === undefined ? fallback : Number(value.i);
}

/** A list of integers. The int64 extremes, which mean "to the end" in Slice, become the largest safe integers. */
export function intsAttribute(node: NodeProto, name: string): number[] | undefined {
  const { MAX_SAFE_INTEGER, MIN_SAFE_INTEGER } = Number;
  return attribute(node, name)?.ints.map((value) =>
    Math.max(MIN_SAFE_INTEGER, Math.min(MAX_SAFE_INTEGER, Number(value))),
  );
}

export function floatAttribute(node: NodeProto, name: string, fallback: number): number {
  return attribute(node, name)?.f ?? fallback;
}

export function floatsAttribute(node: NodeProto, name: string): readonly number[] {
  return attribute(node, name)?.floats ?? [];
}

export function stringAttribute(node: NodeProto, name: string, fallback: string): string {
  const value = attribute(node, name);
  return value === undefined ? fallback : decoder.decode(value.s);
}

export function tensorAttribute(node: NodeProto, name: string): TensorProto | undefined {
  return attribute(node, name)?.t;
}

export type AttributeValue = number | string | readonly number[] | { readonly float: number };

/** A node of the ONNX domain unless another is named. Numbers become INT attributes, `{float}` FLOAT ones. */
export function makeNode(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  options: { name?: string; domain?: string } = {},
): NodeProto {
  return create(NodeProtoSchema, {
    opType,
    input: [...input],
    output: [...output],
    name: options.name ?? '',
    domain: options.domain ?? '',
    attribute: Object.entries(attributes).map(([name, value]) => makeAttribute(name, value)),
  });
}

export function makeAttribute(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === 'number') {
    return create(AttributeProtoSchema, { name, type: Type.INT, i: BigInt(value) });
  }

  if (typeof value === 'string') {
    return create(AttributeProtoSchema, { name, type: Type.STRING, s: encoder.encode(value) });
  }

  if ('float' in value) return create(AttributeProtoSchema, { name, type: Type.FLOAT, f: value.float });

  return create(AttributeProtoSchema, { name, type: Type.INTS, ints: value.map(BigInt) });
}

/** The graphs inside a node (branches of If, bodies of Loop and Scan). */
export function subgraphs(node: NodeProto): GraphProto[] {
  const inside: GraphProto[] = [];
  for (const { g, graphs } of node.attribute) {
    if (g !== undefined) inside.push(g);
    append(inside, graphs);
  }

  return inside;
}

/** The version of a domain that the model imports, or 0. '' and 'ai.onnx' are the same domain. */
export function opset(model: ModelProto, domain = ''): number {
  const imported = model.opsetImport.find((entry) => plainDomain(entry.domain) === plainDomain(domain));
  return imported === undefined ? 0 : Number(imported.version);
}

/** The domain under the shorter of its two names. */
export const plainDomain = (domain: string): string => (domain === 'ai.onnx' ? '' : domain);

/** What tells a function of a model from others. */
export const functionKey = (domain: string, name: string, overload = ''): string =>
  [plainDomain(domain), name, overload].join('\u0000');

export function isConstantNode(node: NodeProto): boolean {
  return node.opType === 'Constant' && isOnnxDomain(node);
}

export function isOnnxDomain(node: Pick<NodeProto, 'domain'>): boolean {
  return plainDomain(node.domain) === '';
}
