import type { Graph, GraphNode } from './graph.js';

/**
 * A layered layout after Sugiyama: layers by the longest path, an order within them by the mean place of neighbours, and
 * places as near to neighbours as their widths allow. Every step is linear in nodes and edges, or nearly, and none recurses:
 * networks are chains of thousands of nodes, on which dagre 3.1 overflows the stack, d3-dag 1.2 takes seconds and elkjs 0.12 ten.
 */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly layers: readonly (readonly Placed[])[];
  readonly edges: readonly Edge[];
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A node of the graph with its centre. */
export type Placed = GraphNode & Point;

export interface Edge {
  readonly from: Placed;
  readonly to: Placed;
  /** The points that it goes through, from the source's border to the target's. */
  readonly route: readonly Point[];
}

export const NODE = { width: 170, height: 40 };
const GAP = { x: 24, y: 40 };
const PITCH = NODE.height + GAP.y;
/** Room that an edge needs where it passes a layer. */
const LANE = 14;
/** Points where edges pass layers; further long edges go straight, which costs nothing. */
const MAX_LANES = 50_000;
const ORDER_SWEEPS = 8;
const PLACE_SWEEPS = 12;

/** What lies in a layer: a node, or a lane where an edge passes. Each step of the layout settles one more of its figures. */
interface Part {
  readonly node: GraphNode | null;
  /** Half of the room that it takes. */
  readonly half: number;
  readonly above: Part[];
  readonly below: Part[];
  layer: number;
  /** Its number in the layer. */
  place: number;
  x: number;
}

const partOf = (node: GraphNode | null, layer = 0): Part => ({
  ...{ node, layer, above: [], below: [], place: 0, x: 0 },
  half: node === null ? LANE / 2 : (NODE.width + GAP.x) / 2,
});

interface Link {
  readonly from: Part;
  readonly to: Part;
}

export function layoutOf({ nodes, edges }: Graph): Layout {
  const parts = new Map(nodes.map((node) => [node, partOf(node)]));
  const links = edges.flatMap(([source, target]) => {
    const [from, to] = [parts.get(source), parts.get(target)];
    return from === undefined || to === undefined ? [] : [{ from, to }];
  });
  rank([...parts.values()], links);
  const chains = chainsOf(links);
  const passages = chains.flatMap((chain) => chain.filter(({ node }) => node === null));
  const layers = layersOf([...parts.values(), ...passages]);
  orderLayers(layers);
  placeLayers(layers);

  return drawn(layers, chains);
}

/** The longest path to each node; edges that close a circle do not count. Nodes without inputs stand above their first reader. */
function rank(parts: readonly Part[], links: readonly Link[]): void {
  const readers = new Map<Part, Part[]>(parts.map((part) => [part, []]));
  const waiting = new Map<Part, number>();
  for (const { from, to } of links) {
    readers.get(from)?.push(to);
    waiting.set(to, (waiting.get(to) ?? 0) + 1);
  }

  const sources = parts.filter((part) => !waiting.has(part));
  const queued = new Set<Part>(sources);
  const walk = (queue: Part[]) => {
    for (const part of queue)
      for (const reader of readers.get(part) ?? []) {
        if (queued.has(reader)) continue;
        const left = (waiting.get(reader) ?? 0) - 1;
        waiting.set(reader, left);
        reader.layer = Math.max(reader.layer, part.layer + 1);
        if (left > 0) continue;
        queued.add(reader);
        queue.push(reader);
      }
  };

  walk([...sources]);
  // What is left lies in circles or behind them: each is entered at its first node.
  for (const part of parts) {
    if (queued.has(part)) continue;
    queued.add(part);
    walk([part]);
  }

  for (const source of sources) {
    const first = (readers.get(source) ?? []).reduce((least, { layer }) => Math.min(least, layer), Infinity);
    if (Number.isFinite(first)) source.layer = first - 1;
  }
}

/** For each edge what it goes through, its ends included; neighbours are linked to each other. */
function chainsOf(links: readonly Link[]): Part[][] {
  const passed = links.reduce((sum, { from, to }) => sum + Math.max(0, to.layer - from.layer - 1), 0);
  return links.map(({ from, to }) => {
    const count = passed > MAX_LANES ? 0 : Math.max(0, to.layer - from.layer - 1);
    const passages = Array.from({ length: count }, (_, index) => partOf(null, from.layer + 1 + index));
    let before = from;
    for (const part of [...passages, to]) {
      part.above.push(before);
      before.below.push(part);
      before = part;
    }

    return [from, ...passages, to];
  });
}

