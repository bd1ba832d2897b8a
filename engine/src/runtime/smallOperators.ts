import type { Graph } from '@quantsmith/model/graph';
import { elementCount, weightBytes, type ModelProto } from '@quantsmith/model/onnx';

/** With larger activations than this many elements a sample keeps a core busy alone. */
const LARGEST_ACTIVATION = 1 << 16;
/** With more bytes of weights than this there are products that threads share well, however small the activations are. */
const MOST_WEIGHTS = 2 ** 20;

/** Whether no activation of a model is large; dimensions that are not known count as one. */
export function hasSmallActivations(graph: Graph): boolean {
  return graph.nodes.every((node) =>
    node.output.every((tensor) => {
      const dims = graph.type(tensor)?.dims ?? [];
      const known = dims.map((dim) => (typeof dim === 'number' && dim > 0 ? dim : 1));
      return elementCount(known) <= LARGEST_ACTIVATION;
    }),
  );
}

/**
 * Whether a model's operators are so small that sharing one among threads takes longer than computing it (two threads took 1.2 to
 * 2.1 times as long as one on ResNet-4b, ResNet-8 and a vision transformer of half a megabyte).
 */
export const hasSmallOperators = (model: ModelProto, graph: Graph): boolean =>
  weightBytes(model) <= MOST_WEIGHTS && hasKnownInputs(graph) && hasSmallActivations(graph);

/** Whether all sizes but the batch's are known: images of any size may be large. */
const hasKnownInputs = (graph: Graph): boolean =>
  graph.inputs.every(
    (name) =>
      graph
        .type(name)
        ?.dims?.slice(1)
        .every((dim) => typeof dim === 'number') === true,
  );
