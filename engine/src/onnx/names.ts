import type { ModelProto } from './onnx_pb.js';
import type { Problem } from '../problem.js';

/**
 * Gives every node of the main graph a unique name: unnamed ones become `<OpType>_<index>` (stable as long as the file
 * is), repeated names get a number. The model is not changed.
 */
export function nameNodes(model: ModelProto): { model: ModelProto; problems: Problem[] } {
  const graph = model.graph!;
  const taken = new Set(graph.node.map((node) => node.name));
  const seen = new Set<string>();
  const problems: Problem[] = [];
  const fresh = (base: string) => {
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base}_${n}`;
    taken.add(name);
    return name;
  };
  const node = graph.node.map((old, index) => {
    if (old.name === '') return { ...old, name: fresh(`${old.opType}_${index}`) };
    if (!seen.has(old.name)) {
      seen.add(old.name);
      return old;
    }
    const name = fresh(old.name);
    problems.push({
      code: 'duplicate-node-name',
      severity: 'warning',
      message: `The model has several nodes named "${old.name}"; one of them is called "${name}" here.`,
      data: { name: old.name, renamed: name },
    });
    return { ...old, name };
  });
  return { model: { ...model, graph: { ...graph, node } }, problems };
}
