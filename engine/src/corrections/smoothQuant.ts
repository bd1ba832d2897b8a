import type { Graph } from '../graph/graph.js';
import type { PreparedModel } from '../graph/prepare.js';
import { indexGraph } from '../graph/graph.js';
import { inferTypes } from '../graph/types.js';
import { intAttribute, isOnnxDomain, makeNode } from '../onnx/node.js';
import type { ModelProto, NodeProto, TensorProto } from '../onnx/onnx_pb.js';
import { makeTensor, readFloats } from '../onnx/tensor.js';
import type { TensorPlan } from '../statistics/plan.js';

/** Products that read one activation with constant weights of the same depth: they share one vector of scales. */
export interface SmoothGroup {
  readonly tensor: string;
  readonly consumers: readonly SmoothConsumer[];
}
interface SmoothConsumer {
  readonly node: NodeProto;
  readonly weight: TensorProto;
  /** Whether the weight's rows are the input channels (else its columns, as in Gemm with transB). */
  readonly rows: boolean;
}

/** Smallest activation and weight magnitude taken into account. */
const SMALLEST = 1e-5;
const EPSILON = 1.1920929e-7;
const LARGEST_SCALE = 1e2;
const LOW_QUANTILE = 0.1;

/** The groups that SmoothQuant works on. Products whose weight others read too are left out. */
export function smoothGroups(graph: Graph, ignored: ReadonlySet<string>): SmoothGroup[] {
  const groups = new Map<string, SmoothConsumer[]>();
  for (const node of graph.nodes) {
    if (!isOnnxDomain(node) || ignored.has(node.name)) continue;
    const matMul = node.opType === 'MatMul';
    const gemm = node.opType === 'Gemm' && intAttribute(node, 'transA', 0) === 0;
    const [tensor = '', name = ''] = node.input;
    const weight = graph.initializer(name);
    if ((!matMul && !gemm) || weight?.dims.length !== 2 || weight.dataType !== 1) continue;
    if (graph.isConstant(tensor) || graph.consumers(name).length !== 1) continue;
    const rows = matMul || intAttribute(node, 'transB', 0) === 0;
    groups.set(tensor, [...(groups.get(tensor) ?? []), { node, weight, rows }]);
  }
  return [...groups].map(([tensor, consumers]) => ({ tensor, consumers }));
}

/** The largest absolute value of every channel of the groups' activations, over all samples. */
export function magnitudePlan(groups: readonly SmoothGroup[]): TensorPlan[] {
  const side = (statistic: 'min' | 'abs_max', aggregator: 'min' | 'max') => ({
    statistic,
    aggregator,
    probability: 0,
    outlierProbability: 0,
    clip: { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY },
  });
  return groups.map(({ tensor }) => ({
    quantizer: tensor,
    tensor,
    // Products run over the last axis; the rank need not be known.
    axis: -1,
    symmetric: true,
    min: side('min', 'min'),
    max: side('abs_max', 'max'),
  }));
}

/**
 * The scale of each input channel: s = a^α / w^(1 − α), with a the largest absolute activation and w the largest
 * absolute weight of the channel, cut to [0.1-quantile of s, 100]. Each consumer proposes one vector; the one with the
 * largest ratio of smallest to largest scale is taken. Source: SmoothQuant (Xiao et al., 2022) as NNCF applies it.
 */
export function smoothScales(
  group: SmoothGroup,
  largest: Float64Array,
  alpha: number,
  dir: string,
): Float32Array {
  const proposals = group.consumers.map(({ weight, rows }) => {
    const magnitudes = channelMagnitudes(weight, rows, dir);
    const scales = Float64Array.from(largest, (a, c) => {
      const activation = Math.max(a, SMALLEST);
      return activation ** alpha / (Math.max(magnitudes[c]!, SMALLEST) ** (1 - alpha) + EPSILON);
    });
    const low = quantile(scales, LOW_QUANTILE);
    return scales.map((scale) => Math.min(LARGEST_SCALE, Math.max(low, scale)));
  });
  const evenness = (scales: Float64Array) => Math.min(...scales) / Math.max(...scales);
  const best = proposals.reduce((a, b) => (evenness(b) > evenness(a) ? b : a));
  return Float32Array.from(best);
}

function channelMagnitudes(weight: TensorProto, rows: boolean, dir: string): Float64Array {
  const values = readFloats(weight, dir);
  const [height = 0, width = 0] = weight.dims.map(Number);
  const magnitudes = new Float64Array(rows ? height : width);
  values.forEach((value, index) => {
    const channel = rows ? Math.floor(index / width) : index % width;
    magnitudes[channel] = Math.max(magnitudes[channel]!, Math.abs(value));
  });
  return magnitudes;
}

function quantile(values: Float64Array, p: number): number {
  const sorted = values.slice().sort();
  const position = p * (sorted.length - 1);
  const below = Math.floor(position);
  return (
    sorted[below]! + (sorted[Math.min(sorted.length - 1, below + 1)]! - sorted[below]!) * (position - below)
  );
}

/** The model with each group's activation divided by its scales and its weights multiplied by them: the same function. */
export async function applySmoothing(
  prepared: PreparedModel,
  smoothed: readonly { readonly group: SmoothGroup; readonly scales: Float32Array }[],
): Promise<PreparedModel> {
  if (smoothed.length === 0) return prepared;
  const inputs = new Map<NodeProto, string[]>();
  const nodes: NodeProto[] = [];
  const initializers: TensorProto[] = [];
  for (const { group, scales } of smoothed) {
    const base = `${group.tensor}_smooth_quant`;
    initializers.push(
      makeTensor(
        `${base}_scale`,
        [scales.length],
        1,
        scales.map((scale) => 1 / scale),
      ),
    );
    nodes.push(makeNode('Mul', [group.tensor, `${base}_scale`], [base], {}, { name: base }));
    for (const { node, weight, rows } of group.consumers) {
      const name = `${weight.name}_smoothed`;
      initializers.push(scaledWeight(weight, name, scales, rows, prepared.dir));
      inputs.set(node, [base, name, ...node.input.slice(2)]);
    }
  }
  const graph = prepared.model.graph!;
  const replaced = graph.node.map((node) => {
    const input = inputs.get(node);
    return input === undefined ? node : { ...node, input };
  });
  const read = new Set([...replaced, ...nodes].flatMap((node) => node.input));
  const initializer = [...graph.initializer, ...initializers].filter(
    (t) => read.has(t.name) || prepared.graph.isCaptured(t.name),
  );
  const model: ModelProto = {
    ...prepared.model,
    graph: { ...graph, node: [...nodes, ...replaced], initializer },
  };
  const index = indexGraph(model, await inferTypes(model, prepared.dir));
  const ordered = { ...model, graph: { ...model.graph!, node: [...index.nodes] } };
  return { ...prepared, model: ordered, graph: index };
}

function scaledWeight(
  weight: TensorProto,
  name: string,
  scales: Float32Array,
  rows: boolean,
  dir: string,
): TensorProto {
  const dims = weight.dims.map(Number);
  const width = dims[1]!;
  const values = readFloats(weight, dir).map(
    (value, i) => value * scales[rows ? Math.floor(i / width) : i % width]!,
  );
  return makeTensor(name, dims, 1, values);
}
