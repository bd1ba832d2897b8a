import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blocksOf, graphOf, type Folding, type Source } from '../src/graph/graph.js';
import { apart, layoutOf, NODE } from '../src/graph/layout.js';
import { createScene, viewOf, zoomed } from '../src/graph/scene.js';

const OPEN: Folding = { depth: 0, opened: new Set(), closed: new Set() };

/** A chain with a skip over every fourth node, as residual networks have them. */
const chain = (count: number): Source[] =>
  Array.from({ length: count }, (_, index) => ({
    name: `/block${Math.floor(index / 4)}/node${index}`,
    op: 'Conv',
    inputs: [`t${index - 1}`, ...(index % 4 === 3 ? [`t${index - 4}`] : [])],
    outputs: [`t${index}`],
    weights: '',
    run: null,
  }));

describe('the graph of a model', () => {
  it('has an edge for each tensor that a node gives another, and no constants', () => {
    const constant = { ...chain(1)[0]!, name: 'c', op: 'Constant', inputs: [], outputs: ['t1'] };
    const { nodes, edges } = graphOf([constant, ...chain(4)], OPEN);
    expect(nodes.map(({ id }) => id)).toEqual(chain(4).map(({ name }) => name));
    expect(edges.map((ends) => ends.map(({ id }) => id.slice(-5)))).toEqual([
      ['node0', 'node1'],
      ['node1', 'node2'],
      ['node2', 'node3'],
    ]);
  });

  it('collapses blocks by the names of what is in them', () => {
    expect(blocksOf('/a/b.0/Conv')).toEqual(['/a', '/a/b', '/a/b.0']);
    const folded = graphOf(chain(8), { ...OPEN, depth: 1 });
    expect(folded.nodes).toMatchObject([
      { id: '/block0', count: 4, detail: '4 nodes' },
      { id: '/block1', count: 4 },
    ]);
    expect(folded.edges).toEqual([[folded.nodes[0], folded.nodes[1]]]);
    expect(graphOf(chain(8), { ...OPEN, depth: 1, opened: new Set(['/block0']) }).nodes).toHaveLength(5);
    expect(graphOf(chain(8), { ...OPEN, closed: new Set(['/block1']) }).nodes).toHaveLength(5);
  });
});

describe('its layout', () => {
  const node = (id: number) => ({ id: String(id), title: 'Conv', detail: '', kind: null, count: 1 });
  // Any edges at all: a collapsed graph may have circles.
  const graphs = fc.integer({ min: 1, max: 40 }).chain((count) =>
    fc
      .uniqueArray(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), {
        maxLength: 80,
        selector: ([from, to]) => `${from} ${to}`,
      })
      .map((pairs) => {
        const nodes = Array.from({ length: count }, (_, index) => node(index));
        const edges = pairs.flatMap(([from, to]) =>
          from === to ? [] : [[nodes[from]!, nodes[to]!] as const],
        );
        return { nodes, edges };
      }),
  );

  it('places every node in the plane, none over another, whatever the edges are', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const { layers, width, height, edges } = layoutOf(graph);
        expect(layers.flat().map(({ id }) => id)).toHaveLength(graph.nodes.length);
        expect(new Set(layers.flat().map(({ id }) => id)).size).toBe(graph.nodes.length);
        expect(edges).toHaveLength(graph.edges.length);
        for (const layer of layers)
          for (const [index, { x, y }] of layer.entries()) {
            expect(x).toBeGreaterThanOrEqual(NODE.width / 2 - 1e-6);
            expect(x).toBeLessThanOrEqual(width - NODE.width / 2 + 1e-6);
            expect(y).toBeLessThanOrEqual(height - NODE.height / 2 + 1e-6);
            if (index > 0) expect(x - layer[index - 1]!.x).toBeGreaterThanOrEqual(NODE.width - 1e-6);
          }
      }),
    );
  });

  it('puts what reads below what it reads', () => {
    const { layers } = layoutOf(graphOf(chain(12), OPEN));
    expect(layers.map((layer) => layer.map(({ id }) => id))).toEqual(chain(12).map(({ name }) => [name]));
  });

  it('takes chains of any length', () => {
    expect(layoutOf(graphOf(chain(3000), OPEN)).layers).toHaveLength(3000);
  });

  it('moves places apart no further than they must, in the sense of least squares', () => {
    expect(apart([0, 0, 0], [1, 1, 1])).toEqual([-2, 0, 2]);
    expect(apart([0, 10, 11], [1, 1, 1])).toEqual([0, 9.5, 11.5]);
    const rows = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(rows, fc.nat(), (wanted, seed) => {
        const halves = wanted.map(() => 1);
        const placed = apart(wanted, halves);
        const cost = (places: readonly number[]) =>
          places.reduce((sum, place, index) => sum + (place - wanted[index]!) ** 2, 0);
        // Any other row without overlaps costs at least as much.
        const other = placed.map((place, index) => place + index * (seed % 5) * 0.1 + (seed % 7) - 3);
        expect(cost(placed)).toBeLessThanOrEqual(cost(other) + 1e-9);
        for (let index = 1; index < placed.length; index++)
          expect(placed[index]! - placed[index - 1]!).toBeGreaterThanOrEqual(2 - 1e-9);
      }),
    );
  });
});

describe('what a screen shows of it', () => {
  const layout = layoutOf(graphOf(chain(400), OPEN));
  const scene = createScene(layout);
  const screen = { width: 800, height: 600 };

  it('is what lies there, and no more than around it', () => {
    const view = viewOf({ left: 0, top: 4000, scale: 1 }, screen);
    const nodes = scene.nodesIn(view);
    const inside = layout.layers
      .flat()
      .filter(({ y }) => y + NODE.height / 2 >= view.top && y - NODE.height / 2 <= view.bottom);
    expect(nodes).toEqual(expect.arrayContaining(inside));
    expect(nodes.length).toBeLessThan(inside.length + 6);
    expect(scene.edgesIn(view).length).toBeLessThan(60);
  });

  it('is found by a point', () => {
    const [seventh] = layout.layers[7]!;
    const { x, y } = seventh!;
    expect(scene.nodeAt(x, y)).toBe(seventh);
    expect(scene.nodeAt(x, y + NODE.height)).toBeNull();
  });

  it('keeps the point under the pointer while it zooms', () => {
    const camera = { left: 100, top: 50, scale: 0.5 };
    const { left, top, scale } = zoomed(camera, 2, 300, 200);
    expect([left + 300 / scale, top + 200 / scale]).toEqual([700, 450]);
  });
});
