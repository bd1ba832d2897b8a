import type { Graph } from './graph.js';

/**
 * A layered layout after Sugiyama: layers by the longest path, an order within them by the mean place of neighbours, and
 * places as near to neighbours as their widths allow. Every step is linear in nodes and edges, or nearly, and none recurses: networks are
 * chains of thousands of nodes, in which libraries for small diagrams overflow the stack or take many seconds.
 */
export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Centres of the nodes, and the layer that each lies in. */
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly layers: readonly (readonly number[])[];
  /** For each edge the points that it goes through, from the source's bottom to the target's top. */
  readonly routes: readonly (readonly Point[])[];
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export const NODE = { width: 170, height: 40 };
const GAP = { x: 24, y: 40 };
/** Room that an edge needs where it passes a layer. */
const LANE = 14;
/** Points where edges pass layers; further long edges go straight, which costs nothing. */
const MAX_LANES = 50_000;
const ORDER_SWEEPS = 8;
const PLACE_SWEEPS = 12;

/** What lies in the layers: the graph's nodes, then a lane for each layer that an edge passes. */
interface Parts {
  readonly layer: number[];
  readonly above: number[][];
  readonly below: number[][];
  /** For each edge the parts that it goes through, its ends included. */
  readonly chains: readonly (readonly number[])[];
  readonly nodeCount: number;
}

export function layoutOf(graph: Graph): Layout {
  const parts = partsOf(graph);
  const layers = layersOf(parts);
  orderLayers(layers, parts);
  const x = places(layers, parts);
  const pitch = NODE.height + GAP.y;
  const y = parts.layer.map((layer) => NODE.height / 2 + layer * pitch);
  const left = x.reduce((least, value) => Math.min(least, value), Infinity) - NODE.width / 2;
  const right = x.reduce((largest, value) => Math.max(largest, value), -Infinity) + NODE.width / 2;
  const place = (part: number): Point => ({ x: x[part]! - left, y: y[part]! });

  return {
    width: Math.max(0, right - left),
    height: Math.max(0, layers.length * pitch - GAP.y),
    x: x.slice(0, parts.nodeCount).map((value) => value - left),
    y: y.slice(0, parts.nodeCount),
    layers: layers.map((layer) => layer.filter((part) => part < parts.nodeCount)),
    routes: parts.chains.map((chain) => routeOf(chain.map(place))),
  };
}

/** From the bottom of the upper end to the top of the lower one; an edge against the direction the other way round. */
function routeOf(points: Point[]): Point[] {
  const [from, to] = [points[0]!, points.at(-1)!];
  const half = Math.sign(to.y - from.y) * (NODE.height / 2);
  return [{ x: from.x, y: from.y + half }, ...points.slice(1, -1), { x: to.x, y: to.y - half }];
}

function partsOf({ nodes, edges }: Graph): Parts {
  const layer = ranks(nodes.length, edges);
  const lanes = edges.reduce((sum, [from, to]) => sum + Math.max(0, layer[to]! - layer[from]! - 1), 0);
  const chains = edges.map(([from, to]) => {
    const chain = [from];
    for (let step = layer[from]! + 1; step < layer[to]! && lanes <= MAX_LANES; step++) {
      chain.push(layer.length);
      layer.push(step);
    }

    return [...chain, to];
  });

  const above: number[][] = layer.map(() => []);
  const below: number[][] = layer.map(() => []);
  for (const chain of chains)
    for (let index = 1; index < chain.length; index++) {
      above[chain[index]!]!.push(chain[index - 1]!);
      below[chain[index - 1]!]!.push(chain[index]!);
    }

  return { layer, above, below, chains, nodeCount: nodes.length };
}

