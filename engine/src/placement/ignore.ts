import type { Graph } from '../graph/graph.js';
import { isOnnxDomain } from '../onnx/node.js';
import type { NodeProto } from '../onnx/onnx_pb.js';
import type { ConfigPath, Problem } from '../problem.js';
import { isLinear } from './operators.js';
import { compilePattern } from './pattern.js';

export interface IgnoredScope {
  readonly names: readonly string[];
  readonly patterns: readonly string[];
  readonly types: readonly string[];
  readonly subgraphs: readonly { readonly inputs: readonly string[]; readonly outputs: readonly string[] }[];
  readonly validate: boolean;
}

/** A node of the user's model, and the nodes of the prepared graph that took its place (none: it was folded away). */
export interface NamedNode {
  readonly name: string;
  readonly op: string;
  readonly prepared: readonly string[];
}

const SCOPE_PATH: ConfigPath = ['quantization', 'ignored_scope'];

/**
 * The prepared nodes that an ignored scope names. Patterns match like Python's `re.match`: anchored at the start
 * only, case-sensitive; the engine is linear-time (RE2), so that no pattern can hang a run.
 * Rules that match nothing are errors when `validate` is true, warnings otherwise; all of them are reported.
 */
export function resolveIgnoredScope(
  graph: Graph,
  originals: readonly NamedNode[],
  scope: IgnoredScope,
): { ignored: ReadonlySet<string>; problems: Problem[] } {
  const ignored = new Set<string>();
  const problems: Problem[] = [];
  const severity = scope.validate ? 'error' : 'warning';
  const unmatched = (kind: string, index: number, value: string) =>
    problems.push({
      code: 'ignored-scope-unmatched',
      severity,
      message: `ignored_scope.${kind}: "${value}" matches no node of the model.`,
      configPath: [...SCOPE_PATH, kind, index],
      data: { kind, value },
    });
  const take = (kind: string, index: number, value: string, matches: (node: NamedNode) => boolean) => {
    const found = originals.filter(matches);
    if (found.length === 0) unmatched(kind, index, value);
    for (const node of found) for (const name of node.prepared) ignored.add(name);
  };

  scope.names.forEach((name, i) => take('names', i, name, (node) => node.name === name));
  scope.types.forEach((type, i) => take('types', i, type, (node) => node.op === type));
  scope.patterns.forEach((pattern, i) => {
    const regex = compilePattern(pattern);
    if (typeof regex === 'string') {
      problems.push({
        code: 'ignored-scope-bad-pattern',
        severity: 'error',
        message: `ignored_scope.patterns: "${pattern}" is not a valid regular expression: ${regex}.`,
        configPath: [...SCOPE_PATH, 'patterns', i],
        data: { pattern },
      });
    } else take('patterns', i, pattern, (node) => regex.matcher(node.name).lookingAt());
  });
  scope.subgraphs.forEach((subgraph, i) => {
    const prepared = (names: readonly string[]) =>
      originals.filter((node) => names.includes(node.name)).flatMap((node) => node.prepared);
    const between = nodesBetween(graph, prepared(subgraph.inputs), prepared(subgraph.outputs));
    if (between.size === 0) {
      unmatched('subgraphs', i, `${subgraph.inputs.join(', ')} → ${subgraph.outputs.join(', ')}`);
    }
    for (const name of between) ignored.add(name);
  });
  return { ignored, problems };
}

/** All nodes on any path from one of `inputs` to one of `outputs`, ends included. */
function nodesBetween(graph: Graph, inputs: readonly string[], outputs: readonly string[]): Set<string> {
  const forward = reach(inputs, (name) => readersOf(graph, graph.node(name)));
  const backward = reach(outputs, (name) => producersOf(graph, graph.node(name)));
  return new Set([...forward].filter((name) => backward.has(name)));
}

function reach(from: readonly string[], next: (name: string) => string[]): Set<string> {
  const seen = new Set(from);
  const queue = [...from];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    for (const other of next(name)) {
      if (seen.has(other)) continue;
      seen.add(other);
      queue.push(other);
    }
  }
  return seen;
}

function readersOf(graph: Graph, node: NodeProto | undefined): string[] {
  return (node?.output ?? []).flatMap((tensor) => graph.consumers(tensor).map((port) => port.node.name));
}

function producersOf(graph: Graph, node: NodeProto | undefined): string[] {
  return (node?.input ?? []).flatMap((tensor) => {
    const producer = graph.producer(tensor);
    return producer === undefined ? [] : [producer.name];
  });
}

