import { subgraphs } from '../onnx/node.js';
import type { ModelProto } from '../onnx/model.js';
import type { GraphProto } from '../onnx/onnx_pb.js';

/**
 * Gives names that nothing in the model has yet, and gives none twice: `base`, or `base_2`, `base_3` …
 * Bodies of If, Loop and Scan count: a name of the outer graph must not stand in them too.
 */
export function freshNames(model: ModelProto): (base: string) => string {
  const taken = new Set(namesOf(model.graph));
  return (base) => {
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base}_${n}`;
    taken.add(name);
    return name;
  };
}

/** All names of nodes and tensors in a graph and in the graphs inside it. */
export function* namesOf(graph: GraphProto): Generator<string> {
  for (const { name } of [...graph.input, ...graph.output, ...graph.initializer]) yield name;
  for (const node of graph.node) {
    yield node.name;
    yield* node.input;
    yield* node.output;
    for (const inner of subgraphs(node)) yield* namesOf(inner);
  }
}
