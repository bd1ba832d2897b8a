import { type ModelProto, type NodeProto, intAttribute, isOnnxDomain } from '@quantsmith/model/onnx';
import { capturedBy, type TensorType } from '@quantsmith/model/graph';

/**
 * Removes what only copies its input: Identity, Dropout at inference, Cast to the type that is there already. Readers
 * take the input; where the copy is a model output, the node before it takes that name.
 */
export function dropNoOps(model: ModelProto, types: ReadonlyMap<string, TensorType> = new Map()): ModelProto {
  const graph = model.graph;
  const outputs = new Set(graph.output.map((value) => value.name));
  const captured = new Set(graph.node.flatMap((node) => [...capturedBy(node)]));
  const read = new Set([...graph.node.flatMap((node) => node.input), ...outputs, ...captured]);
  const produced = new Set(graph.node.flatMap((node) => node.output));
  const renamed = new Map<string, string>();
  const resolve = (name: string): string => {
    const next = renamed.get(name);
    return next === undefined ? name : resolve(next);
  };

  const kept = graph.node.filter((node) => {
    const [result = ''] = node.output;
    const source = resolve(node.input[0] ?? '');
    if (!copiesInput(node, read, types) || source === '' || captured.has(result)) return true;
    if (!outputs.has(result)) {
      renamed.set(result, source);
      return false;
    }

    const free = produced.has(source) && !outputs.has(source) && !captured.has(source);
    if (free) renamed.set(source, result);

    return !free;
  });
  const node = kept.map((old) => ({
    ...old,
    input: old.input.map(resolve),
    output: old.output.map(resolve),
  }));

  return { ...model, graph: { ...graph, node } };
}

function copiesInput(
  node: NodeProto,
  read: ReadonlySet<string>,
  types: ReadonlyMap<string, TensorType>,
): boolean {
  if (!isOnnxDomain(node)) return false;
  if (node.opType === 'Identity') return true;
  if (node.opType === 'Cast') return types.get(node.input[0] ?? '')?.elemType === intAttribute(node, 'to', 0);
  const trains = (node.input[2] ?? '') !== '';
  return node.opType === 'Dropout' && !trains && !node.output.slice(1).some((mask) => read.has(mask));
}
