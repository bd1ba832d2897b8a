import { buildGraph, type Graph, type GraphBuilder, withBuilt } from '@quantsmith/model/graph';
import { ElementType, type ModelProto } from '@quantsmith/model/onnx';
import { has } from '@quantsmith/model/operators';
import type { HostTensor } from '@quantsmith/model/arrays';

/** A reduction that the runtime computes inside the graph; `axis` null: over all values, −1: the last axis is kept. */
export interface Reduction {
  readonly tensor: string;
  readonly kind: 'min' | 'max' | 'mean';
  readonly axis: number | null;
}

/** Where a reduction is found: columns `start … start + length` of an output; `null`: the whole output. */
interface Place {
  readonly output: string;
  readonly start: number;
  readonly length: number | null;
  /** The output holds the maximum of the negated values. */
  readonly negated: boolean;
}

export interface Augmented {
  readonly model: ModelProto;
  /** A reduction's values, of one that was asked for: one for `axis` null, else one per channel. NaN stays NaN. */
  readonly read: (results: Results, reduction: Reduction) => Float64Array;
}

type Results = Readonly<Record<string, HostTensor>>;

const OPERATOR = { min: 'ReduceMin', max: 'ReduceMax', mean: 'ReduceMean' } as const;

/**
 * The model with reductions of inner tensors as its outputs instead of its own, so that no activation leaves the
 * runtime. Images (float tensors of rank 4) are reduced to one value per channel by pooling, inside the runtime's
 * channel-blocked layout; `readReduction` does the rest. Operator set 13 to 17 reductions take axes as attributes, 18 and
 * later as an input.
 */
export function augmentWithReductions(
  model: ModelProto,
  graph: Graph,
  reductions: readonly Reduction[],
  tensors: readonly string[],
  opset: number,
): Augmented {
  const additions = startAdditions(graph, opset, reductions);
  // The runtime walks back from the outputs and takes nodes with higher numbers first: in this order tensors are reduced
  // soon after they were made, while they are in the processor's caches, and their memory is used again.
  for (const reduction of inOrderOfMaking(graph, reductions).reverse()) addOnce(additions, reduction);
  const outputs = [...new Set(tensors), ...additions.outputs, ...finishPacks(additions)];

  return {
    model: withBuilt(model, [additions.built], outputs),
    read: (results, reduction) => readReduction(results, additions.places.get(reduction)!, reduction),
  };
}

function inOrderOfMaking(graph: Graph, reductions: readonly Reduction[]): Reduction[] {
  const position = new Map(graph.nodes.flatMap((node, index) => node.output.map((name) => [name, index])));
  const positionOf = ({ tensor }: Reduction) => position.get(tensor) ?? -1;
  return [...reductions].sort((a, b) => positionOf(a) - positionOf(b));
}

interface Pack {
  readonly output: string;
  /** Complete groups, and the members of the one that is being filled. */
  readonly groups: string[];
  members: string[];
  /** Columns in all groups. */
  width: number;
}

/** Larger groups have less overhead, smaller ones keep the order in which tensors are reduced. */
const GROUP = 8;

/** What the runtime has reduced, of which all is read that `width` columns of `key`'s matrix hold. */
interface Reduced {
  readonly value: string;
  readonly key: string | number;
  readonly width: number;
  readonly negated: boolean;
}

/** The reductions that are being added. */
interface Additions {
  readonly graph: Graph;
  readonly opset: number;
  readonly built: GraphBuilder;
  /** What is asked for, by what it is. */
  readonly asked: ReadonlyMap<string, Reduction>;
  readonly reduced: Map<Reduction, Reduced>;
  readonly places: Map<Reduction, Place>;
  /** Matrices with one row per image of the batch (by the batch's size), and the one row of what has no batch. */
  readonly packs: Map<string | number, Pack>;
  readonly outputs: string[];
}

/** What tells a reduction from others. */
export const reductionKey = ({ kind, axis, tensor }: Reduction): string =>
  `${kind}\u0000${axis ?? ''}\u0000${tensor}`;

function startAdditions(graph: Graph, opset: number, reductions: readonly Reduction[]): Additions {
  return {
    graph,
    opset,
    built: buildGraph((op, nodes) => `quantsmith_${op}_${nodes}`),
    asked: new Map(reductions.map((reduction) => [reductionKey(reduction), reduction])),
    reduced: new Map(),
    places: new Map(),
    packs: new Map(),
    outputs: [],
  };
}

