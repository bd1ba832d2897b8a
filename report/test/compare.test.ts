import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compare,
  comparisonMarkdown,
  comparisonText,
  subjectOfModel,
  subjectOfReport,
  withBaseline,
  type ModelStructure,
} from '../src/index.js';
import { HOSTILE, layer, sampleReport } from '../../test/kit/sampleReport.js';

const report = (change?: Parameters<typeof sampleReport>[0]) => sampleReport(change);
const side = (change?: Parameters<typeof sampleReport>[0], path = 'a.report.json') =>
  subjectOfReport(path, report(change));
const flat = (text: string) => text.replace(/ +/g, ' ');

/** input → Conv → Add → Gemm; the letters say which of them stand between DequantizeLinear and QuantizeLinear. */
function model(quantized: {
  conv?: boolean;
  add?: boolean;
  gemm?: 'both' | 'weight' | 'data';
}): ModelStructure {
  const nodes: { name: string; op: string; inputs: string[]; outputs: string[] }[] = [];
  const dequantize = (tensor: string) => {
    nodes.push({
      name: `dq_${tensor}`,
      op: 'DequantizeLinear',
      inputs: [`${tensor}_q`],
      outputs: [`${tensor}_dq`],
    });
    return `${tensor}_dq`;
  };

  const requantize = (tensor: string) =>
    void nodes.push({
      name: `q_${tensor}`,
      op: 'QuantizeLinear',
      inputs: [tensor],
      outputs: [`${tensor}_q`],
    });
  const { conv = false, add = false, gemm } = quantized;
  const convInputs = conv ? [dequantize('x'), dequantize('w')] : ['x', 'w'];
  nodes.push({ name: '/conv', op: 'Conv', inputs: convInputs, outputs: ['c'] });
  if (add) requantize('c');
  nodes.push({
    name: '/add',
    op: 'Add',
    inputs: add ? [dequantize('c'), 'bias'] : ['c', 'bias'],
    outputs: ['s'],
  });
  if (add) requantize('s');
  const data = gemm === 'both' || gemm === 'data' ? dequantize('s') : 's';
  const weight = gemm === 'both' || gemm === 'weight' ? dequantize('v') : 'v';
  nodes.push({ name: '/gemm', op: 'Gemm', inputs: [data, weight], outputs: ['y'] });
  return { path: 'net.onnx', fileBytes: 1000, nodes };
}

const states = (structure: ModelStructure) =>
  subjectOfModel(structure).layers.map(({ name, state, quantized }) => [name, state, quantized]);

describe('the structure of a model as a side', () => {
  it('counts as quantized what computes between DequantizeLinear and QuantizeLinear', () => {
    expect(states(model({}))).toEqual([
      ['/conv', 'float', false],
      ['/gemm', 'float', false],
    ]);
    expect(states(model({ conv: true, add: true, gemm: 'both' }))).toEqual([
      ['/conv', 'quantized', true],
      ['/add', 'quantized', true],
      ['/gemm', 'quantized', true],
    ]);
  });
  it('does not take a float layer behind a quantized one, or quantized weights alone, for quantized', () => {
    expect(states(model({ add: true, gemm: 'data' })).at(-1)).toEqual(['/gemm', 'float', false]);
    expect(states(model({ gemm: 'weight' })).at(-1)).toEqual(['/gemm', 'float, quantized weights', false]);
  });
  it('knows operators that are integers themselves, by the names of what they were', () => {
    const nodes = [{ name: '/conv_quant', op: 'QLinearConv', inputs: ['x'], outputs: ['y'] }];
    const [layer] = subjectOfModel({ path: 'net.onnx', fileBytes: 1, nodes }).layers;
    expect(layer).toMatchObject({ name: '/conv', op: 'Conv', state: 'QLinearConv', quantized: true });
  });
});

