import type { Graph } from '@quantsmith/model/graph';
import { type NodeProto, isOnnxDomain } from '@quantsmith/model/onnx';
import { has, isLinear, traitOf } from '@quantsmith/model/operators';
import { tableOf } from '@quantsmith/schemas';

/** The inside of fused patterns: whole tensors, and single readings of a tensor that others read from outside. */
export interface Interior {
  readonly tensors: ReadonlySet<string>;
  readonly ports: ReadonlySet<string>;
}
interface Mutable extends Interior {
  readonly tensors: Set<string>;
  readonly ports: Set<string>;
}

const portKey = (node: NodeProto, tensor: string) => `${node.name}\u0000${tensor}`;

/**
 * Edges (tensors) inside fused patterns: no quantizer may stand on them.
 * Patterns: linear or BatchNormalization or elementwise → BatchNormalization / arithmetic with a constant → activation,
 * swish, hard-swish, GELU, and LayerNorm written out as arithmetic.
 */
export function fusedInterior(graph: Graph): Interior {
  const inside: Mutable = { tensors: new Set(), ports: new Set() };
  for (const node of graph.nodes) {
    if (isLinear(node) || has(node, 'affine')) markTail(graph, node, inside);
    if (isOnnxDomain(node)) for (const mark of PATTERNS[node.opType] ?? []) mark(graph, node, inside);
  }

  return inside;
}

/** What to look for around an operator, which is the one that tells the pattern. */
const PATTERNS: Readonly<
  Record<string, readonly ((graph: Graph, node: NodeProto, inside: Mutable) => void)[]>
> = tableOf({ Mul: [markSwish, markHardSwish], Erf: [markGelu], Sqrt: [markLayerNorm] });

/** The only reader of the node's first output, or undefined when there are more, none, or it is a model output. */
function onlyReader(graph: Graph, node: NodeProto): NodeProto | undefined {
  const tensor = node.output[0] ?? '';
  if (graph.outputs.includes(tensor)) return undefined;
  const readers = new Set(graph.consumers(tensor).map((port) => port.node));
  return readers.size === 1 ? [...readers][0] : undefined;
}

const hasConstantOperand = (graph: Graph, node: NodeProto) =>
  node.input.some((input) => input !== '' && graph.isConstant(input));

/** linear (+ BatchNorm) (+ arithmetic with a constant)* : the tensors between them. */
function markTail(graph: Graph, head: NodeProto, inside: Mutable): void {
  let current = head;
  for (;;) {
    const next = onlyReader(graph, current);
    if (next === undefined) return;
    const arithmetic = has(next, 'elementwise') && next.input.length === 2 && hasConstantOperand(graph, next);
    const isSqueezed = isOnnxDomain(next) && next.opType === 'Squeeze' && feedsArithmetic(graph, next);
    if (!arithmetic && !has(next, 'affine') && !isSqueezed) return;
    inside.tensors.add(current.output[0] ?? '');
    current = next;
    if (has(current, 'activation')) return;
  }
}

function feedsArithmetic(graph: Graph, node: NodeProto): boolean {
  const next = onlyReader(graph, node);
  return next !== undefined && has(next, 'elementwise') && hasConstantOperand(graph, next);
}

/** x·sigmoid(x) (also with a scaled sigmoid input): the multiplication's inputs stay float. */
function markSwish(graph: Graph, mul: NodeProto, inside: Mutable): void {
  for (const [gate, x] of operandOrders(mul)) {
    const gateNode = graph.producer(gate);
    if (gateNode === undefined || !has(gateNode, 'gates-itself') || gateNode.input[0] !== x) continue;
    inside.tensors.add(gate);
    inside.ports.add(portKey(mul, x));
    if (traitOf(gateNode, graph) === 'quantizable') inside.ports.add(portKey(gateNode, x));
  }
}

/** x·clip(x + 3, 0, 6)/6 with the division or multiplication before or after the product. */
function markHardSwish(graph: Graph, mul: NodeProto, inside: Mutable): void {
  for (const [gate, x] of operandOrders(mul)) {
    let clip = graph.producer(gate);
    const scale = clip;
    if (isScaling(graph, clip)) clip = graph.producer(variableOperand(graph, clip));
    if (clip?.opType !== 'Clip') continue;
    const add = graph.producer(clip.input[0] ?? '');
    if (add?.opType !== 'Add' || !add.input.includes(x) || !hasConstantOperand(graph, add)) continue;
    inside.tensors.add(gate);
    inside.tensors.add(clip.output[0] ?? '');
    inside.tensors.add(add.output[0] ?? '');
    inside.ports.add(portKey(mul, x));
    inside.ports.add(portKey(add, x));
    if (scale === clip) markScaledProduct(graph, mul, inside);
  }
}

