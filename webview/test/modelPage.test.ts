// @vitest-environment happy-dom
import { modelPageData, modelPageHtml, type ModelContext, type ToModelPage } from '@quantsmith/report';
import type { WeightCodes } from '@quantsmith/schemas';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { layer, sampleReport } from '../../test/kit/sampleReport.js';
import { summary } from '../../test/kit/summary.js';
import { act, buttonOf, control, enter, playCanvas, playWorkers, query } from './browser.js';

const signature = (name: string, dims: readonly number[], type = 'float32') => ({ name, dims, type });
const MODEL = summary({
  tensors: [signature('w', [8, 3, 3, 3]), signature('c', [1, 8, 6, 6])],
  nodes: [
    {
      ...{ name: '/stem/Conv', op: 'Conv', inputs: ['x', 'w'], outputs: ['c'] },
      ...{ constants: { 1: [8, 3, 3, 3] }, floatConstants: [1], attributes: { group: 1 } },
    },
    { name: '/stem/Relu', op: 'Relu', inputs: ['c'], outputs: ['r'] },
    { name: '/head/Gemm', op: 'Gemm', inputs: ['r'], outputs: ['y'] },
  ],
});
const RUN = sampleReport({
  layers: [
    layer({ inputs: [{ tensor: 'x', scale: 0.0235, zero_point: 3, low: 0, high: 6 }] }),
    layer({ name: '/head/Gemm', op: 'Gemm', restored: true, quantized: false, kernel: null }),
  ],
});
const CONFIGS = ['a', 'b'].map((name) => ({ uri: `file:///${name}`, label: `${name}.quant.yaml` }));