function layersOf(parts: readonly Part[]): Part[][] {
  const depth = parts.reduce((deepest, { layer }) => Math.max(deepest, layer + 1), 0);
  const layers: Part[][] = Array.from({ length: depth }, () => []);
  for (const part of parts) layers[part.layer]?.push(part);
  for (const layer of layers) settle(layer);
  return layers;
}

function settle(layer: readonly Part[]): void {
  for (const [index, part] of layer.entries()) part.place = index;
}

/** Each layer in the order of the mean place of its neighbours in the layer before, downwards and upwards in turn. */
function orderLayers(layers: readonly Part[][]): void {
  sweeps(layers, ORDER_SWEEPS, (layer, neighbours) => {
    const wanted = new Map(
      layer.map((part) => [part, mean(neighbours(part), ({ place }) => place) ?? part.place]),
    );
    layer.sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0) || a.place - b.place);
    settle(layer);
  });
}

/** The horizontal place of each part: as near to the mean of its neighbours as those beside it allow. */
function placeLayers(layers: readonly Part[][]): void {
  for (const layer of layers) {
    const width = layer.reduce((sum, { half }) => sum + 2 * half, 0);
    let edge = -width / 2;
    for (const part of layer) {
      part.x = edge + part.half;
      edge += 2 * part.half;
    }
  }

  sweeps(layers, PLACE_SWEEPS, (layer, neighbours) => {
    const wanted = layer.map((part) => mean(neighbours(part), ({ x }) => x) ?? part.x);
    const places = apart(
      wanted,
      layer.map(({ half }) => half),
    );
    for (const [index, part] of layer.entries()) part.x = places[index] ?? part.x;
  });
}

type Neighbours = (part: Part) => readonly Part[];

/** Goes through the layers downwards, looking up, and upwards, looking down, in turn. */
function sweeps(
  layers: readonly Part[][],
  count: number,
  step: (layer: Part[], neighbours: Neighbours) => void,
): void {
  for (let sweep = 0; sweep < count; sweep++)
    if (sweep % 2 === 0) for (const layer of layers) step(layer, ({ above }) => above);
    else for (const layer of [...layers].reverse()) step(layer, ({ below }) => below);
}

const mean = (parts: readonly Part[], value: (part: Part) => number): number | undefined =>
  parts.length === 0 ? undefined : parts.reduce((sum, part) => sum + value(part), 0) / parts.length;

/**
 * The places nearest to the wanted ones, in the sense of least squares, at which parts in this order do not overlap:
 * isotonic regression of what is left of each place without the room before it, by pooling adjacent violators.
 */
export function apart(wanted: readonly number[], halves: readonly number[]): number[] {
  const offsets: number[] = [];
  let edge = -(halves[0] ?? 0);
  for (const half of halves) {
    offsets.push(edge + half);
    edge += 2 * half;
  }

  const pools: { sum: number; count: number }[] = [];
  for (const [index, value] of wanted.entries()) {
    let pool = { sum: value - (offsets[index] ?? 0), count: 1 };
    for (let last = pools.at(-1); last !== undefined; last = pools.at(-1)) {
      if (last.sum / last.count <= pool.sum / pool.count) break;
      pool = { sum: last.sum + pool.sum, count: last.count + pool.count };
      pools.pop();
    }

    pools.push(pool);
  }

  return pools
    .flatMap(({ sum, count }) => new Array<number>(count).fill(sum / count))
    .map((value, index) => value + (offsets[index] ?? 0));
}

/** The layout from its top left corner. */
function drawn(layers: readonly Part[][], chains: readonly Part[][]): Layout {
  const all = layers.flat();
  const left = all.reduce((least, { x }) => Math.min(least, x), Infinity) - NODE.width / 2;
  const right = all.reduce((largest, { x }) => Math.max(largest, x), -Infinity) + NODE.width / 2;
  const pointOf = ({ x, layer }: Part): Point => ({ x: x - left, y: NODE.height / 2 + layer * PITCH });
  const placed = new Map<Part, Placed>();
  for (const part of all) if (part.node !== null) placed.set(part, { ...part.node, ...pointOf(part) });

  const edges = chains.flatMap((chain) => {
    const [from, to] = [chain[0], chain.at(-1)].map((part) => part && placed.get(part));
    if (from === undefined || to === undefined) return [];
    const half = Math.sign(to.y - from.y) * (NODE.height / 2);
    const route = [
      { x: from.x, y: from.y + half },
      ...chain.slice(1, -1).map(pointOf),
      { x: to.x, y: to.y - half },
    ];
    return [{ from, to, route }];
  });

  return {
    width: Math.max(0, right - left),
    height: Math.max(0, layers.length * PITCH - GAP.y),
    layers: layers.map((layer) => layer.flatMap((part) => placed.get(part) ?? [])),
    edges,
  };
}
