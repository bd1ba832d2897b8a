import type { Graph } from './graph.js';

/** Elements of a tensor; a free first axis counts as one sample. null: not known. */
export function tensorElements(graph: Graph, tensor: string): number | null {
  const dims = graph.type(tensor)?.dims;
  if (dims === null || dims === undefined) return null;
  const sizes = dims.map((dim, axis) => (typeof dim === 'number' && dim > 0 ? dim : axis === 0 ? 1 : null));
  return sizes.includes(null) ? null : (sizes as number[]).reduce((product, size) => product * size, 1);
}
