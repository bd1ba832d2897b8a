import type { NodeProto } from '../onnx/onnx_pb.js';
import { append, fail, largest } from '@quantsmith/schemas';
import { capturedBy } from './captured.js';

/**
 * The order of a file: nodes keep theirs as far as the edges allow, and what was added stands right before its first reader.
 * Throws `model-cyclic`.
 */
export function topologicalOrder(nodes: readonly NodeProto[]): NodeProto[] {
  const before = precedents(nodes);
  const [entered, done] = [new Set<NodeProto>(), new Set<NodeProto>()];
  for (const root of nodes) {
    const stack = [root];
    for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
      const waiting = done.has(node) ? [] : before.get(node)!.filter((earlier) => !done.has(earlier));
      if (waiting.length === 0) {
        stack.pop();
        done.add(node);
        continue;
      }

      if (entered.has(node)) cyclic(node);
      entered.add(node);
      append(stack, waiting);
    }
  }

  return [...done];
}

/** The order of an index: by the number of nodes on the longest path to a node, then as in the file. Throws `model-cyclic`. */
export function depthOrder(nodes: readonly NodeProto[]): NodeProto[] {
  const before = precedents(nodes);
  const depths = new Map<NodeProto, number>();
  for (const node of topologicalOrder(nodes))
    depths.set(node, largest([0, ...before.get(node)!.map((earlier) => 1 + depths.get(earlier)!)]));

  return [...nodes].sort((a, b) => depths.get(a)! - depths.get(b)!);
}

function cyclic({ name, opType }: NodeProto): never {
  fail('model-cyclic', `The model's graph has a cycle through node "${name}" (${opType}).`, {
    data: { node: name },
  });
}

/** The nodes whose outputs each node and its subgraphs read, in the order of its readings. */
function precedents(nodes: readonly NodeProto[]): ReadonlyMap<NodeProto, readonly NodeProto[]> {
  const producers = new Map(
    nodes.flatMap((node) => node.output.filter((name) => name !== '').map((name) => [name, node] as const)),
  );

  return new Map(
    nodes.map((node) => [
      node,
      [...node.input, ...capturedBy(node)].flatMap((tensor) => producers.get(tensor) ?? []),
    ]),
  );
}