/** The window's own: each page gets one that ends with it. */
const listen = window.addEventListener.bind(window);
let posted: unknown[] = [];
let state: unknown;
let listeners: AbortController;
beforeEach(() => {
  playCanvas();
  playWorkers();
  state = undefined;
  listeners = new AbortController();
});
afterEach(() => {
  listeners.abort();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

async function load(context: Partial<ModelContext> = {}, configs = CONFIGS): Promise<void> {
  await open(context);
  say({ type: 'model', data: modelPageData(MODEL, whole(context), configs) });
}

const whole = (context: Partial<ModelContext>) => ({ report: null, float: null, isNewer: false, ...context });

/**
 * The page as its panel opens it, or makes it anew, before it is given its model: its script begins from nothing but the state
 * that was kept.
 */
async function open(context: Partial<ModelContext> = {}): Promise<void> {
  listeners.abort();
  listeners = new AbortController();
  const { signal } = listeners;
  vi.stubGlobal('addEventListener', (type: string, listener: EventListener) =>
    listen(type, listener, { signal }),
  );
  posted = [];
  vi.stubGlobal('acquireVsCodeApi', () => ({
    postMessage: (message: unknown) => posted.push(message),
    getState: () => state,
    setState: (kept: unknown) => (state = structuredClone(kept)),
  }));
  const html = modelPageHtml(MODEL, whole(context), {
    nonce: 'n',
    module: { address: 'model.js', source: 'x' },
  });
  document.body.innerHTML = /<main.*<\/main>/s.exec(html)?.[0] ?? '';
  vi.resetModules();
  await import('../src/model/page.js');
  expect(posted).toEqual([{ type: 'ready' }]);
}

const say = (data: ToModelPage) => void act(window, 'message', { data });
const layers = () =>
  [...document.querySelectorAll('#layers tr[data-index]')].map((row) => row.querySelector('td')?.textContent);
const columns = () => [...document.querySelectorAll('#layers th')].map(({ textContent }) => textContent);
const filter = (label: string) => {
  const found = [...document.querySelectorAll('#filters label')].find(({ textContent }) =>
    textContent?.startsWith(label),
  );
  return control('input, select', found);
};

const details = () => query('#details').textContent;
const choose = (name: string) => act(query(`#layers td[title="${name}"]`), 'click');

describe('the page of a model', () => {
  it('shows its layers, which are searched and filtered', async () => {
    await load();
    expect(layers()).toEqual(['/stem/Conv', '/stem/Relu', '/head/Gemm']);
    expect(columns()).toEqual(['Layer', 'Operator', 'Output shape', 'Constants', 'Parameters']);
    expect(query('#shown').textContent).toBe('3 of 3 layers');
    enter(filter('Search'), 'stem relu');
    expect(layers()).toEqual(['/stem/Relu']);
    enter(filter('Search'), '');
    enter(filter('Operator'), 'Gemm');
    expect(layers()).toEqual(['/head/Gemm']);
    enter(filter('Operator'), '');
    enter(filter('Show'), 'With constants');
    expect(query('#shown').textContent).toBe('1 of 3 layers');
    expect([...filter('Show').children].map(({ textContent }) => textContent)).toEqual([
      ...['All layers', 'With constants'],
    ]);
  });

  it('shows all of a layer, and changes it in a config', async () => {
    await load();
    choose('/stem/Conv');
    expect(details()).toContain('Output shape1×8×6×6');
    expect(details()).toContain('Bytes of constants864');
    enter(control('#details select'), 'file:///b');
    buttonOf('16 bits').click();
    expect(posted.at(-1)).toEqual({
      ...{ type: 'change', layer: '/stem/Conv', change: 'bits16', config: 'file:///b' },
    });
    choose('/stem/Relu');
    expect(details()).not.toContain('grid');
  });

  it('offers no changes without a config', async () => {
    await load({}, []);
    choose('/stem/Conv');
    expect(document.querySelector('#details select')).toBeNull();
    expect(() => buttonOf('16 bits')).toThrow('no button');
  });

  it('shows the last run', async () => {
    await load({ report: RUN });
    expect(columns()).toEqual(expect.arrayContaining(['SQNR', 'Computes as', 'Weights']));
    buttonOf('SQNR').click();
    buttonOf('Parameters').click();
    for (const kind of ['In integers', 'In float', 'Restored to float', 'With constants', 'All layers']) {
      enter(filter('Show'), kind);
      expect(layers(), kind).toEqual(
        {
          'In integers': ['/stem/Conv'],
          'In float': ['/head/Gemm'],
          'Restored to float': ['/head/Gemm'],
          'With constants': ['/stem/Conv'],
          'All layers': ['/stem/Conv', '/stem/Relu', '/head/Gemm'],
        }[kind],
      );
    }

    choose('/stem/Conv');
    expect(details()).toMatch(/Computes asQLinearConv.*SQNR[\d.]+ dB.*Quantizer/);
  });

  it('shows a float model beside', async () => {
    await load({ report: RUN, float: { ...MODEL, nodes: MODEL.nodes.slice(0, 2) } });
    enter(filter('Show'), 'Different');
    expect(layers()).toEqual(['/stem/Conv', '/head/Gemm']);
    expect(query('#layers tr[data-index="1"]').textContent).toContain('only in the int8 model');
  });

  it('has weights on their grid, of the layer that is selected', async () => {
    const weights: WeightCodes = {
      ...{ tensor: 'w', dims: [2, 2], bits: 8, perChannel: true, halfRange: true },
      ...{ counts: [1, 0, 3], firstCode: -1, scales: [0.5, 0.25], decibels: 40.04 },
    };
    await load();
    choose('/stem/Conv');
    buttonOf('Weights on their int8 grid').click();
    expect(posted.at(-1)).toEqual({ type: 'weights', layer: '/stem/Conv' });
    say({ type: 'weights', layer: '/head/Gemm', weights, problem: '' });
    expect(document.querySelector('figcaption')).toBeNull();
    say({ type: 'weights', layer: '/stem/Conv', weights, problem: '' });
    expect(query('figcaption').textContent).toBe(
      'Values of w by code, -1 to 1: 2×2, 8 bits per channel, half range; scale 0.500 to 0.250; 2 of 3 codes used; 0.0 % of the values round to 0; rounding alone: 40.0 dB.',
    );
    expect(document.querySelectorAll('svg rect')).toHaveLength(2);
    const exact = { ...weights, perChannel: false, halfRange: false, counts: [0, 0, 0], decibels: null };
    say({ type: 'weights', layer: '/stem/Conv', weights: exact, problem: '' });
    expect(query('figcaption').textContent).toMatch(/2×2, 8 bits; .*0\.0 % of.*no rounding noise\.$/);
    say({ type: 'weights', layer: '/stem/Conv', weights: null, problem: 'It is too large.' });
    expect(query('#weights').textContent).toBe('It is too large.');
  });

  it('reveals a layer, also one that is filtered away', async () => {
    await load();
    enter(filter('Search'), 'relu');
    say({ type: 'reveal', layer: '/head/Gemm' });
    expect(filter('Search').value).toBe('');
    expect(query('tr[aria-selected=true] td').textContent).toBe('/head/Gemm');
    expect(query('#details h3').textContent).toBe('/head/Gemm');
    say({ type: 'reveal', layer: 'elsewhere' });
    expect(query('#details h3').textContent).toBe('/head/Gemm');
  });

  it('reveals a layer that was asked for before the model was read', async () => {
    await open();
    say({ type: 'reveal', layer: '/head/Gemm' });
    say({ type: 'model', data: modelPageData(MODEL, whole({}), CONFIGS) });
    expect(query('#details h3').textContent).toBe('/head/Gemm');
  });

  it('draws the graph, which selects layers and is told of them', async () => {
    await load();
    choose('/stem/Relu');
    buttonOf('Draw graph').click();
    await vi.waitFor(() => expect(query('#graph p').textContent).toBe('Relu /stem/Relu'));
    choose('/head/Gemm');
    expect(query('#graph p').textContent).toBe('Gemm /head/Gemm');
    act(query('canvas'), 'keydown', { key: 'ArrowUp' });
    expect(query('#details h3').textContent).toBe('/stem/Relu');
  });
});

describe('a page that is made anew', () => {
  it('shows again what somebody had chosen', async () => {
    await load();
    enter(filter('Search'), 'stem');
    buttonOf('Layer').click();
    buttonOf('Layer').click();
    choose('/stem/Relu');
    buttonOf('Draw graph').click();
    await vi.waitFor(() => expect(query('canvas').dataset['nodes']).toBe('3'));
    window.scrollTo(0, 120);
    act(window, 'scroll');

    await load({ report: RUN });
    expect(filter('Search').value).toBe('stem');
    expect(layers()).toEqual(['/stem/Relu', '/stem/Conv']);
    expect(query('tr[aria-selected=true] td').textContent).toBe('/stem/Relu');
    expect(query('#details h3').textContent).toBe('/stem/Relu');
    await vi.waitFor(() => expect(query('#graph p').textContent).toBe('Relu /stem/Relu'));
    expect(window.scrollY).toBe(120);
  });

  it('begins from the start where what was kept is not of this model, or of no version', async () => {
    state = {
      selected: 'gone',
      choice: { search: '', operator: 'Gone', kind: 'Gone' },
      sorting: 3,
      hasGraph: 'x',
    };
    await load();
    expect(layers()).toHaveLength(3);
    expect(details()).toBe('Select a layer to see its details.');
    state = 'text';
    await load();
    expect(layers()).toHaveLength(3);
  });
});
