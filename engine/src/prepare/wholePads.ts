import {
  type ModelProto,
  type NodeProto,
  isOnnxDomain,
  makeInts,
  readInts,
  type TensorProto,
} from '@quantsmith/model/onnx';
import { freshNames, type Graph } from '@quantsmith/model/graph';
import { withoutUnused } from './foldConstants.js';

const [PADS, AXES] = [1, 3];

/**
 * A Pad of some axes becomes one that names the pads of all: where ONNX Runtime turns the axes of what an integer kernel reads, it
 * makes an invalid graph of the former (a Gather out of bounds, ONNX Runtime 1.30).
 */
export function wholePads(model: ModelProto, graph: Graph, dir: string): ModelProto {
  const fresh = freshNames(model);
  const constants: TensorProto[] = [];
  const node = model.graph.node.map((pad): NodeProto => {
    const pads = padsOfAll(pad, graph, dir);
    if (pads === null) return pad;
    const constant = makeInts(fresh(`${pad.name}_pads`), pads);
    constants.push(constant);
    const value = pad.input[PADS + 1] ?? '';

    return { ...pad, input: [pad.input[0] ?? '', constant.name, ...(value === '' ? [] : [value])] };
  });

  if (constants.length === 0) return model;
  const initializer = [...model.graph.initializer, ...constants];

  return withoutUnused({ ...model, graph: { ...model.graph, node, initializer } });
}

/** Beginnings of all axes, then ends; null: the node is no such Pad, or its pads are not known. */
function padsOfAll(node: NodeProto, graph: Graph, dir: string): number[] | null {
  if (node.opType !== 'Pad' || !isOnnxDomain(node)) return null;
  const rank = graph.rank(node.input[0] ?? '');
  const [pads, axes] = [PADS, AXES].map((input) => graph.initializer(node.input[input] ?? ''));
  if (rank === undefined || pads === undefined || axes === undefined) return null;
  const [amounts, named] = [readInts(pads, dir), readInts(axes, dir)];
  const all = Array.from({ length: 2 * rank }, () => 0);
  named.forEach((stated, index) => {
    const axis = stated < 0 ? stated + rank : stated;
    all[axis] = amounts[index] ?? 0;
    all[rank + axis] = amounts[named.length + index] ?? 0;
  });

  return all;
}