describe('comparing', () => {
  it('puts figures side by side with their changes', () => {
    const metric = { ...sampleReport().metric!, quantized: 0.96, drop: 0.02, satisfied: false };
    const text = flat(
      comparisonText(
        compare(
          side(),
          side(
            {
              metric,
              size: { float_bytes: 80_000, quantized_bytes: 25_000, ratio: 3.2 },
              latency_ms: { float_median: 2, quantized_median: 0.8, speedup: 2.5, runs: 50 },
            },
            'b.report.json',
          ),
        ),
      ),
    );
    expect(text).toContain('top1 97.50 % 96.00 % -1.50 points');
    expect(text).toContain(
      'drop of top1 from float 0.50 points (-0.50 to 1.50 points) 2.00 points (-0.50 to 1.50 points)',
    );
    expect(text).toContain('target met missed');
    expect(text).toContain('size 20.0 kB 25.0 kB +25.0 %');
    expect(text).toContain('latency 1.00 ms 0.800 ms -20.0 %');
    expect(text).toContain('quantized layers 1 of 2 1 of 2');
    expect(text).toContain('Alike: all 2.');
  });

  it('shows only layers that differ, the largest loss of SQNR first, and what cannot be ranked last', () => {
    const named = (name: string, sqnr: number | null, rest = {}) => layer({ name, sqnr_db: sqnr, ...rest });
    const a = side({
      layers: [
        named('/same', 20),
        named('/gain', 10),
        named('/loss', 30),
        named('/gone', 9),
        named('/bits', 15),
      ],
    });
    const b = side({
      layers: [
        named('/same', 20.04),
        named('/gain', 12),
        named('/loss', 22),
        named('/bits', 15, { weight: { ...layer().weight!, bits: 4 } }),
        named('/new', null),
      ],
    });
    const comparison = compare(a, b);
    expect(comparison.layers.map(({ name, sqnr_change_db: change }) => [name, change])).toEqual([
      ['/loss', -8],
      ['/bits', 0],
      ['/gain', 2],
      ['/gone', null],
      ['/new', null],
    ]);
    expect(comparison.same_layers).toBe(1);
    const text = flat(comparisonText(comparison));
    expect(text).toContain(
      '/loss Conv QLinearConv, 8 bits per channel QLinearConv, 8 bits per channel 30.0 dB 22.0 dB -8.0 dB',
    );
    expect(text).toContain('/gone Conv QLinearConv, 8 bits per channel absent 9.0 dB –');
    expect(text).toContain('Different: 5, alike: 1. The largest loss of SQNR comes first.');
  });

  it('says why figures are not like for like', () => {
    const other = {
      model: { path: '/other.onnx', sha256: 'b'.repeat(64) },
      data: { ...report().data, validation: { samples: 10, sha256: 'c'.repeat(64) } },
      runtime: { ...report().runtime, threads: 8 },
    };
    expect(compare(side(), side(other)).notes).toEqual([
      'They were made from different float models.',
      'Their accuracy was measured on different data.',
      'Their latency was measured differently: A CPU with 2 threads, A CPU with 8 threads.',
    ]);
    expect(compare(side(), side()).notes).toEqual([]);
  });

  it('gives different metrics a row each, and no change between them', () => {
    const metric = {
      ...sampleReport().metric!,
      name: 'mse',
      quantized: 0.25,
      satisfied: null,
      max_drop: null,
    };
    const text = flat(comparisonText(compare(side(), side({ metric }))));
    expect(text).toContain('top1 97.50 % –\n');
    expect(text).toContain('mse – 0.25000\n');
  });

  it('knows the float model by its baseline', () => {
    const float = subjectOfModel(model({}));
    const comparison = compare(withBaseline(float, report()), side());
    const text = flat(comparisonText(comparison));
    expect(text).toContain('top1 98.00 % 97.50 % -0.50 points');
    expect(text).toContain('latency 2.00 ms 1.00 ms -50.0 %');
    expect(text).toContain('target – met');
    // Nodes of a file and nodes that a runtime executes are no pair.
    expect(comparison.operators).toEqual([]);
  });

  it('counts operators of two files, the largest change first', () => {
    const comparison = compare(
      subjectOfModel(model({})),
      subjectOfModel(model({ conv: true, add: true, gemm: 'both' })),
    );
    expect(comparison.operators).toEqual([
      { op: 'DequantizeLinear', a: 0, b: 5 },
      { op: 'QuantizeLinear', a: 0, b: 2 },
    ]);
    const text = flat(comparisonText(comparison));
    expect(text).toContain('quantized layers 0 of 2 3 of 3');
    expect(text).not.toMatch(/SQNR|latency|top1|null|undefined|NaN/);
  });

  it('keeps hostile names from breaking lines and tables', () => {
    const of = (text: string) =>
      compare(side({ layers: [layer({ name: text, op: text })] }, text), side({ layers: [] }, text));
    const columns = (markdown: string) =>
      markdown.split('\n').map((line) => line.replace(/`[^`]*`/g, '').split('|').length);
    const hostile = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary', maxLength: 30 }));
    const plain = { text: comparisonText(of('plain')), markdown: comparisonMarkdown(of('plain')) };
    fc.assert(
      fc.property(hostile, (name) => {
        expect(comparisonText(of(name)).split('\n').length).toBe(plain.text.split('\n').length);
        expect(columns(comparisonMarkdown(of(name)))).toEqual(columns(plain.markdown));
      }),
    );
  });
});