/** Operators that `model_type: transformer` leaves float (NNCF's list; Mul stays quantized on CPU_SPR). */
const TRANSFORMER_FLOAT = new Set([
  'Add',
  'Pow',
  'Squeeze',
  'Sub',
  'AveragePool',
  'GlobalAveragePool',
  'ReduceMean',
  'ReduceL2',
  'ReduceSum',
  'Div',
  'Max',
  'Sqrt',
  'Reciprocal',
  'BatchNormalization',
  'Greater',
  'Less',
  'Equal',
]);

/** Nodes that `model_type: transformer` keeps float: element-wise operators and the product after the softmax. */
export function transformerIgnored(graph: Graph, targetDevice: string): ReadonlySet<string> {
  const ignored = new Set<string>();
  for (const node of graph.nodes) {
    if (!isOnnxDomain(node)) continue;
    const float = TRANSFORMER_FLOAT.has(node.opType) || (node.opType === 'Mul' && targetDevice !== 'CPU_SPR');
    if (float || isAttentionOutput(graph, node)) ignored.add(node.name);
  }
  return ignored;
}

const ATTENTION_RESHAPES = new Set(['Reshape', 'Transpose', 'Gather', 'Split', 'Squeeze', 'Concat']);

/** Softmax → (Reshape) → MatMul whose other operand is a reshaped value. */
function isAttentionOutput(graph: Graph, node: NodeProto): boolean {
  if (node.opType !== 'MatMul') return false;
  return [0, 1].some((side) => {
    let probabilities = graph.producer(node.input[side] ?? '');
    if (probabilities?.opType === 'Reshape') probabilities = graph.producer(probabilities.input[0] ?? '');
    const other = graph.producer(node.input[1 - side] ?? '');
    return probabilities?.opType === 'Softmax' && other !== undefined && ATTENTION_RESHAPES.has(other.opType);
  });
}

/**
 * Squeeze-and-excitation: global pool → conv → activation → conv → (hard) sigmoid → Mul. The two small convolutions
 * stay float (always); the pool and the product are quantized.
 */
export function squeezeExcitationIgnored(graph: Graph): ReadonlySet<string> {
  const ignored = new Set<string>();
  for (const gate of graph.nodes) {
    if (gate.opType !== 'Sigmoid' && gate.opType !== 'HardSigmoid') continue;
    if (!graph.consumers(gate.output[0] ?? '').some((port) => port.node.opType === 'Mul')) continue;
    const second = linearBefore(graph, gate.input[0] ?? '');
    const first = second === undefined ? undefined : linearBefore(graph, second.input[0] ?? '');
    const pool = first === undefined ? undefined : graph.producer(first.input[0] ?? '');
    const pools = pool?.opType === 'GlobalAveragePool' || pool?.opType === 'ReduceMean';
    if (pools && first !== undefined && second !== undefined) {
      ignored.add(first.name);
      ignored.add(second.name);
    }
  }
  return ignored;
}

const BETWEEN_LINEARS = new Set([
  'Relu',
  'LeakyRelu',
  'PRelu',
  'Sigmoid',
  'Mul',
  'HardSwish',
  'Add',
  'Clip',
  'Reshape',
]);

function linearBefore(graph: Graph, tensor: string): NodeProto | undefined {
  let node = graph.producer(tensor);
  for (let hops = 0; node !== undefined && hops < 4; hops++) {
    if (isLinear(node)) return node;
    if (!BETWEEN_LINEARS.has(node.opType)) return undefined;
    node = graph.producer(node.input[0] ?? '');
  }
  return undefined;
}

/**
 * Post-processing of detectors: everything from the outputs back to the first operators with weights, on paths that
 * contain a TopK or NonMaxSuppression, stays float.
 */
export function postProcessingIgnored(graph: Graph): ReadonlySet<string> {
  const selectors = graph.nodes.filter((n) => n.opType === 'TopK' || n.opType === 'NonMaxSuppression');
  const ignored = new Set<string>();
  if (selectors.length === 0) return ignored;
  const after = reach(
    selectors.map((node) => node.name),
    (name) => readersOf(graph, graph.node(name)),
  );
  const stop = (node: NodeProto | undefined) => node === undefined || hasWeights(graph, node);
  const before = reach(
    selectors.map((node) => node.name),
    (name) => producersOf(graph, graph.node(name)).filter((producer) => !stop(graph.node(producer))),
  );
  for (const name of [...after, ...before]) if (!stop(graph.node(name))) ignored.add(name);
  return ignored;
}

function hasWeights(graph: Graph, node: NodeProto): boolean {
  return isLinear(node) && node.input.some((input) => input !== '' && graph.isConstant(input));
}
