import { describe, expect, it } from 'vitest';
import type { QuantizationReport } from '@quantsmith/schemas';
import { findAll, fixesOf } from '../src/rules/all.js';
import { applied, config } from '../../test/kit/configs.js';

const HEAD = 'model: m.onnx\ndata: {calibration: {arrays: a.npy}}\n';
const WITH_KEY = `${HEAD}quantization:\n  advanced_parameters:\n    overflow_fix: first_layer\n`;

type Overflow = QuantizationReport['overflow'];

const layer = (name: string, pairs: number, fraction: number | null) => ({
  ...{ name, op: 'Conv', half_range: false, worst_case_exceeds: 1.9, pairs_at_risk: pairs },
  saturating_fraction_calibration: fraction,
});

const setting = (fix: string, half: number, saturating: number, metric: number, predicted: number) => ({
  ...{ fix, half_range: half, at_risk: saturating, saturating, metric, predicted },
});

const SETTINGS = [
  setting('disable', 0, 3, 0.93, 0.71),
  setting('first_layer', 1, 2, 0.93, 0.9),
  setting('enable', 4, 0, 0.92, 0.92),
  setting('auto', 3, 0, 0.925, 0.925),
];

function report(overflow: Partial<Overflow>, metric: object | null = {}): QuantizationReport {
  return {
    created: '2026-01-02T03:04:05Z',
    output: { path: '/out/m.int8.onnx' },
    metric:
      metric === null
        ? null
        : {
            ...{
              name: 'top1',
              higher_is_better: true,
              samples: 600,
              baseline: 0.94,
              quantized_initial: 0.93,
            },
            ...{ quantized: 0.93, drop: 0.01, max_drop: null, drop_type: 'absolute', satisfied: null },
            ...{ ci95: [0, 0.02], ...metric },
          },
    restoration: null,
    overflow: {
      fix: 'first_layer',
      layers: [layer('/a', 0, 0), layer('/b', 7, 0.01), layer('/c', 2, 0)],
      predicted: null,
      ...overflow,
    },
    warnings: [],
  } as unknown as QuantizationReport;
}

function risk(given: QuantizationReport, text = WITH_KEY) {
  const document = config(text);
  const context = { baseDir: null, model: null, modelProblem: null, report: given, changed: null };
  const found = findAll(document, context).findings.find(({ code }) => code === 'overflow-risk');
  const fixes = found === undefined ? [] : fixesOf(document, { ...found, data: found.data ?? {} });
  return {
    found,
    text: found === undefined ? '' : text.slice(found.start, found.end),
    titles: fixes.map(({ title }) => title),
    after: fixes[0] === undefined ? text : applied(document, fixes[0].edits),
  };
}

