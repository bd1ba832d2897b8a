import type { Graph } from '@quantsmith/model/graph';
import {
  ElementType,
  type NodeProto,
  floatAttribute,
  isExternal,
  isOnnxDomain,
  readFloats,
} from '@quantsmith/model/onnx';
import { tableOf } from '@quantsmith/schemas';
import { valueReaders } from './sentinels.js';

/** A function of one number. */
export type ScalarFunction = (x: number) => number;

/** More operators than any activation is written with. */
const MAX_NODES = 12;

const sigmoid = (x = 0) => 1 / (1 + Math.exp(-x));
const clip = (x = 0, low = -Infinity, high = Infinity) => Math.min(Math.max(x, low), high);
const softplus = (x = 0) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** Abramowitz and Stegun, formula 7.1.26: within 1.5e-7. */
function erf(x = 0): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const series =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - series * Math.exp(-x * x));
}

type Compute = (...operands: number[]) => number;

/** An operator without attributes. */
const plain = (compute: Compute) => () => compute;

/** What an operator computes of single numbers, given in the order of its inputs. */
const SCALARS = tableOf<(node: NodeProto) => Compute>({
  Add: plain((a = 0, b = 0) => a + b),
  Sub: plain((a = 0, b = 0) => a - b),
  Mul: plain((a = 0, b = 0) => a * b),
  Div: plain((a = 0, b = 0) => a / b),
  Pow: plain((a = 0, b = 0) => a ** b),
  Relu: plain((x = 0) => Math.max(x, 0)),
  Clip: plain(clip),
  Sigmoid: plain(sigmoid),
  HardSigmoid: (node) => {
    const [alpha, beta] = [floatAttribute(node, 'alpha', 0.2), floatAttribute(node, 'beta', 0.5)];
    return (x = 0) => clip(alpha * x + beta, 0, 1);
  },
  Tanh: plain((x = 0) => Math.tanh(x)),
  Erf: plain(erf),
  Softplus: plain(softplus),
  HardSwish: plain((x = 0) => x * clip(x / 6 + 0.5, 0, 1)),
  Gelu: plain((x = 0) => 0.5 * x * (1 + erf(x / Math.SQRT2))),
  Mish: plain((x = 0) => x * Math.tanh(softplus(x))),
  Swish: (node) => {
    const alpha = floatAttribute(node, 'alpha', 1);
    return (x = 0) => x * sigmoid(alpha * x);
  },
});
/** Of these the whole activation is one operator. */
const WHOLE = new Set(['HardSwish', 'Gelu', 'Mish', 'Swish']);

/**
 * The activation that all readers of a tensor make up, where it is one that multiplies a value with a function of it (swish,
 * hard-swish, GELU, Mish, as one operator or written out), up to that product; null: they are or do something else.
 */
export function selfGatedAt(graph: Graph, tensor: string): ScalarFunction | null {
  const computed = new Map<string, ScalarFunction>([[tensor, (x) => x]]);
  const done = new Set<NodeProto>();
  while (done.size < MAX_NODES) {
    const next = nextOf(graph, computed, done);
    if (next === undefined) return null;
    done.add(next.node);
    const output = next.node.output[0] ?? '';
    computed.set(output, next.result);
    if (next.gates && [...computed.keys()].every((made) => made === output || isInner(graph, made, done)))
      return next.result;
  }

  return null;
}

/** Whether nothing but these operators reads a tensor. */
const isInner = (graph: Graph, tensor: string, readers: ReadonlySet<NodeProto>) =>
  !graph.outputs.includes(tensor) &&
  !graph.isCaptured(tensor) &&
  valueReaders(graph, tensor).every(({ node }) => readers.has(node));

/** The next operator that computes with what is known alone. */
function nextOf(
  graph: Graph,
  computed: ReadonlyMap<string, ScalarFunction>,
  done: ReadonlySet<NodeProto>,
): { node: NodeProto; result: ScalarFunction; gates: boolean } | undefined {
  for (const { node } of [...computed.keys()].flatMap((tensor) => valueReaders(graph, tensor))) {
    const scalar = isOnnxDomain(node) ? SCALARS[node.opType] : undefined;
    if (done.has(node) || scalar === undefined) continue;
    const operands = node.input.map((input) => computed.get(input) ?? constantAt(graph, input));
    if (!operands.every((operand) => operand !== null)) continue;
    const compute = scalar(node);
    const variable = node.input.filter((input) => computed.has(input));
    const gates = WHOLE.has(node.opType) || (node.opType === 'Mul' && new Set(variable).size > 1);

    return { node, gates, result: (x) => compute(...operands.map((operand) => operand(x)!)) };
  }

  return undefined;
}

/** A number of the model; undefined, and so the operator's default, for an input that is left out; null: no single number. */
function constantAt(graph: Graph, tensor: string): ((x: number) => number | undefined) | null {
  if (tensor === '') return () => undefined;
  const constant = graph.initializer(tensor);
  if (constant?.dataType !== ElementType.FLOAT || isExternal(constant)) return null;
  if (constant.dims.some((dim) => dim !== 1n)) return null;
  const [value] = readFloats(constant, '.');
  return () => value;
}
