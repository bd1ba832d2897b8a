import type { OverflowSummary, SensitivityReport } from '@quantsmith/schemas';
import { describe, expect, it } from 'vitest';
import { sampleReport } from '../../test/kit/sampleReport.js';
import { speedOf } from '../src/commands/doctor.js';
import { overflowText } from '../src/commands/overflow.js';
import { sensitivityText } from '../src/commands/sensitivity.js';
import { comparison } from '../src/run/verify.js';
import { summaryTable } from '../src/output/summary.js';

const rowsOf = (text: string) => text.split('\n').map((line) => line.trim().split(/ {2,}/));

describe('what doctor says of a CPU', () => {
  it.each([
    ['x64', [], 'The instruction sets of this CPU cannot be read on this system'],
    ['arm64', ['neon_i8mm', 'neon_dot'], '8-bit products run on matrix instructions (i8mm): fast.'],
    ['arm64', ['neon_dot'], '8-bit products run on dot-product instructions: fast.'],
    ['arm64', ['neon'], '8-bit products have no dedicated instruction'],
    ['x64', ['avx512_vnni', 'amx'], '8-bit products run on AMX tiles and VNNI'],
    ['x64', ['avx_vnni'], '8-bit products run on VNNI'],
    ['x64', ['avx2'], '8-bit products run on AVX2 without VNNI'],
    ['x64', ['sse4'], '8-bit products have no fast instructions here'],
  ])('%s with %j', (arch, isa, text) => {
    const sentences = speedOf({ model: 'A CPU', arch, isa });
    expect(sentences[0]).toContain(text);
    const saturates = sentences.some((sentence) =>
      sentence.startsWith('16-bit sums can saturate on this CPU'),
    );
    expect(saturates).toBe(isa.includes('avx2') || isa.includes('sse4'));
  });
});

describe('the layers that can saturate', () => {
  type OverflowLayer = OverflowSummary['layers'][number];
  const layer = (change: Partial<OverflowLayer>): OverflowLayer => ({
    ...{ name: '/conv', op: 'Conv', pairs_at_risk: 12, worst_case_exceeds: 1.234 },
    ...{ saturating_fraction_calibration: null, outputs_at_risk: 3, outputs: 8 },
    ...(change as OverflowLayer),
  });

  it('are a table, with dashes for what was not measured', () => {
    const text = overflowText({
      layers: [
        layer({}),
        layer({ name: '/gemm', saturating_fraction_calibration: 0.001, saturation_sqnr_db: 31.26 }),
        layer({ name: '/safe', pairs_at_risk: 0 }),
      ],
      ...{ settings: [], metric: null },
    });
    const rows = rowsOf(text);
    expect(rows[0]![0]).toBe('layer');
    expect(rows[1]!.slice(0, 3)).toEqual(['/conv', 'Conv', '12']);
    expect(rows[1]!.slice(-3)).toEqual(['123 %', '–', '–']);
    expect(rows[2]!.slice(-3)).toEqual(['123 %', '0.1000 %', '31.3']);
    expect(text).toContain('16-bit sums can saturate in 2 of 3 layers with 8-bit weights.');
    expect(text).not.toContain('/safe');
  });

  it('are none in a model without 8-bit weights', () => {
    expect(overflowText({ layers: [], settings: [], metric: null })).toBe(
      'The model has no layer with constant 8-bit weights: nothing can saturate.',
    );
  });

  it('come with what each setting gives, by the metric where there is one', () => {
    const setting = {
      fix: 'disable',
      half_range: 0,
      at_risk: 2,
      saturating: 1,
      metric: 0.975,
      predicted: null,
    };
    const settings = [setting] as unknown as OverflowSummary['settings'];
    const measured = rowsOf(overflowText({ layers: [], settings, metric: 'top1' }));
    expect(measured.slice(-2)).toEqual([
      ['overflow_fix', 'half range', 'at risk', 'saturate', 'top1', 'without VNNI'],
      ['disable', '0', '2', '1', '97.50 %', '–'],
    ]);
    expect(rowsOf(overflowText({ layers: [], settings, metric: null })).at(-1)).toEqual([
      'disable',
      '0',
      '2',
      '1',
    ]);
  });
});

describe('what quantizing each layer alone does', () => {
  const layers: SensitivityReport['layers'] = [
    {
      ...{ operators: ['/conv', '/relu'], op: 'Conv', weight_sqnr_db: 40.04, output_sqnr_db: 20.25 },
      inputs: [
        { tensor: 'x', sqnr_db: 35 },
        { tensor: 'y', sqnr_db: 31.2 },
        { tensor: 'z', sqnr_db: null },
      ],
      ...{ metric: 0.97, drop: 0.01 },
    },
    {
      ...{ operators: ['/add'], op: 'Add', weight_sqnr_db: null, inputs: [], output_sqnr_db: null },
      ...{ metric: 0.98, drop: 0 },
    },
  ];

  it('is a table with the worst input, and the metric where it was measured', () => {
    const metric = { name: 'top1', samples: 600, float: 0.98 };
    const text = sensitivityText({ schema_version: 1, samples: 16, metric, layers });
    expect(rowsOf(text).slice(0, 3)).toEqual([
      ['operators', 'type', 'weights dB', 'inputs dB', 'outputs dB', 'top1', 'drop'],
      ['/conv, /relu', 'Conv', '40.0', '31.2', '20.3', '0.9700', '0.0100'],
      ['/add', 'Add', '–', '–', '–', '0.9800', '0.0000'],
    ]);
    expect(text).toContain(
      "Signal to noise on 16 calibration samples; top1 on 600 samples, the float model's is 0.9800.",
    );
  });

  it('goes without a metric', () => {
    const text = sensitivityText({ schema_version: 1, samples: 16, metric: null, layers });
    expect(rowsOf(text)[2]).toEqual(['/add', 'Add', '–', '–', '–']);
    expect(text).toMatch(/on 16 calibration samples\.$/);
  });
});

describe('the last lines of a run', () => {
  const on = (value: number, outputs: string[]) => ({ metric: { name: 'top1', value }, outputs });

  it('compare an emulated CPU with this one', () => {
    expect(comparison('haswell', on(0.98, ['a', 'b']), on(0.98, ['a', 'b']))).toBe(
      'haswell: top1 98.00 %, here 98.00 %; the outputs of all 2 samples are bit-identical',
    );
    expect(comparison('haswell', on(0.98, ['a', 'b']), on(0.5, ['a', 'c']))).toBe(
      'haswell: top1 50.00 %, here 98.00 %; the outputs of 1 of 2 samples are bit-identical',
    );
  });

  it('name what was written', () => {
    const rows = rowsOf(summaryTable(sampleReport()));
    expect(rows.slice(-2)).toEqual([
      ['model', '/models/net.int8.onnx'],
      ['report', '/models/net.int8.onnx.report.json'],
    ]);
  });
});
