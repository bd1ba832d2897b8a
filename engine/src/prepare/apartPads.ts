import {
  type ModelProto,
  type NodeProto,
  type TensorProto,
  ElementType,
  intsAttribute,
  isOnnxDomain,
  makeTensor,
  readFloats,
  readInts,
  stringAttribute,
} from '@quantsmith/model/onnx';
import { freshNames, type Graph } from '@quantsmith/model/graph';
import { isNeverNegative } from '@quantsmith/model/operators';
import { withoutUnused } from './foldConstants.js';
import { NEXT_TO_ZERO } from './nextToZero.js';

const [PADS, FILL, AXES] = [1, 2, 3];

/**
 * A Pad with zeros in front of a pooling gets a fill next to zero where ONNX Runtime's optimizer (1.30) would make its pads the
 * pooling's own and so change what is computed: a MaxPool pads with −∞, and of no pooling may the pads be as wide as its kernel.
 */
export function apartPads(model: ModelProto, graph: Graph, dir: string): ModelProto {
  const fresh = freshNames(model);
  return withFills(
    model,
    (node) => isMisread(node, graph, dir),
    (node) => makeTensor(fresh(`${node.name}_fill`), [], ElementType.FLOAT, Float32Array.of(NEXT_TO_ZERO)),
  );
}

/** The model with zeros in those Pads again, as the user's has them; null: it has none. `pads`: their names. */
export function withPadsOfZero(
  model: ModelProto,
  graph: Graph,
  dir: string,
): { readonly form: ModelProto; readonly pads: readonly string[] } | null {
  const isApart = (node: NodeProto) => node.opType === 'Pad' && fillOf(node, graph, dir) === NEXT_TO_ZERO;
  const pads = model.graph.node.filter(isApart).map(({ name }) => name);
  return pads.length === 0 ? null : { form: withFills(model, isApart, () => null), pads };
}

/** The model with another fill, or none, in some of its Pads. */
function withFills(
  model: ModelProto,
  isMeant: (node: NodeProto) => boolean,
  fill: (node: NodeProto) => TensorProto | null,
): ModelProto {
  const constants: TensorProto[] = [];
  let changed = false;
  const node = model.graph.node.map((pad): NodeProto => {
    if (!isMeant(pad)) return pad;
    changed = true;
    const constant = fill(pad);
    if (constant !== null) constants.push(constant);
    return { ...pad, input: [...pad.input.slice(0, FILL), ...(constant === null ? [] : [constant.name])] };
  });
  if (!changed) return model;
  const initializer = [...model.graph.initializer, ...constants];

  return withoutUnused({ ...model, graph: { ...model.graph, node, initializer } });
}

/** Whether the optimizer takes a Pad into the pooling behind it, which then computes something else, or nothing. */
function isMisread(node: NodeProto, graph: Graph, dir: string): boolean {
  const pads = padsUpTo(node, graph, dir);
  const pooling = onlyReader(node, graph);
  if (pads.length === 0 || pooling === undefined || !isOnnxDomain(pooling)) return false;
  if (pooling.opType === 'MaxPool')
    return !isNeverNegative(graph, dir, node.input[0] ?? '') || isTooWide(pads, pooling);
  return pooling.opType === 'AveragePool' && isTooWide(pads, pooling);
}

/** Whether a pooling's pads would be as wide as its kernel with those of the Pads with zeros in front of it. */
function isTooWide(pads: readonly (readonly number[])[], pooling: NodeProto): boolean {
  const kernel = intsAttribute(pooling, 'kernel_shape') ?? [];
  const padding = intsAttribute(pooling, 'pads') ?? [];
  return kernel.some((size, axis) =>
    [1, 2].some((side) => {
      const widths = pads.map((all) => all[(side * all.length) / 2 - kernel.length + axis] ?? 0);
      return widths.reduce((a, b) => a + b, padding[(side - 1) * kernel.length + axis] ?? 0) >= size;
    }),
  );
}

/** The pads of a Pad with zeros, and of those above it that the optimizer would take after it. */
function padsUpTo(node: NodeProto, graph: Graph, dir: string): (readonly number[])[] {
  const pads = zeroPads(node, graph, dir);
  if (pads === null || onlyReader(node, graph) === undefined) return [];
  const above = graph.producer(node.input[0] ?? '');
  return [pads, ...(above === undefined ? [] : padsUpTo(above, graph, dir))];
}

/** Beginnings of all axes, then ends; null: the node is no Pad with zeros, or they are not known. */
function zeroPads(node: NodeProto, graph: Graph, dir: string): number[] | null {
  if (
    node.opType !== 'Pad' ||
    !isOnnxDomain(node) ||
    stringAttribute(node, 'mode', 'constant') !== 'constant'
  )
    return null;
  const pads = graph.initializer(node.input[PADS] ?? '');
  if (pads === undefined || (node.input[AXES] ?? '') !== '') return null;
  if (graph.type(node.input[0] ?? '')?.elemType !== ElementType.FLOAT) return null;
  return fillOf(node, graph, dir) === 0 ? readInts(pads, dir) : null;
}

/** What a Pad fills with, zero where it says nothing; null: it is not known. */
function fillOf(node: NodeProto, graph: Graph, dir: string): number | null {
  const name = node.input[FILL] ?? '';
  const constant = graph.initializer(name);
  if (name === '') return 0;
  return constant?.dataType === ElementType.FLOAT ? (readFloats(constant, dir)[0] ?? null) : null;
}

/** The only node that reads what a node makes; undefined: there are several, or it is an output of the graph. */
function onlyReader(node: NodeProto, graph: Graph): NodeProto | undefined {
  const [tensor = ''] = node.output;
  const readers = graph.consumers(tensor);
  if (readers.length !== 1 || graph.outputs.includes(tensor) || graph.isCaptured(tensor)) return undefined;
  return readers[0]!.node;
}