function addOnce(additions: Additions, reduction: Reduction): void {
  if (additions.places.has(reduction) || addDerived(additions, reduction)) return;
  addReduction(additions, reduction);
}

/**
 * What follows from a reduction of the tensor that this one is made from, if that is asked for, too: values in another order have
 * the same, and a function that rises has its largest value at the largest.
 */
function addDerived(additions: Additions, reduction: Reduction): boolean {
  const { graph, asked, places, reduced, built } = additions;
  const { tensor, kind, axis } = reduction;
  const node = graph.producer(tensor);
  if (node === undefined) return false;
  const moves = axis === null && has(node, 'reshapes');
  if (!moves && !(kind === 'max' && has(node, 'rises'))) return false;
  const source = asked.get(reductionKey({ tensor: node.input[0] ?? '', kind, axis }));
  if (source === undefined) return false;
  addOnce(additions, source);
  const made = reduced.get(source);
  if (moves) places.set(reduction, places.get(source)!);
  else if (made === undefined) return false;
  else pack(additions, reduction, { ...made, value: built.add(node.opType, [made.value]) });

  return true;
}

function addReduction(additions: Additions, reduction: Reduction): void {
  const { tensor, kind, axis } = reduction;
  const dims =
    additions.graph.type(tensor)?.elemType === ElementType.FLOAT ? additions.graph.type(tensor)?.dims : null;

  const [batch, channels, height] = dims ?? [];
  const image =
    dims?.length === 4 && typeof channels === 'number' && channels > 0 && (axis === null || axis === 1);
  if (image && batch !== undefined && height !== undefined) {
    const { value, negated } = perChannel(additions, reduction, channels);
    pack(additions, reduction, { value, key: batch, width: channels, negated });
  } else if (axis === null) {
    const scalar = additions.built.add(OPERATOR[kind], [tensor], { keepdims: 0 });
    const shape = additions.built.ints([1, 1, 1, 1], 'quantsmith_scalar');
    const value = additions.built.add('Reshape', [scalar, shape], {});
    pack(additions, reduction, { value, key: 'row', width: 1, negated: false });
  } else {
    const output = vector(additions, reduction, axis);
    const width = additions.graph.type(tensor)?.dims?.at(axis);
    if (typeof width === 'number' && width > 0) {
      const shape = additions.built.ints([1, -1, 1, 1], 'quantsmith_vector');
      const value = additions.built.add('Reshape', [output, shape], {});
      pack(additions, reduction, { value, key: 'row', width, negated: false });
      return;
    }

    additions.outputs.push(output);
    additions.places.set(reduction, { output, start: 0, length: null, negated: false });
  }
}

/** One value per channel (and image of the batch), still of rank 4. */
function perChannel(additions: Additions, { tensor, kind }: Reduction, channels: number) {
  const pool = kind === 'mean' ? 'GlobalAveragePool' : 'GlobalMaxPool';
  const blocked = isBlocked(additions.graph, tensor);
  if (kind !== 'min' && (blocked || hasPixels(additions.graph, tensor)))
    return { value: additions.built.add(pool, [tensor], {}), negated: false };
  if (!blocked) return { value: reduce(additions, kind, tensor, [2, 3], 1), negated: false };

  // There is no minimum in the channel-blocked layout; a depthwise convolution negates without leaving it.
  const weight = additions.built.constant(
    [channels, 1, 1, 1],
    ElementType.FLOAT,
    new Float32Array(channels).fill(-1),
    `quantsmith_negation_${channels}`,
  );

  const negated = additions.built.add('Conv', [tensor, weight], { group: channels, kernel_shape: [1, 1] });

  return { value: additions.built.add(pool, [negated], {}), negated: true };
}

/** Whether height and width are known not to be empty: the runtime reduces what is empty, but does not pool it. */
const hasPixels = (graph: Graph, tensor: string): boolean =>
  graph
    .type(tensor)
    ?.dims?.slice(2)
    .every((dim) => typeof dim === 'number' && dim > 0) === true;

/** Whether the runtime is likely to hold the tensor in its channel-blocked layout, where convolutions work. */
function isBlocked(graph: Graph, tensor: string, depth = 0): boolean {
  const node = graph.producer(tensor);
  if (node === undefined || depth > 8) return false;
  if (has(node, 'makes-blocks')) return true;
  return (
    has(node, 'keeps-blocks') &&
    node.input.every((input) => graph.isConstant(input) || input === '' || isBlocked(graph, input, depth + 1))
  );
}

