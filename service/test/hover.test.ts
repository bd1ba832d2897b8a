import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inspectModel } from '@quantsmith/model/onnx';
import { type ModelSummary, type QuantizationReport, isConfig } from '@quantsmith/schemas';
import { beforeAll, describe, expect, it } from 'vitest';
import { layer, sampleReport } from '../../test/kit/sampleReport.js';
import { valueOf } from '../src/document/tree.js';
import { hover, type HoverContext } from '../src/features/hover.js';
import { code, render } from '../src/features/markdown.js';
import { at } from '../../test/kit/configs.js';

const HEAD = 'model: m.onnx\ndata: {calibration: {arrays: a.npy}}\n';
let model: ModelSummary;
beforeAll(async () => {
  model = await inspectModel(fileURLToPath(new URL('../../examples/digits/digits.onnx', import.meta.url)));
});

function said(marked: string, more: Partial<HoverContext> = {}): string {
  const { document, position } = at(`${HEAD}${marked}`);
  const value = valueOf(document.tree);
  const config = isConfig(value) ? value : null;
  const found = hover(document, position, { model, config, markdown: true, ...more });
  return (found?.contents as { value: string } | undefined)?.value ?? '';
}

const advanced = (text: string) => `quantization:\n  advanced_parameters:\n    ${text}\n`;

describe('what a setting does to this model', () => {
  it('stands in the reference where the setting is, in a matrix too', () => {
    for (const text of ['  quantization.pre|set: [mixed]\n', '  include: [{quantization.pre|set: mixed}]\n'])
      expect(said(`matrix:\n${text}`)).toContain('config-reference.md#quantization-preset');
  });
  it('asks whether the config is valid only where there is something to say', () => {
    const asked: string[] = [];
    const hovered = (key: string) => {
      const { document, position } = at(`${HEAD}quantization: {${key}}\n`);
      hover(document, position, {
        model,
        get config() {
          asked.push(key);
          return null;
        },
        markdown: true,
      });
    };

    hovered('pre|set: mixed');
    expect(asked).toEqual([]);
    hovered('ignored|_scope: {}');
    expect(asked).toHaveLength(1);
  });

  it('follows from its structure before a run', () => {
    expect(said(advanced('overflow|_fix: first_layer'))).toContain(
      'Half range: 1 of 6 layers: `/stem/Conv`.',
    );
    expect(said(advanced('overflow_fix: dis|able'))).toContain('Half range: 0 of 6 layers.');
    const ignored =
      'quantization:\n  ignored_scope: {names: [/stem/Conv]}\n  advanced_parameters: {overflow|_fix: enable}\n';
    expect(said(ignored)).toMatch(/Half range: \d of 5 layers: (?!`\/stem)/);
    expect(said(advanced('overflow|_fix: auto'))).not.toContain('Half range:');
    expect(said('quantization:\n  ignored|_scope: {types: [Relu, Add]}\n')).toContain(
      'Ignored: 6 of 19 nodes',
    );
    expect(said(advanced('weights_quantization_params: {num|_bits: 4}'))).toContain(
      'Codes from -7 to 7; the model has 6 layers with weights.',
    );
  });

  it('is what the last run did, when it was of this very config', () => {
    const report = sampleReport({
      overflow: {
        fix: 'first_layer',
        predicted: null,
        layers: ['/a', '/b'].map((name) => ({
          name,
          op: 'Conv',
          half_range: name === '/b',
          pairs_at_risk: 0,
          saturating_fraction_calibration: null,
          worst_case_exceeds: null,
        })),
      },
    });
    const marked = advanced('overflow|_fix: first_layer');
    expect(said(marked, { report, changed: null })).toContain('Last run, half range: 1 of 2 layers: `/b`.');
    expect(said(marked, { report, changed: 'config' })).toContain('Half range: 1 of 6 layers');
    for (const bound of ['max|_drop: 0.01', 'tar|get: 0.9']) {
      expect(said(`accuracy_control: {${bound}}`, { report, changed: null })).toContain(
        'Last run: top1 dropped by 0.50 points on 600 samples. Before restoration: drop 5.00 points; back in float: `/stem/Conv`.',
      );
    }
  });

  it('is not told of a config that is not valid, or of a setting that is none', () => {
    expect(said(`${advanced('overflow|_fix: first_layer')}foo: 1\n`)).not.toContain('Half range');
    expect(said('fo|o: 1')).toBe('');
  });
});

describe('on a name of the ignored scope', () => {
  const scope = (text: string) => `quantization:\n  ignored_scope:\n    ${text}\n`;
  const report: QuantizationReport = sampleReport({
    layers: [
      layer({
        inputs: [{ tensor: 'image', scale: 0.0123456, zero_point: 3, low: -1, high: 2 }],
        sqnr_db: 21.04,
      }),
    ],
  });
  it('there is the layer: operator, shapes, parameters, and quantizers, noise and cost of the last run', () => {
    const text = said(scope('names: ["/stem|/Conv"]'), { report, changed: null });
    expect(text).toMatch(/^\*\*`\/stem\/Conv`\*\* — Conv\n\nConstants: \[\d+, 1, 3, 3\].*parameters\)/);
    expect(text).toMatch(/Last run \(2026-01-02\): quantized, SQNR 21\.0 dB, integer kernel QLinearConv/);
    expect(text).toContain('Weights: 8 bits, one scale for each channel, 0.01 to 0.02');
    expect(text).toContain('- `image`: [-1, 2], scale 0.0123, zero point 3');
    expect(said(scope('names: ["/stem|/Conv"]'), { report, changed: 'model' })).not.toContain('Last run');
    const plain = said(scope('names: ["/stem|/Conv"]'), { report, changed: null, markdown: false });
    expect(plain).toMatch(/^\/stem\/Conv — Conv\n/);
    expect(plain).not.toMatch(/[*`]/);
  });
  it('there is what a pattern or type matches', () => {
    expect(said(scope('patterns: ["/stem|/.*"]'))).toBe(
      '`/stem/.*`: 3 of 19 nodes: `/stem/Conv`, `/stem/BatchNormalization`, `/stem/Relu`',
    );
    expect(said(scope('types: [Ge|mm]'))).toMatch(/^`Gemm`: 1 of 19 nodes: /);
  });
});

it('links lead to the reference page; its anchors exist; plain text has addresses instead', () => {
  const link = /\[Reference\]\((.*)#(.*)\)|docs\/(config-reference\.md)#(.*)/.exec(
    said(advanced('overflow|_fix: auto')),
  )!;
  const page = readFileSync(new URL('../../docs/config-reference.md', import.meta.url), 'utf8');
  expect(page).toContain(`<a id="${link[2] ?? link[4]}">`);
  expect(render('[Reference](file:///x.md#a) **b** `c`', false)).toBe('Reference: file:///x.md#a b c');
});

it('names cannot become markup', () => {
  for (const name of ['a`b', '``', '`x', '[a](b)', 'a\nb']) {
    const written = code(name);
    const fence = /^`+/.exec(written)![0];
    expect(written.endsWith(fence)).toBe(true);
    expect(written.slice(fence.length, -fence.length)).not.toContain(fence);
    expect(written).not.toContain('\n');
  }
});