/** The longest path to each node; edges that close a circle do not count. Nodes without inputs stand above their first reader. */
function ranks(count: number, edges: Graph['edges']): number[] {
  const readers: number[][] = Array.from({ length: count }, () => []);
  const waiting = new Array<number>(count).fill(0);
  for (const [from, to] of edges) {
    readers[from]!.push(to);
    waiting[to]!++;
  }

  const isSource = waiting.map((inputs) => inputs === 0);
  const rank = new Array<number>(count).fill(0);
  const isDone = new Array<boolean>(count).fill(false);
  const queue = [...isSource.keys()].filter((node) => isSource[node]!);
  let next = 0;
  for (let done = 0; done < count; done++) {
    if (queue.length === done) {
      // A circle: it is entered at its first node.
      while (isDone[next]! || queue.includes(next, done)) next++;
      queue.push(next);
    }

    const node = queue[done]!;
    isDone[node] = true;
    for (const reader of readers[node]!) {
      if (isDone[reader]!) continue;
      rank[reader] = Math.max(rank[reader]!, rank[node]! + 1);
      if (--waiting[reader]! === 0) queue.push(reader);
    }
  }

  return rank.map((value, node) => {
    if (!isSource[node]! || readers[node]!.length === 0) return value;
    return readers[node]!.reduce((least, reader) => Math.min(least, rank[reader]!), Infinity) - 1;
  });
}

function layersOf({ layer }: Parts): number[][] {
  const layers: number[][] = [];
  for (const [part, index] of layer.entries()) (layers[index] ??= []).push(part);
  return Array.from(layers, (parts) => parts ?? []);
}

/** Each layer in the order of the mean place of its neighbours in the layer before, downwards and upwards in turn. */
function orderLayers(layers: number[][], { above, below }: Parts): void {
  const place: number[] = [];
  const settle = (layer: readonly number[]) => {
    for (const [index, part] of layer.entries()) place[part] = index;
  };

  for (const layer of layers) settle(layer);
  for (let sweep = 0; sweep < ORDER_SWEEPS; sweep++) {
    const neighbours = sweep % 2 === 0 ? above : below;
    for (const layer of sweep % 2 === 0 ? layers : [...layers].reverse()) {
      const wanted = new Map(layer.map((part) => [part, mean(neighbours[part]!, place) ?? place[part]!]));
      layer.sort((a, b) => wanted.get(a)! - wanted.get(b)! || place[a]! - place[b]!);
      settle(layer);
    }
  }
}

const mean = (parts: readonly number[], values: readonly number[]): number | undefined =>
  parts.length === 0 ? undefined : parts.reduce((sum, part) => sum + values[part]!, 0) / parts.length;

/** The horizontal place of each part: as near to the mean of its neighbours as those beside it allow. */
function places(layers: readonly (readonly number[])[], { above, below, nodeCount }: Parts): number[] {
  const half = (part: number) => (part < nodeCount ? (NODE.width + GAP.x) / 2 : LANE / 2);
  const x: number[] = [];
  for (const layer of layers) {
    let edge = 0;
    for (const part of layer) {
      x[part] = edge + half(part);
      edge += 2 * half(part);
    }

    for (const part of layer) x[part]! -= edge / 2;
  }

  for (let sweep = 0; sweep < PLACE_SWEEPS; sweep++) {
    const downwards = sweep % 2 === 0;
    const neighbours = downwards ? above : below;
    for (const layer of downwards ? layers : [...layers].reverse()) {
      const wanted = layer.map((part) => mean(neighbours[part]!, x) ?? x[part]!);
      for (const [index, value] of apart(wanted, layer.map(half)).entries()) x[layer[index]!] = value;
    }
  }

  return x;
}

/**
 * The places nearest to the wanted ones, in the sense of least squares, at which parts in this order do not overlap:
 * isotonic regression of what is left of each place without the room before it, by pooling adjacent violators.
 */
export function apart(wanted: readonly number[], halves: readonly number[]): number[] {
  const offsets: number[] = [];
  for (const [index, half] of halves.entries())
    offsets.push(index === 0 ? 0 : offsets[index - 1]! + halves[index - 1]! + half);

  const pools: { sum: number; count: number }[] = [];
  for (const [index, value] of wanted.entries()) {
    let pool = { sum: value - offsets[index]!, count: 1 };
    for (let last = pools.at(-1); last !== undefined; last = pools.at(-1)) {
      if (last.sum / last.count <= pool.sum / pool.count) break;
      pool = { sum: last.sum + pool.sum, count: last.count + pool.count };
      pools.pop();
    }

    pools.push(pool);
  }

  return pools
    .flatMap(({ sum, count }) => new Array<number>(count).fill(sum / count))
    .map((value, index) => value + offsets[index]!);
}
