import { create } from '@bufbuild/protobuf';
import type { Graph } from '../graph/graph.js';
import { makeNode } from '../onnx/node.js';
import { ValueInfoProtoSchema, type ModelProto, type NodeProto } from '../onnx/onnx_pb.js';
import { makeInts } from '../onnx/tensor.js';

/** A reduction that the runtime computes inside the graph; `axis` null: over all values, −1: the last axis is kept. */
export interface Reduction {
  readonly tensor: string;
  readonly kind: 'min' | 'max' | 'mean';
  readonly axis: number | null;
}

export const reductionKey = (reduction: Reduction) =>
  `${reduction.kind}\u0000${reduction.axis ?? ''}\u0000${reduction.tensor}`;

export interface Augmented {
  readonly model: ModelProto;
  /** For each reduction: the output that holds it, and where (a slice of one vector for per-tensor reductions). */
  readonly places: ReadonlyMap<string, { readonly output: string; readonly index: number | null }>;
}

const OPERATOR = { min: 'ReduceMin', max: 'ReduceMax', mean: 'ReduceMean' } as const;
/** Pooling over the whole image reduces inside the runtime's channel-blocked layout, a plain reduction leaves it. */
const POOL = { max: 'GlobalMaxPool', mean: 'GlobalAveragePool' } as const;

/**
 * The model with reductions of inner tensors as its outputs instead of its own, so that no activation leaves the
 * runtime. All per-tensor reductions come out as one vector. Operator set 13 to 17 reductions take axes as attributes,
 * 18 and later as an input.
 */
export function augmentWithReductions(
  model: ModelProto,
  graph: Graph,
  reductions: readonly Reduction[],
  tensors: readonly string[],
  opset: number,
): Augmented {
  const nodes: NodeProto[] = [];
  const places = new Map<string, { output: string; index: number | null }>();
  const scalars: string[] = [];
  const outputs = [...new Set(tensors)];
  const axesInput = 'quantsmith_axes';
  const initializer = [...model.graph!.initializer];
  reductions.forEach((reduction, number) => {
    const base = `quantsmith_reduction_${number}`;
    const pooled = poolFirst(graph, reduction, base, nodes);
    if (reduction.axis === null) {
      // The vector [1] rather than a scalar, so that all of them can be joined.
      const flat = `${base}_flat`;
      nodes.push(makeNode('Reshape', [pooled, `${axesInput}_all`], [flat], {}, { name: flat }));
      nodes.push(
        makeNode(
          OPERATOR[reduction.kind],
          opset >= 18 ? [flat, `${axesInput}_zero`] : [flat],
          [base],
          { ...(opset >= 18 ? {} : { axes: [0] }), keepdims: 1 },
          { name: base },
        ),
      );
      places.set(reductionKey(reduction), { output: 'quantsmith_scalars', index: scalars.length });
      scalars.push(base);
      return;
    }
    const last = reduction.axis === -1;
    // Flattening up to the last axis works whatever the rank is.
    if (last) {
      nodes.push(makeNode('Flatten', [pooled], [`${base}_flat`], { axis: -1 }, { name: `${base}_flat` }));
    }
    const source = last ? `${base}_flat` : pooled;
    const rank = last ? 2 : (graph.rank(reduction.tensor) ?? 0);
    const kept = last ? 1 : reduction.axis;
    const axes = Array.from({ length: rank }, (_, axis) => axis).filter((axis) => axis !== kept);
    places.set(reductionKey(reduction), { output: base, index: null });
    outputs.push(base);
    if (opset < 18) {
      nodes.push(makeNode(OPERATOR[reduction.kind], [source], [base], { axes, keepdims: 0 }, { name: base }));
      return;
    }
    initializer.push(makeInts(`${base}_axes`, axes));
    nodes.push(
      makeNode(OPERATOR[reduction.kind], [source, `${base}_axes`], [base], { keepdims: 0 }, { name: base }),
    );
  });
  if (scalars.length > 0) {
    initializer.push(makeInts(`${axesInput}_all`, [-1]), makeInts(`${axesInput}_zero`, [0]));
    nodes.push(
      makeNode('Concat', scalars, ['quantsmith_scalars'], { axis: 0 }, { name: 'quantsmith_scalars' }),
    );
    outputs.push('quantsmith_scalars');
  }
  const declared = new Map(model.graph!.output.map((value) => [value.name, value]));
  const output = outputs.map((name) => declared.get(name) ?? create(ValueInfoProtoSchema, { name }));
  return {
    model: {
      ...model,
      graph: { ...model.graph!, node: [...model.graph!.node, ...nodes], initializer, output },
    },
    places,
  };
}

/** Reduces an image tensor to one value per channel first, in the runtime's own layout. Returns what to reduce on. */
function poolFirst(graph: Graph, reduction: Reduction, base: string, nodes: NodeProto[]): string {
  const { tensor, kind, axis } = reduction;
  const type = graph.type(tensor);
  const image = graph.rank(tensor) === 4 && type?.elemType === 1 && (axis === null || axis === 1);
  if (!image || kind === 'min') return tensor;
  const pooled = `${base}_pooled`;
  nodes.push(makeNode(POOL[kind], [tensor], [pooled], {}, { name: pooled }));
  return pooled;
}