function markScaledProduct(graph: Graph, mul: NodeProto, inside: Mutable): void {
  if (isScaling(graph, onlyReader(graph, mul))) inside.tensors.add(mul.output[0] ?? '');
}

/** A product with a constant, or a quotient. */
function isScaling(graph: Graph, node: NodeProto | undefined): node is NodeProto {
  return node !== undefined && has(node, 'scales') && hasConstantOperand(graph, node);
}

/** 0.5·x·(1 + erf(x/√2)) in any order of the factors. */
function markGelu(graph: Graph, erf: NodeProto, inside: Mutable): void {
  const scaled = graph.producer(erf.input[0] ?? '');
  if (scaled === undefined || !has(scaled, 'scales')) return;
  const x = variableOperand(graph, scaled);
  inside.ports.add(portKey(scaled, x));
  inside.tensors.add(scaled.output[0] ?? '');
  let current = erf;
  // erf → Add 1 → Mul → Mul, where the products take x and ½ in either order
  for (let step = 0; step < 3; step++) {
    const next = onlyReader(graph, current);
    if (next === undefined || !has(next, 'scales-or-shifts')) return;
    inside.tensors.add(current.output[0] ?? '');
    for (const operand of next.input) {
      if (operand === x) inside.ports.add(portKey(next, x));
      const half = graph.producer(operand);
      if (half?.opType === 'Mul' && half.input.includes(x) && hasConstantOperand(graph, half)) {
        inside.tensors.add(operand);
        inside.ports.add(portKey(half, x));
      }
    }

    current = next;
  }
}

/** (x − mean(x)) / sqrt(mean((x − mean(x))²) + ε), found from its Sqrt: all arithmetic in it stays float. */
function markLayerNorm(graph: Graph, sqrt: NodeProto, inside: Mutable): void {
  const add = graph.producer(sqrt.input[0] ?? '');
  const variance = add?.opType === 'Add' ? graph.producer(variableOperand(graph, add)) : undefined;
  if (add === undefined || variance?.opType !== 'ReduceMean') return;
  const square = graph.producer(variance.input[0] ?? '');
  if (square === undefined || (square.opType !== 'Pow' && square.opType !== 'Mul')) return;
  const centred = square.input[0] ?? '';
  const sub = graph.producer(centred);
  for (const tensor of [square.output[0], variance.output[0], add.output[0], sqrt.output[0], centred]) {
    inside.tensors.add(tensor ?? '');
  }

  if (sub?.opType === 'Sub') {
    const x = sub.input[0] ?? '';
    const mean = sub.input[1] ?? '';
    inside.tensors.add(mean);
    inside.ports.add(portKey(sub, x));
    const meanNode = graph.producer(mean);
    if (meanNode?.opType === 'ReduceMean') inside.ports.add(portKey(meanNode, x));
  } else {
    // RMSNorm: the square is of x itself
    inside.tensors.delete(centred);
    inside.ports.add(portKey(square, centred));
  }

  for (const { node } of graph.consumers(sqrt.output[0] ?? '')) markNormalized(graph, node, centred, inside);
}

/** The division (or reciprocal and product) and the scale and shift after it. */
function markNormalized(graph: Graph, divide: NodeProto, centred: string, inside: Mutable): void {
  let current = divide;
  if (divide.opType === 'Reciprocal') {
    inside.tensors.add(divide.output[0] ?? '');
    const product = graph.consumers(divide.output[0] ?? '')[0]?.node;
    if (product === undefined) return;
    current = product;
  }

  inside.ports.add(portKey(current, centred));
  for (;;) {
    const next = onlyReader(graph, current);
    if (next === undefined || !has(next, 'scales-or-shifts') || !hasConstantOperand(graph, next)) return;
    inside.tensors.add(current.output[0] ?? '');
    current = next;
  }
}

function variableOperand(graph: Graph, node: NodeProto): string {
  return node.input.find((input) => input !== '' && !graph.isConstant(input)) ?? '';
}

function operandOrders(node: NodeProto): [string, string][] {
  const [a = '', b = ''] = node.input;
  return [
    [a, b],
    [b, a],
  ];
}

/** Whether the value that `node` reads from `tensor` lies inside a fused pattern, behind whose inside no linear operator stands. */
export function isInside(inside: Interior, node: NodeProto, tensor: string): boolean {
  if (isLinear(node)) return false;
  return inside.tensors.has(tensor) || inside.ports.has(portKey(node, tensor));
}
