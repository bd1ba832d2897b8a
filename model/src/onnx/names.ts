import type { ModelProto } from './model.js';
import type { Problem } from '@quantsmith/schemas';

/**
 * A unique name for every node, in the given order: unnamed ones become `<OpType>_<index>` (stable as long as the file
 * is), repeated names get a number.
 */
export function uniqueNodeNames(
  nodes: readonly { readonly name: string; readonly opType: string }[],
): string[] {
  const taken = new Set(nodes.map((node) => node.name));
  const seen = new Set<string>();
  // Where the numbers of a base have got to: thousands of nodes may share one.
  const reached = new Map<string, number>();
  const fresh = (base: string) => {
    let name = base;
    let number = reached.get(base) ?? 2;
    for (; taken.has(name); number++) name = `${base}_${number}`;
    reached.set(base, number);
    taken.add(name);
    return name;
  };

  return nodes.map((node, index) => {
    if (node.name === '') return fresh(`${node.opType}_${index}`);
    if (seen.has(node.name)) return fresh(node.name);
    seen.add(node.name);
    return node.name;
  });
}

/** Gives every node of the main graph a unique name; a repeated name is a warning. The model is not changed. */
export function nameNodes(model: ModelProto): { model: ModelProto; problems: Problem[] } {
  const graph = model.graph;
  const names = uniqueNodeNames(graph.node);
  const problems: Problem[] = [];
  const node = graph.node.map((old, index) => {
    const name = names[index]!;
    if (old.name !== '' && old.name !== name) {
      problems.push({
        code: 'duplicate-node-name',
        severity: 'warning',
        message: `The model has several nodes named "${old.name}"; one of them is called "${name}" here.`,
        data: { name: old.name, renamed: name },
      });
    }

    return old.name === name ? old : { ...old, name };
  });

  return { model: { ...model, graph: { ...graph, node } }, problems };
}