/** One value per index of an axis. */
function vector(additions: Additions, { tensor, kind }: Reduction, axis: number): string {
  if (axis === -1) {
    // Flattening up to the last axis works whatever the rank is.
    const flat = additions.built.add('Flatten', [tensor], { axis: -1 });
    return reduce(additions, kind, flat, [0], 0);
  }

  const rank = additions.graph.rank(tensor) ?? 0;
  const others = Array.from({ length: rank }, (_, index) => index).filter((index) => index !== axis);

  return reduce(additions, kind, tensor, others, 0);
}

function reduce(
  additions: Additions,
  kind: Reduction['kind'],
  tensor: string,
  axes: readonly number[],
  keepdims: 0 | 1,
): string {
  if (additions.opset < 18) return additions.built.add(OPERATOR[kind], [tensor], { axes, keepdims });
  const list = additions.built.ints(axes, `quantsmith_axes_${axes.join('_')}`);
  return additions.built.add(OPERATOR[kind], [tensor, list], { keepdims });
}

/** Joins small results into one output: fetching many costs more than computing them. */
function pack(additions: Additions, reduction: Reduction, made: Reduced): void {
  const { value, key, width, negated } = made;
  additions.reduced.set(reduction, made);
  const output = `quantsmith_statistics_${additions.packs.size}`;
  const packed = additions.packs.get(key) ?? { output, groups: [], members: [], width: 0 };
  additions.packs.set(key, packed);
  packed.members.push(value);
  additions.places.set(reduction, {
    output: packed.output,
    start: packed.width,
    length: width,
    negated,
  });
  packed.width += width;
  if (packed.members.length === GROUP) finishGroup(additions, packed);
}

function finishGroup(additions: Additions, target: Pack): void {
  if (target.members.length === 0) return;
  const joined = additions.built.add('Concat', target.members, { axis: 1 });
  // Also keeps the group's place in the order: the runtime replaces what stands before it by nodes of its own.
  const shape = additions.built.ints([0, -1], 'quantsmith_rows');
  target.groups.push(additions.built.add('Reshape', [joined, shape], {}));
  target.members = [];
}

function finishPacks(additions: Additions): string[] {
  return [...additions.packs.values()].map((target) => {
    finishGroup(additions, target);
    const { output, groups } = target;
    return additions.built.add('Concat', groups, { axis: 1 }, output);
  });
}

function readReduction(
  results: Results,
  { output, start, length, negated }: Place,
  reduction: Reduction,
): Float64Array {
  const { data, dims } = results[output]!;
  const values = data as Float32Array;
  if (length === null) return new Float64Array(values);
  const { axis } = reduction;
  const width = dims[1]!;
  const rows = values.length / width;
  if (rows === 0) return new Float64Array(axis === null ? 1 : length).fill(ofNothing(reduction.kind));
  const kind = negated ? 'max' : reduction.kind;
  const rowOf = (row: number) => values.subarray(row * width + start, row * width + start + length);
  // Most are one number of one row: no list is made for it.
  if (axis === null && rows === 1) return Float64Array.of(signed(fold(rowOf(0), kind), negated));
  const all = Array.from({ length: rows }, (_, row) => rowOf(row));
  const channels = foldRows(all, kind);
  const result = axis === null ? Float64Array.of(fold(channels, kind)) : channels;

  return negated ? result.map((value) => -value) : result;
}

const signed = (value: number, negated: boolean) => (negated ? -value : value);

/** What the runtime's reductions give for a tensor without elements. */
function ofNothing(kind: Reduction['kind']): number {
  return { min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY, mean: Number.NaN }[kind];
}

function foldRows(rows: readonly Float32Array[], kind: Reduction['kind']): Float64Array {
  const [first = new Float32Array(0), ...others] = rows;
  if (others.length === 0) return new Float64Array(first);
  const column = new Float64Array(rows.length);
  return Float64Array.from(first, (_, c) => {
    rows.forEach((row, index) => (column[index] = row[c]!));
    return fold(column, kind);
  });
}

/** These loops see every channel of every tensor of every sample. */
function fold(values: Float32Array | Float64Array, kind: Reduction['kind']): number {
  let state = kind === 'mean' ? 0 : values[0]!;
  if (kind === 'mean') {
    for (let i = 0; i < values.length; i++) state += values[i]!;
    return state / values.length;
  }

  for (let i = 1; i < values.length; i++) {
    const value = values[i]!;
    // A comparison with NaN is false: once it is there it stays.
    if (kind === 'min' ? !(value >= state) : !(value <= state)) state = Number.isNaN(state) ? state : value;
  }

  return state;
}
