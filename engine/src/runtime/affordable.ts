import { tensorElements, type Graph } from '@quantsmith/model/graph';
import { weightBytes, type ModelProto } from '@quantsmith/model/onnx';
import type { Feeds } from './batch.js';

/** Weights and activations that may be read and written in all for next to nothing: some milliseconds. */
const VALUES = 2 ** 24;

/** What one inference costs. */
export interface InferenceCost {
  /** Values that are computed of a sample. */
  readonly activationsEach: number;
  readonly modelBytes: number;
}

/** How many samples a small model runs on for next to nothing, or for this share of it. */
export const affordableSamples = ({ activationsEach, modelBytes }: InferenceCost, share = 1): number =>
  Math.floor((share * VALUES) / (activationsEach + modelBytes / Float32Array.BYTES_PER_ELEMENT));

/** Values that a sample has in all its inputs. */
export const valuesIn = (feeds: Feeds): number =>
  Object.values(feeds).reduce((sum, { data }) => sum + data.length, 0);

/** What an inference of such a sample costs; tensors of unknown size count as large as the inputs. */
export function inferenceCost(
  { model, graph }: { readonly model: ModelProto; readonly graph: Graph },
  feeds: Feeds,
): InferenceCost {
  const unknown = valuesIn(feeds);
  const activationsEach = graph.nodes
    .flatMap(({ output }) => output)
    .reduce((sum, tensor) => sum + (tensorElements(graph, tensor) ?? unknown), 0);

  return { activationsEach, modelBytes: weightBytes(model) };
}
