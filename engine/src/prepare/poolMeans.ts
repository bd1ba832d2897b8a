import {
  type ModelProto,
  type NodeProto,
  intAttribute,
  intsAttribute,
  isOnnxDomain,
  makeInts,
  makeNode,
  opset,
  readInts,
  type TensorProto,
} from '@quantsmith/model/onnx';
import { freshNames, type Graph } from '@quantsmith/model/graph';
import { withoutUnused } from './foldConstants.js';

/**
 * The mean over height and width of an image becomes a GlobalAveragePool, for which there is an integer kernel; a Squeeze
 * behind it where the mean drops the axes.
 */
export function poolMeans(model: ModelProto, graph: Graph, dir: string): ModelProto {
  const fresh = freshNames(model);
  const constants: TensorProto[] = [];
  let changed = false;
  const node = model.graph.node.flatMap((mean): NodeProto[] => {
    if (!isImageMean(graph, mean, opset(model), dir)) return [mean];
    changed = true;
    const [x = ''] = mean.input;
    const [y = ''] = mean.output;
    if (intAttribute(mean, 'keepdims', 1) === 1)
      return [makeNode('GlobalAveragePool', [x], [y], {}, { name: mean.name })];
    const pooled = fresh(`${y}_pooled`);
    const axes = makeInts(fresh(`${mean.name}_axes`), [2, 3]);
    constants.push(axes);

    return [
      makeNode('GlobalAveragePool', [x], [pooled], {}, { name: mean.name }),
      makeNode('Squeeze', [pooled, axes.name], [y], {}, { name: fresh(`${mean.name}_Squeeze`) }),
    ];
  });

  if (!changed) return model;
  const initializer = [...model.graph.initializer, ...constants];

  return withoutUnused({ ...model, graph: { ...model.graph, node, initializer } });
}

/** Since this operator set the axes are an input. */
const AXES_AS_INPUT = 18;
const FLOAT = 1;

function isImageMean(graph: Graph, node: NodeProto, version: number, dir: string): boolean {
  if (node.opType !== 'ReduceMean' || !isOnnxDomain(node)) return false;
  const [x = '', axesName = ''] = node.input;
  if (graph.rank(x) !== 4 || graph.type(x)?.elemType !== FLOAT) return false;
  // What has no channels or no pixels has a mean of its own kind, but cannot be pooled.
  if (graph.type(x)?.dims?.includes(0) === true) return false;
  const constant = version < AXES_AS_INPUT ? undefined : graph.initializer(axesName);
  const axes = constant === undefined ? intsAttribute(node, 'axes') : readInts(constant, dir);
  const spatial = (axes ?? []).map((axis) => (axis < 0 ? axis + 4 : axis)).sort();
  return spatial.join() === '2,3';
}
