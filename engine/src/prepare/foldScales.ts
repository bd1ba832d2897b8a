import { capturedBy, freshNames, type Graph } from '@quantsmith/model/graph';
import {
  ElementType,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  elementCount,
  isOnnxDomain,
  makeTensor,
  readFloats,
} from '@quantsmith/model/onnx';
import { withoutUnused } from './foldConstants.js';

/**
 * A number that a product's left operand is multiplied by goes into its constant right operand. ONNX Runtime folds it too, where
 * the operand has other readers into an invalid graph (seen in 1.30 and 1.32).
 */
export function foldScales(model: ModelProto, graph: Graph, dir: string): ModelProto {
  const fresh = freshNames(model);
  const constants: TensorProto[] = [];
  const node = model.graph.node.map((product): NodeProto => {
    const [left = '', right = ''] = product.input;
    const weight = graph.initializer(right);
    if (!isOnnxDomain(product) || product.opType !== 'MatMul' || weight?.dataType !== ElementType.FLOAT)
      return product;
    // A weight that others read would be stored twice.
    if (graph.consumers(right).length > 1 || graph.isCaptured(right)) return product;

    const { source, factor } = unscaled(graph, left, dir);
    if (source === left) return product;
    const scaled = readFloats(weight, dir).map((value) => value * factor);
    const name = fresh(`${right}_scaled`);
    constants.push(makeTensor(name, weight.dims.map(Number), ElementType.FLOAT, scaled));

    return { ...product, input: [source, name] };
  });

  if (constants.length === 0) return model;
  const initializer = [...model.graph.initializer, ...constants];

  return withoutUnused({
    ...model,
    graph: { ...model.graph, node: withoutUnreadProducts(node, graph), initializer },
  });
}

/** The nodes without multiplications that nothing reads any more. */
function withoutUnreadProducts(nodes: readonly NodeProto[], graph: Graph): NodeProto[] {
  const read = new Set([...graph.outputs, ...nodes.flatMap((node) => [...capturedBy(node)])]);
  const order = new Map(graph.nodes.map(({ name }, index) => [name, index]));
  const kept = new Set<NodeProto>();
  for (const node of nodes.toSorted((a, b) => order.get(b.name)! - order.get(a.name)!)) {
    if (node.opType === 'Mul' && !node.output.some((tensor) => read.has(tensor))) continue;
    kept.add(node);
    for (const tensor of node.input) read.add(tensor);
  }

  return nodes.filter((node) => kept.has(node));
}

/** What a tensor was before numbers were multiplied into it, and their product. */
function unscaled(graph: Graph, tensor: string, dir: string): { source: string; factor: number } {
  let [source, factor] = [tensor, 1];
  for (;;) {
    const mul = graph.producer(source);
    if (mul?.opType !== 'Mul' || !isOnnxDomain(mul)) return { source, factor };
    const scalar = mul.input.findIndex((input) => isNumber(graph, input));
    const other = mul.input[1 - scalar];
    const number = scalar < 0 ? undefined : readFloats(graph.initializer(mul.input[scalar]!)!, dir)[0];
    if (number === undefined || other === undefined || !Number.isFinite(Math.fround(factor * number)))
      return { source, factor };

    [source, factor] = [other, factor * number];
  }
}

const isNumber = (graph: Graph, tensor: string) => {
  const constant = graph.initializer(tensor);
  return (
    constant?.dataType === ElementType.FLOAT && constant.dims.length <= 1 && elementCount(constant.dims) === 1
  );
};
