import { producersOf, reach, readersOf, type Graph } from '@quantsmith/model/graph';
import { isOnnxDomain, type NodeProto } from '@quantsmith/model/onnx';
import { has, isLinear } from '@quantsmith/model/operators';
import { tableOf } from '@quantsmith/schemas';

/** Nodes that `model_type: transformer` keeps float: element-wise operators and the product after the softmax. */
export function transformerIgnored(graph: Graph, targetDevice: string): ReadonlySet<string> {
  const ignored = new Set<string>();
  for (const node of graph.nodes) {
    if (!isOnnxDomain(node)) continue;
    // Mul stays quantized on Sapphire Rapids.
    const float = has(node, 'transformer-float') || (node.opType === 'Mul' && targetDevice !== 'CPU_SPR');
    if (float || isAttentionOutput(graph, node)) ignored.add(node.name);
  }

  return ignored;
}

/** Products with a weight that has no elements: nothing is multiplied, and ONNX Runtime 1.30's integer Gemm then loses the bias. */
export function emptyIgnored(graph: Graph): ReadonlySet<string> {
  const isEmpty = (tensor: string) => graph.initializer(tensor)?.dims.includes(0n) === true;
  const empty = graph.nodes.filter((node) => isLinear(node) && node.input.slice(0, 2).some(isEmpty));
  return new Set(empty.map(({ name }) => name));
}

/** Softmax → (Reshape) → MatMul whose other operand is a reshaped value. */
function isAttentionOutput(graph: Graph, node: NodeProto): boolean {
  if (node.opType !== 'MatMul') return false;
  return [0, 1].some((side) => {
    let probabilities = graph.producer(node.input[side] ?? '');
    if (probabilities?.opType === 'Reshape') probabilities = graph.producer(probabilities.input[0] ?? '');
    const other = graph.producer(node.input[1 - side] ?? '');
    return (
      probabilities !== undefined &&
      has(probabilities, 'probabilities') &&
      other !== undefined &&
      has(other, 'reshapes-attention')
    );
  });
}

/**
 * Squeeze-and-excitation: global pool → conv → activation → conv → (hard) sigmoid → Mul. The two small convolutions
 * stay float (always); the pool and the product are quantized.
 */
export function squeezeExcitationIgnored(graph: Graph): ReadonlySet<string> {
  const ignored = new Set<string>();
  for (const gate of graph.nodes) {
    if (!has(gate, 'gate')) continue;
    if (!graph.consumers(gate.output[0] ?? '').some((port) => port.node.opType === 'Mul')) continue;
    const second = linearBefore(graph, gate.input[0] ?? '');
    const first = second === undefined ? undefined : linearBefore(graph, second.input[0] ?? '');
    const pool = first === undefined ? undefined : graph.producer(first.input[0] ?? '');
    const squeezes = pool !== undefined && has(pool, 'squeezes');
    if (squeezes && first !== undefined && second !== undefined) {
      ignored.add(first.name);
      ignored.add(second.name);
    }
  }

  return ignored;
}

function linearBefore(graph: Graph, tensor: string): NodeProto | undefined {
  let node = graph.producer(tensor);
  for (let hops = 0; node !== undefined && hops < 4; hops++) {
    if (isLinear(node)) return node;
    if (!has(node, 'between-gates')) return undefined;
    node = graph.producer(node.input[0] ?? '');
  }

  return undefined;
}

/**
 * Post-processing of detectors: everything from the outputs back to the first operators with weights, on paths that
 * contain a TopK or NonMaxSuppression, stays float.
 */
export function postProcessingIgnored(graph: Graph): ReadonlySet<string> {
  const selectors = graph.nodes.filter((node) => has(node, 'selects'));
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

/** Inputs of control-flow operators that decide what is computed: a rounded value next to a threshold takes another branch. */
const DECIDING_INPUTS = tableOf<readonly number[]>({ If: [0], Loop: [0, 1] });

/**
 * The last operators with weights in front of what decides a branch or the rounds of a loop, and all behind them. Empty where
 * nothing else has weights. `others`: further tensors that decide.
 */
export function decidingIgnored(graph: Graph, others: readonly string[] = []): ReadonlySet<string> {
  const tensors = graph.nodes.flatMap((node) =>
    (DECIDING_INPUTS[node.opType] ?? []).map((input) => node.input[input] ?? ''),
  );
  const deciding = [...tensors, ...others].flatMap((tensor) => graph.producer(tensor)?.name ?? []);

  const ignored = reach(deciding, (name) => {
    const node = graph.node(name);
    return node !== undefined && hasWeights(graph, node) ? [] : producersOf(graph, node);
  });
  const leaves = graph.nodes.some((node) => hasWeights(graph, node) && !ignored.has(node.name));

  return leaves ? ignored : new Set();
}

function hasWeights(graph: Graph, node: NodeProto): boolean {
  return isLinear(node) && node.input.some((input) => input !== '' && graph.isConstant(input));
}
