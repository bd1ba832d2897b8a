import type { ModelProto, NodeProto } from '../onnx/onnx_pb.js';
import { isOnnxDomain } from '../onnx/node.js';
import { capturedBy } from './graph.js';

/** Removes Identity and inference-time Dropout nodes; readers take the input. Names of model outputs survive. */
export function dropNoOps(model: ModelProto): ModelProto {
  const graph = model.graph!;
  const outputs = new Set(graph.output.map((value) => value.name));
  const captured = new Set(graph.node.flatMap((node) => [...capturedBy(node)]));
  const read = new Set([...graph.node.flatMap((node) => node.input), ...outputs, ...captured]);
  const replacement = new Map<string, string>();
  const resolve = (name: string): string => {
    const next = replacement.get(name);
    return next === undefined ? name : resolve(next);
  };
  const node: NodeProto[] = [];
  for (const old of graph.node) {
    const input = old.input.map(resolve);
    const [source = ''] = input;
    const [result = ''] = old.output;
    const kept = outputs.has(result) || captured.has(result) || source === '';
    if (copiesInput(old, read) && !kept) replacement.set(result, source);
    else node.push({ ...old, input });
  }
  return { ...model, graph: { ...graph, node } };
}

function copiesInput(node: NodeProto, read: ReadonlySet<string>): boolean {
  if (!isOnnxDomain(node)) return false;
  if (node.opType === 'Identity') return true;
  const trains = (node.input[2] ?? '') !== '';
  return node.opType === 'Dropout' && !trains && !node.output.slice(1).some((mask) => read.has(mask));
}
