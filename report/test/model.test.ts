import { describe, expect, it } from 'vitest';
import { layer, sampleReport } from '../../test/kit/sampleReport.js';
import { summary } from '../../test/kit/summary.js';
import { ALONE, modelHtml, modelPageHtml, modelProblemHtml, modelRows } from '../src/index.js';
import { attribute, pageText, parsePage } from './page.js';

const float32 = (name: string, dims: readonly (number | string)[], type = 'float32') => ({
  name,
  type,
  dims,
});

const FLOAT = summary({
  path: '/models/net.onnx',
  fileBytes: 2e6,
  parameterCount: 216,
  inputs: [float32('x', ['n', 3, 8, 8])],
  outputs: [float32('y', ['n', 8])],
  tensors: [float32('w', [8, 3, 3, 3]), float32('c', ['n', 8, 6, 6]), float32('y', ['n', 8])],
  nodes: [
    {
      ...{
        name: '/stem/Conv',
        op: 'Conv',
        inputs: ['x', 'w'],
        outputs: ['c'],
        constants: { 1: [8, 3, 3, 3] },
      },
      ...{ floatConstants: [1], attributes: { group: 1, strides: [2, 2] } },
    },
    { name: 'relu', op: 'Relu', inputs: ['c'], outputs: ['r'] },
    { name: 'pool', op: 'GlobalAveragePool', inputs: ['r'], outputs: ['y'] },
  ],
});

const node = (name: string, op: string, inputs: string[], outputs: string[], constants = {}) => ({
  ...{ name, op, inputs, outputs, constants },
});
const INT8 = summary({
  path: '/models/net.int8.onnx',
  tensors: [float32('w_q', [8, 3, 3, 3], 'int8'), float32('s', [], 'float32'), float32('y', ['n', 8])],
  nodes: [
    node('q', 'QuantizeLinear', ['x', 's'], ['x_q'], { 1: [] }),
    node('dq', 'DequantizeLinear', ['x_q', 's'], ['x_d'], { 1: [] }),
    node('wdq', 'DequantizeLinear', ['w_q', 's'], ['w_d'], { 0: [8, 3, 3, 3], 1: [] }),
    node('/stem/Conv', 'Conv', ['x_d', 'w_d'], ['c']),
    node('pool', 'GlobalAveragePool', ['c'], ['y']),
  ],
});

const report = sampleReport({
  layers: [
    layer({ inputs: [{ tensor: 'x', scale: 0.0235, zero_point: 3, low: 0, high: 6 }] }),
    layer({
      name: 'pool',
      op: 'GlobalAveragePool',
      restored: true,
      quantized: false,
      kernel: null,
      weight: null,
    }),
  ],
});

describe('the rows of a model', () => {
  it('have shapes, parameters and bytes from the file alone', () => {
    const [conv, , pool] = modelRows(FLOAT, ALONE);
    expect(conv).toMatchObject({
      ...{ name: '/stem/Conv', shape: 'n×8×6×6', weights: '8×3×3×3 float32', parameters: 216, bytes: 864 },
      ...{ attributes: 'group 1; strides 2, 2', run: null, difference: null },
    });
    expect(pool).toMatchObject({ shape: 'n×8', weights: '', parameters: 0 });
  });

  it('have what the last run says of them', () => {
    const [conv, relu, pool] = modelRows(FLOAT, { ...ALONE, report });
    expect(conv?.run).toEqual({
      ...{ state: 'QLinearConv', isInteger: true, isRestored: false, decibels: 30 },
      ...{ weight: '8 bits per channel', scales: '0.01 to 0.02' },
      quantizers: ['x: 0 to 6, scale 0.0235, zero point 3'],
    });
    expect(relu?.run).toBeNull();
    expect(pool?.run).toMatchObject({ state: 'float (restored)', isRestored: true, isInteger: false });
  });

  it('say what an int8 model has otherwise than its float model, through its quantizers', () => {
    const rows = modelRows(INT8, { ...ALONE, report, float: FLOAT });
    expect(rows.map(({ name, difference }) => [name, difference])).toEqual([
      ['/stem/Conv', 'float32 → int8'],
      ['pool', 'same'],
      ['relu', 'only in the float model'],
    ]);
    expect(rows.map(({ isHere }) => isHere)).toEqual([true, true, false]);
    expect(rows[0]).toMatchObject({ inputs: ['x', 'w_q'], weights: '8×3×3×3 int8', bytes: 216 });
  });

  it('end where quantizers stand in a circle', () => {
    const circle = [node('a', 'QuantizeLinear', ['p'], ['q']), node('b', 'DequantizeLinear', ['q'], ['p'])];
    const looped = summary({ nodes: [...circle, node('c', 'Relu', ['p'], ['r'])] });
    expect(modelRows(looped, { ...ALONE, float: FLOAT })).toHaveLength(4);
  });
});

describe('the page of a model', () => {
  it('is one document for a file, with every node', () => {
    const text = pageText(modelHtml(FLOAT, ALONE));
    expect(text).toContain('ONNX model, 2.00 MB, 3 nodes, 216 float parameters');
    expect(text).toContain('x input float32 n×3×8×8');
    expect(text).toContain('/stem/Conv Conv n×8×6×6 8×3×3×3 float32 216');
  });

  it('puts float and int8 side by side', () => {
    const text = pageText(modelHtml(INT8, { report, float: FLOAT, isNewer: true }));
    expect(text).toContain('Beside net.onnx, from which it was made');
    expect(text).toContain('DequantizeLinear 0 2 +2');
    expect(text).toContain('Relu 1 0 -1');
    expect(text).toContain('The model file is newer than that run.');
  });

  it('runs the script of its host alone, by nonce, and is sound HTML', () => {
    const module = { address: 'https://host/pages/model.js', source: 'https://host' };
    const html = modelPageHtml({ ...FLOAT, path: '/m/<img src=x>.onnx' }, ALONE, {
      nonce: 'abc',
      module,
    });
    const { elements, errors } = parsePage(html);
    expect(errors).toEqual([]);
    expect(elements.filter(({ tagName }) => tagName === 'img')).toEqual([]);
    const scripts = elements.filter(({ tagName }) => tagName === 'script');
    expect(scripts.map((script) => [attribute(script, 'nonce'), attribute(script, 'src')])).toEqual([
      ['abc', 'https://host/pages/model.js'],
    ]);
    const policy = elements
      .map((element) => attribute(element, 'content'))
      .find((text) => text?.includes('default-src'));
    expect(policy).toBe(
      "default-src 'none'; style-src 'nonce-abc'; script-src 'nonce-abc' 'strict-dynamic'; connect-src https://host; worker-src blob:; img-src data:; base-uri 'none'; form-action 'none'",
    );
    expect(html).not.toMatch(/ style="| on\w+="/);
  });

  it('says why a model cannot be shown, as a page of its own', () => {
    const html = modelProblemHtml('net.onnx', 'net.onnx is truncated or damaged at byte 400.');
    expect(pageText(html)).toContain('net.onnx is truncated or damaged at byte 400.');
    expect(html).not.toContain('nonce');
  });
});
