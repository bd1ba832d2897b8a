// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Source } from '../src/graph/graph.js';
import { openGraph, type GraphPanel } from '../src/graph/panel.js';
import {
  act,
  buttonOf,
  control,
  enter,
  playCanvas,
  playWorkers,
  query,
  textsOf,
  type Drawing,
} from './browser.js';

/** A chain of nodes, four in each block. */
const chain = (count: number): Source[] =>
  Array.from({ length: count }, (_, index) => ({
    ...{ name: `/block${Math.floor(index / 4)}/node${index}`, op: index % 4 === 3 ? 'Add' : 'Conv' },
    ...{ inputs: [`t${index - 1}`], outputs: [`t${index}`], weights: '8×8 float32' },
    run: { isInteger: index % 2 === 0, decibels: index === 0 ? 31.4 : null },
  }));

let drawing: () => Drawing;
let chosen: string[] = [];
let place: HTMLElement;
beforeEach(() => {
  drawing = playCanvas();
  playWorkers();
  document.body.innerHTML = '<div></div>';
  place = query('div');
  chosen = [];
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const canvas = () => query('canvas');
const nodes = () => canvas().dataset['nodes'];
const status = () => query('p[role=status]').textContent;

async function opened(sources: readonly Source[]): Promise<GraphPanel> {
  const panel = openGraph(place, sources, (name) => chosen.push(name));
  await vi.waitFor(() => expect(nodes()).toBeDefined());
  return panel;
}

/** What the next frame draws. */
async function frame(): Promise<Drawing> {
  await new Promise((resolve) => requestAnimationFrame(resolve));
  await new Promise((resolve) => requestAnimationFrame(resolve));
  return drawing();
}

/** The place of the plane at the left top of the canvas, and the scale. */
async function camera() {
  const [, scale, , , , left, top] = (await frame()).findLast(([name]) => name === 'setTransform') ?? [];
  return { scale: Number(scale), left: -Number(left) / Number(scale), top: -Number(top) / Number(scale) };
}

/** Where the nodes of a chain lie at the start: at scale 1 in the middle of the canvas, 80 pixels apart. */
const placeOf = (index: number) => ({ offsetX: 400, offsetY: 50 + 80 * index });
const press = (key: string) => act(canvas(), 'keydown', { key });

async function foldedTo(count: number): Promise<void> {
  await vi.waitFor(() => expect(nodes()).toBe(String(count)));
}

describe('the graph on the page', () => {
  it('draws nodes with what is known of them, and nothing out of view', async () => {
    await opened(chain(40));
    expect(status()).toBe('40 nodes, 39 edges');
    const drawn = await frame();
    const texts = textsOf(drawn);
    expect(texts.slice(0, 4)).toEqual(['Conv', '31.4 dB', 'Conv', '8×8']);
    expect(texts.length).toBeLessThan(30);
    const dashes = drawn.flatMap(([name, pattern]) => (name === 'setLineDash' ? [pattern] : []));
    expect(dashes).toContainEqual([6, 4]);
  });

  it('is walked through by keys', async () => {
    await opened(chain(8));
    press('ArrowDown');
    press('ArrowDown');
    expect(status()).toBe('Conv /block0/node1');
    press('ArrowUp');
    expect(press('ArrowLeft').defaultPrevented).toBe(false);
    expect(press('Tab').defaultPrevented).toBe(false);
    expect(chosen.map((name) => name.slice(-1))).toEqual(['0', '1', '0']);
  });

  it('zooms by keys and buttons, and goes back to the start', async () => {
    await opened(chain(8));
    const first = await camera();
    expect(first).toEqual({ scale: 1, left: -315, top: -30 });
    press('+');
    expect((await camera()).scale).toBe(1.25);
    press('-');
    expect((await camera()).scale).toBe(1);
    buttonOf('Zoom in').click();
    expect((await camera()).scale).toBe(1.5);
    buttonOf('Zoom out').click();
    buttonOf('Zoom out').click();
    expect((await camera()).scale).toBeCloseTo(2 / 3);
    press('0');
    expect(await camera()).toEqual(first);
    buttonOf('Zoom in').click();
    buttonOf('Start').click();
    expect(await camera()).toEqual(first);
  });

  it('moves by drags and the wheel, and zooms by the wheel with Ctrl', async () => {
    await opened(chain(8));
    act(canvas(), 'pointerdown', { pointerId: 1 });
    act(canvas(), 'pointermove', { buttons: 1, movementX: 30, movementY: -20 });
    expect(await camera()).toEqual({ scale: 1, left: -345, top: -10 });
    // The click that ends a drag selects nothing.
    act(canvas(), 'click', placeOf(0));
    expect(chosen).toEqual([]);
    act(canvas(), 'pointermove', { buttons: 0, movementX: 30, movementY: -20 });
    act(canvas(), 'wheel', { deltaX: 30, deltaY: -20 });
    expect(await camera()).toEqual({ scale: 1, left: -315, top: -30 });
    act(canvas(), 'wheel', { ...{ deltaX: 0, deltaY: -200, ctrlKey: true }, ...placeOf(0) });
    const { scale, left, top } = await camera();
    expect(scale).toBeCloseTo(2.5);
    expect([left + 400 / scale, top + 50 / scale]).toEqual(
      [85, 20].map((at) => expect.closeTo(at) as number),
    );
  });

  it('selects what is clicked, in the page too', async () => {
    await opened(chain(8));
    act(canvas(), 'click', placeOf(2));
    expect(chosen).toEqual(['/block0/node2']);
    act(canvas(), 'click', { offsetX: 5, offsetY: 5 });
    expect(chosen).toHaveLength(1);
    expect(buttonOf('Collapse block of this node').hidden).toBe(false);
  });

  it('finds nodes one after the other', async () => {
    await opened(chain(40));
    const search = control('#graph-search');
    const find = (text: string) => {
      search.value = text;
      act(search, 'keydown', { key: 'Enter' });
      return query('span[role=status]').textContent;
    };

    expect(find('add')).toBe('10 nodes');
    expect(find('add')).toBe('10 nodes');
    expect(chosen).toEqual(['/block0/node3', '/block1/node7']);
    expect(find('node39')).toBe('1 node');
    // It is brought into view.
    expect(textsOf(await frame())).toContain('Add');
    expect((await camera()).top).toBeGreaterThan(2000);
    expect(find('nothing')).toBe('No node has this text in its name.');
    act(search, 'keydown', { key: 'a' });
    expect(chosen).toHaveLength(3);
  });
});

describe('blocks of the graph', () => {
  it('collapse from a level on, and open by keys and double clicks', async () => {
    await opened(chain(12));
    enter(control('select'), '1', 'change');
    await foldedTo(3);
    press('ArrowDown');
    expect(status()).toBe('Block /block0, 4 nodes. Enter opens it.');
    expect(buttonOf('Collapse block of this node').hidden).toBe(true);
    expect(chosen).toEqual([]);
    press('Enter');
    await foldedTo(6);
    expect(status()).toBe('Conv /block0/node0');
    act(canvas(), 'dblclick', placeOf(5));
    await foldedTo(9);
  });

  it('are collapsed around a node, and opened again', async () => {
    const panel = await opened(chain(12));
    panel.reveal('/block1/node5');
    buttonOf('Collapse block of this node').click();
    await foldedTo(9);
    expect(status()).toBe('Block /block1, 4 nodes. Enter opens it.');
    // What is in a block is shown by it.
    panel.reveal('/block1/node6');
    expect(status()).toBe('Block /block1, 4 nodes. Enter opens it.');
    press('Enter');
    await foldedTo(12);
  });

  it('of large models are collapsed at first, and what was wanted meanwhile is selected', async () => {
    const panel = openGraph(place, chain(5001), (name) => chosen.push(name));
    panel.reveal('/block3/node12');
    press('ArrowDown');
    await foldedTo(1251);
    expect(status()).toBe('Block /block3, 4 nodes. Enter opens it.');
    panel.reveal('elsewhere');
    expect(status()).toBe('Block /block3, 4 nodes. Enter opens it.');
    // Of two layouts the one that is asked for last counts.
    enter(control('select'), '2', 'change');
    enter(control('select'), '1', 'change');
    await foldedTo(1251);
    await vi.waitFor(() => expect(status()).toBe('1251 nodes, 1250 edges'));
  });
});

it('the layout is made by a worker of the page', async () => {
  const posted = vi.spyOn(window, 'postMessage').mockReturnValue();
  await import('../src/graph/layoutWorker.js');
  act(window, 'message', { data: { nodes: [], edges: [] } });
  expect(posted).toHaveBeenCalledWith({ width: 0, height: 0, layers: [], edges: [] });
});