describe('overflow-risk', () => {
  it('says how many layers can saturate and how many do', () => {
    const { found, text } = risk(report({}));
    expect(text).toBe('overflow_fix: first_layer');
    expect(found).toMatchObject({ severity: 'info' });
    expect(found!.message).toBe(
      'On CPUs without VNNI, 16-bit sums can saturate in 2 of 3 layers (/b, /c); in 1 they do on calibration samples. `quantsmith overflow` compares the settings.',
    );
  });

  it('says what is predicted, as a warning when it is worse by more than the noise', () => {
    const predicted = (metric: number) =>
      risk(report({ predicted: { isa: 'avx2', metric, drop: 0.94 - metric } })).found!;
    expect(predicted(0.9)).toMatchObject({ severity: 'warning' });
    expect(predicted(0.925)).toMatchObject({ severity: 'info' });
    expect(predicted(0.9).message).toContain(
      'top1 with first_layer: 90.00 % predicted without VNNI, 93.00 % measured on this machine.',
    );
  });

  it('shows every setting that was compared', () => {
    expect(risk(report({ settings: SETTINGS })).found!.message).toContain(
      'top1 predicted without VNNI (measured on this machine), before restoration: disable 71.00 % (93.00 %), first_layer 90.00 % (93.00 %), enable 92.00 % (92.00 %), auto 92.50 % (92.50 %).',
    );
  });

  it('is silent without layers at risk and settings', () => {
    expect(risk(report({ layers: [layer('/a', 0, 0)] })).found).toBeUndefined();
    expect(risk(report({ layers: [layer('/a', 0, 0)], settings: SETTINGS })).found).toMatchObject({
      severity: 'hint',
    });
  });

  it('offers half range for all layers, and the comparison, while nothing was compared', () => {
    const { titles, after } = risk(report({}));
    expect(titles).toEqual(['Set overflow_fix to enable', 'Compare the settings of overflow_fix']);
    expect(after).toBe(WITH_KEY.replace('first_layer', 'enable'));
  });

  it('offers the best setting, with a target for which auto acts', () => {
    const { titles, after } = risk(report({ settings: SETTINGS }));
    expect(titles).toEqual(['Set overflow_fix to auto for target_isa avx2 (top1 92.50 % without VNNI)']);
    expect(after).toBe(
      `${WITH_KEY.replace('first_layer', 'auto')}    backend_params:\n      target_isa: avx2\n`,
    );
    expect(risk(report({ settings: SETTINGS }), HEAD).after).toContain('overflow_fix: auto');
    const aimed = `${WITH_KEY}    backend_params: {target_isa: avx512}\n`;
    expect(risk(report({ settings: SETTINGS }), aimed).after).toBe(aimed.replace('first_layer', 'auto'));
  });

  it('prefers no saturation where accuracy cannot tell, and accuracy where it can', () => {
    const best = (settings: NonNullable<Overflow['settings']>, metric: object | null = {}) =>
      risk(report({ settings, fix: 'auto' }, metric)).titles[0];
    const close = [setting('disable', 0, 3, 0.93, 0.93), setting('enable', 4, 0, 0.925, 0.925)];
    expect(best(close)).toMatch(/^Set overflow_fix to enable/);
    const costly = [setting('disable', 0, 3, 0.93, 0.93), setting('enable', 4, 0, 0.85, 0.85)];
    expect(best(costly)).toMatch(/^Set overflow_fix to disable/);
    // A lower value is better.
    const errors = [setting('disable', 0, 3, 0.1, 0.9), setting('first_layer', 1, 1, 0.2, 0.2)];
    expect(best(errors, { name: 'mse', higher_is_better: false })).toMatch(/to first_layer/);
    const unmeasured = SETTINGS.map((each) => ({ ...each, metric: null, predicted: null }));
    expect(best(unmeasured, null)).toBe('Set overflow_fix to auto for target_isa avx2');
  });

  it('takes the setting that is best on the target that the config names', () => {
    const aimed = (target: string, settings = SETTINGS) =>
      risk(report({ settings }), `${WITH_KEY}    backend_params: {target_isa: ${target}}\n`);
    // Half range would only cost where 32 bits hold all sums, and there auto is disable.
    const exact = [
      setting('disable', 0, 3, 0.93, 0.71),
      setting('first_layer', 1, 2, 0.92, 0.9),
      setting('enable', 4, 0, 0.9, 0.92),
      setting('auto', 3, 0, 0.94, 0.94),
    ];
    for (const target of ['avx512_vnni', 'avx_vnni', 'amx']) {
      const { found, titles } = aimed(target, exact);
      expect([found!.severity, ...titles]).toEqual(['hint', 'Set overflow_fix to disable (top1 93.00 %)']);
    }

    // Where sums saturate, what the model gives elsewhere does not count.
    const there = [setting('disable', 0, 0, 0.95, 0.8), setting('first_layer', 1, 0, 0.7, 0.9)];
    expect(aimed('avx2', there).titles).toEqual([]);
    expect(risk(report({ settings: there })).titles).toEqual([
      'Set overflow_fix to disable (top1 80.00 % without VNNI)',
    ]);
  });

  it('keeps the present setting where others are no better', () => {
    const same = ['disable', 'first_layer', 'enable'].map((fix) => setting(fix, 0, 0, 0.93, 0.93));
    expect(risk(report({ settings: same, fix: 'enable' })).titles).toEqual([]);
  });

  it('offers no half range unasked where the target does not saturate', () => {
    const text = `${WITH_KEY}    backend_params: {target_isa: amx}\n`;
    const { titles, found } = risk(report({}), text);
    expect(titles).toEqual(['Compare the settings of overflow_fix']);
    expect(found).toMatchObject({ severity: 'hint' });
  });

  it('offers nothing when the config has the best already', () => {
    const text = `${WITH_KEY.replace('first_layer', 'auto')}    backend_params: {target_isa: avx2}\n`;
    expect(risk(report({ settings: SETTINGS, fix: 'auto' }), text).titles).toEqual([]);
  });
});
