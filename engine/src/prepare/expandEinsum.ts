import { nameLast, withOwnNames } from './ownNames.js';
import { buildGraph, freshNames, type Graph, type GraphBuilder } from '@quantsmith/model/graph';
import { type ModelProto, type NodeProto, isOnnxDomain, stringAttribute } from '@quantsmith/model/onnx';
import { einsumProduct, type EinsumProduct } from '@quantsmith/model/operators';

/**
 * Products of (stacks of) matrices that are written as Einsum become MatMul. Operands are turned where their axes stand in
 * another order, and axes that are summed over, or are rows or columns, together are joined for it. What depends on constants
 * alone is folded later.
 */
export function expandEinsum(model: ModelProto, graph: Graph): ModelProto {
  const fresh = freshNames(model);
  const built = buildGraph((op) => fresh(op));
  let changed = false as boolean;
  const node = model.graph.node.flatMap((einsum): NodeProto[] => {
    const before = built.nodes.length;
    if (!isEinsum(einsum) || !expand(einsum, graph, built, fresh)) return [einsum];
    changed = true;

    return withOwnNames(built.nodes.slice(before), fresh);
  });

  if (!changed) return model;
  const initializer = [...model.graph.initializer, ...built.constants.values()];

  return { ...model, graph: { ...model.graph, node, initializer } };
}

const isEinsum = (node: NodeProto) =>
  node.opType === 'Einsum' && isOnnxDomain(node) && node.input.length === 2;

/** Adds the nodes of a product; false: it is none, or sizes that it takes are not known. */
function expand(
  einsum: NodeProto,
  graph: Graph,
  built: GraphBuilder,
  fresh: (base: string) => string,
): boolean {
  const [left = '', right = ''] = einsum.input;
  const ranks = [graph.rank(left), graph.rank(right)];
  const product = einsumProduct(stringAttribute(einsum, 'equation', ''), ranks);
  if (product === undefined) return false;
  const plan = planOf(product, sizesOf(product, graph, einsum));
  if (plan === undefined) return false;
  const [output = ''] = einsum.output;
  const steps = (tensor: string, moves: readonly (Move | null)[], last?: string) => {
    const taken = moves.filter((move) => move !== null);
    return taken.reduce((current, move, index) => {
      const name = index === taken.length - 1 && last !== undefined ? last : fresh(`${tensor}_turned`);
      return 'perm' in move
        ? built.add('Transpose', [current], { perm: move.perm }, name)
        : built.add('Reshape', [current, built.ints(move.shape, fresh(`${tensor}_shape`))], {}, name);
    }, tensor);
  };

  const operands = [steps(left, plan.left), steps(right, plan.right)];
  const isLast = plan.result.every((move) => move === null);
  const matMul = built.add('MatMul', operands, {}, isLast ? output : fresh(`${output}_product`));
  nameLast(built, einsum.name);
  steps(matMul, plan.result, output);

  return true;
}

type Move = { readonly perm: readonly number[] } | { readonly shape: readonly number[] };
type Sizes = ReadonlyMap<string, number>;

/** Sizes of axes that are fixed. */
function sizesOf({ left, right }: EinsumProduct, graph: Graph, { input }: NodeProto): Sizes {
  const sizes = new Map<string, number>();
  for (const [index, axes] of [left, right].entries()) {
    const dims = graph.type(input[index] ?? '')?.dims ?? [];
    for (const [position, axis] of axes.entries()) {
      const size = dims[position];
      if (typeof size === 'number') sizes.set(axis, size);
    }
  }

  return sizes;
}

/** How operands and result are turned and reshaped around the MatMul; undefined: more sizes are free than can be. */
function planOf(product: EinsumProduct, sizes: Sizes) {
  const { left, right, result, batch, rows, summed, columns } = product;
  const single = (axes: readonly string[]) => axes.map((axis) => [axis]);
  // One right operand for all rows needs no joining of rows.
  const rowGroups = batch.length === 0 ? single(rows) : [rows];
  const columnGroups = columns.length === 0 ? [] : [columns];
  const productAxes = [...single(batch), ...rowGroups, ...columnGroups];
  const shapes = {
    left: joined([...single(batch), ...rowGroups, summed], sizes),
    right: joined([...single(batch), summed, ...columnGroups], sizes),
    result: parted(productAxes, sizes),
  };

  if (Object.values(shapes).includes(undefined)) return undefined;
  const reshape = (shape: readonly number[] | null | undefined) => (shape ? { shape } : null);

  return {
    left: [turned(left, [...batch, ...rows, ...summed]), reshape(shapes.left)],
    right: [turned(right, [...batch, ...summed, ...columns]), reshape(shapes.right)],
    result: [reshape(shapes.result), turned([...batch, ...rows, ...columns], result)],
  };
}

/** null: the axes stand so already. */
function turned(from: readonly string[], to: readonly string[]): Move | null {
  return from.join() === to.join() ? null : { perm: to.map((axis) => from.indexOf(axis)) };
}

/** The shape that joins each group into one axis; null: all are single. */
function joined(groups: readonly (readonly string[])[], sizes: Sizes): number[] | null | undefined {
  if (groups.every((group) => group.length === 1)) return null;
  const firstJoined = groups.findIndex((group) => group.length > 1);
  // Up to there the axes stand where they stood: 0 takes their size.
  return withOneFree(groups.map((group, index) => (index < firstJoined ? 0 : sizeOf(group, sizes))));
}

/** The shape that parts joined axes again; null: all are single. */
function parted(groups: readonly (readonly string[])[], sizes: Sizes): number[] | null | undefined {
  if (groups.every((group) => group.length === 1)) return null;
  const firstJoined = groups.findIndex((group) => group.length > 1);
  return withOneFree(
    groups.flatMap((group, index) =>
      index < firstJoined ? [0] : group.map((axis) => sizeOf([axis], sizes)),
    ),
  );
}

const FREE = -1;

function sizeOf(group: readonly string[], sizes: Sizes): number {
  const known = group.flatMap((axis) => sizes.get(axis) ?? []);
  return known.length < group.length ? FREE : known.reduce((all, size) => all * size, 1);
}

const withOneFree = (shape: number[]) =>
  shape.filter((size) => size === FREE).length > 1 ? undefined : shape;
