import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { QuantizationConfig, QuantizationReport } from '@quantsmith/schemas';
import { findAll, type RuleContext } from '../src/rules/all.js';
import { config } from '../../test/kit/configs.js';
import { summary } from '../../test/kit/summary.js';
import { fixed, NOTHING } from './ruleKit.js';

describe('after a run', () => {
  const report = (metric: object, more: object = {}) =>
    ({
      created: '2026-01-02T03:04:05Z',
      output: { path: '/out/m.int8.onnx' },
      metric: {
        name: 'top1',
        higher_is_better: true,
        samples: 600,
        baseline: 0.98,
        quantized_initial: 0.93,
        quantized: 0.93,
        drop: 0.05,
        max_drop: 0.01,
        drop_type: 'absolute',
        satisfied: false,
        ci95: [0.03, 0.07],
        ...metric,
      },
      choices: [],
      restoration: { reverted: ['/stem/Conv'] },
      overflow: { layers: [] },
      warnings: [],
      ...more,
    }) as unknown as QuantizationReport;
  const data = 'data: {calibration: {arrays: a.npy}, validation: {arrays: v.npy, labels: l.npy}}';
  const text = `model: m.onnx\n${data}\nquantization:\n  advanced_parameters:\n    weights_quantization_params:\n      num_bits: 4\naccuracy_control:\n  max_drop: 0.01\n`;
  const findings = (given: QuantizationReport, changed: RuleContext['changed'] = null) =>
    findAll(config(text), { ...NOTHING, report: given, changed }).findings;

  it('a missed target is an error on its line, within the noise only a note', () => {
    const [missed] = findings(report({}));
    expect(missed).toMatchObject({
      code: 'accuracy-drop',
      severity: 'error',
      path: ['accuracy_control', 'max_drop'],
    });
    expect(missed!.message).toMatch(
      /600 samples, drop 5\.00 points, 95 % interval \[3\.00 points, 7\.00 points\]/,
    );
    expect(findings(report({ max_drop: -0.0189 }))[0]!.message).toContain('; a gain of 1.89 points needed.');
    expect(
      findings(report({ drop: -0.001, ci95: [-0.004, 0.002], max_drop: -0.0189 }))[0]!.message,
    ).toContain(
      ', gain 0.10 points, 95 % interval [-0.20 points, 0.40 points]; a gain of 1.89 points needed.',
    );
    const rate = { name: 'perplexity', higher_is_better: false, baseline: 20, quantized: 21 };
    expect(findings(report({ ...rate, drop: 1, ci95: null, max_drop: -2 }))[0]!.message).toContain(
      'perplexity 20.000 → 21.000 on 600 samples, rise 1.000; a fall of 2.000 needed.',
    );
    expect(findings(report({ ci95: [0.005, 0.07] }))[0]).toMatchObject({ severity: 'info' });
  });

  it('a damaged output is an error, and nothing is called kept over it', () => {
    const damaged = { code: 'output-damaged', severity: 'error', message: 'Damaged.', config_path: [] };
    const kept = report(
      { quantized: 0.97, quantized_initial: 0.97, drop: 0.01, satisfied: true },
      { warnings: [damaged] },
    );
    expect(findings(kept).map(({ code, severity }) => [code, severity])).toEqual([['run-warning', 'error']]);
  });

  it('what restoration had to repair stands on the setting that cost it', () => {
    const restored = report({ quantized: 0.975, drop: 0.005, satisfied: true, ci95: [-0.01, 0.02] });
    expect(findings(restored).map(({ code, severity }) => [code, severity])).toEqual([
      ['setting-cost', 'warning'],
      ['accuracy-restored', 'info'],
    ]);
    expect(fixed(text, 'accuracy-restored', { report: restored }, /restored settings \(1 excluded\)/)).toBe(
      text
        .replace('  advanced_parameters', '  advanced_parameters')
        .replace(
          '      num_bits: 4\n',
          '      num_bits: 4\n  ignored_scope:\n    names:\n      - /stem/Conv\n',
        ),
    );
    expect(fixed(text, 'setting-cost', { report: restored }, /num_bits/)).toBe(text.replace('4', '8'));
  });

  it('what the editor finds by itself is not told again as a warning of the run', () => {
    const inner = summary({ nodes: [{ name: 'inner', op: 'MatMul' }] }).nodes;
    const model = summary({
      nodes: [
        { name: 'outer', op: 'MatMul', constants: { 1: [4, 4] } },
        { name: 'if', op: 'If', bodies: inner },
      ],
    });
    const warning = (code: string, path: string[]) => ({
      code,
      severity: 'info',
      message: 'Again.',
      config_path: path,
    });
    const warned = report(
      { drop: 0.001, satisfied: true, quantized: 0.98, quantized_initial: 0.98 },
      {
        restoration: null,
        warnings: [
          warning('operators-in-bodies', ['model']),
          warning('operators-in-bodies', ['data']),
          warning('latency-not-alone', ['model']),
        ],
      },
    );
    const { findings: all } = findAll(config(text), { ...NOTHING, model, report: warned, changed: null });
    expect(
      all
        .filter(({ path }) => path[0] === 'model' || path[0] === 'data')
        .map(({ code, path, data }) => [code, path[0], data?.['warning']]),
    ).toEqual([
      ['run-warning', 'model', 'latency-not-alone'],
      ['operators-in-bodies', 'model', undefined],
      ['run-warning', 'data', 'operators-in-bodies'],
    ]);
  });

  it('settings that made it better have cost nothing', () => {
    const better = report({ quantized: 0.995, quantized_initial: 0.99, drop: -0.015, satisfied: true });
    expect(findings(better).map(({ code }) => code)).toEqual(['accuracy-restored']);
  });

  it('settings that restoration kept are written as values of their type', () => {
    const kept = (setting: string, value: string) => ({ setting, value, drop: 0.01, kept: true });
    const tuned = report(
      { quantized: 0.97, drop: 0.01, satisfied: true },
      {
        restoration: {
          reverted: [],
          remedies: [
            kept('preset', 'mixed'),
            kept('fast_bias_correction', 'false'),
            kept('smooth_quant_alphas.matmul', '0.25'),
          ],
        },
      },
    );

    const after = fixed(text, 'setting-cost', { report: tuned }, /restored settings/);
    expect((parse(after) as QuantizationConfig).quantization).toMatchObject({
      preset: 'mixed',
      fast_bias_correction: false,
      advanced_parameters: { smooth_quant_alphas: { matmul: 0.25 } },
    });
  });

  it('a run of something else gives one hint', () => {
    for (const changed of ['config', 'model', 'data'] as const)
      expect(findings(report({}), changed).map(({ code, severity }) => [code, severity])).toEqual([
        ['report-stale', 'hint'],
      ]);
  });
});
