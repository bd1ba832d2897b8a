import { describe, expect, it } from 'vitest';
import type { QuantizationReport } from '@quantsmith/schemas';
import { applied, config } from '../../test/kit/configs.js';
import { sampleReport } from '../../test/kit/sampleReport.js';
import { hover } from '../src/features/hover.js';
import { inlayHints } from '../src/features/inlayHints.js';
import { findAll, fixesOf } from '../src/rules/all.js';
import type { Change } from '../src/context/context.js';

const HEAD = 'model: m.onnx\ndata: {calibration: {arrays: a.npy}}\n';
const report = sampleReport({
  choices: [
    {
      setting: 'preset',
      value: 'mixed',
      sqnr_db: 21.04,
      samples: 15,
      held_out: false,
      over: [{ value: 'performance', sqnr_db: 15, metric: null }],
      seconds: 1,
    },
    {
      setting: 'advanced_parameters.smooth_quant_alphas',
      value: 'matmul 0.5',
      sqnr_db: 30,
      samples: 15,
      held_out: false,
      over: [
        { value: 'matmul 0.95', sqnr_db: 29.5, metric: null },
        { value: 'matmul -1', sqnr_db: 20, metric: null },
      ],
      seconds: 1,
    },
  ],
  pinned: { defaults: 'nncf', preset: 'mixed' },
});

function findings(text: string, changed: Change, of: QuantizationReport = report) {
  const document = config(text);
  const context = { baseDir: null, model: null, modelProblem: null, report: of, changed };
  const codes = ['against-evidence', 'choices-open', 'defaults-changed'];
  const found = findAll(document, context).findings.filter(({ code }) => codes.includes(code));

  return found.map((finding) => {
    const [fix] = fixesOf(document, { ...finding, data: finding.data ?? {} });
    return { ...finding, fixed: fix === undefined ? '' : applied(document, fix.edits) };
  });
}

describe('choices of the last run', () => {
  it('speak against a stated value that was measured to be worse', () => {
    const [finding, ...others] = findings(`${HEAD}quantization: {preset: performance}\n`, 'config');
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ code: 'against-evidence', severity: 'info' });
    expect(finding?.message).toMatch(
      /^preset: performance: 6\.0 dB below mixed on 15 calibration samples of the last run/,
    );
    expect(finding?.fixed).toBe(`${HEAD}quantization: {preset: mixed}\n`);
  });
  it('say nothing where the value was not measured, is about as good, or the model or the data are others', () => {
    const smooth = (alpha: number) =>
      `${HEAD}quantization:\n  advanced_parameters:\n    smooth_quant_alphas: {matmul: ${alpha}}\n`;
    expect(findings(smooth(0.95), 'config')).toEqual([]);
    expect(findings(smooth(0.2), 'config')).toEqual([]);
    expect(findings(smooth(-1), 'config')[0]?.fixed).toBe(smooth(0.5));
    for (const changed of ['model', 'data', 'unknown'] as const)
      expect(findings(`${HEAD}quantization: {preset: performance}\n`, changed)).toEqual([]);
  });
  it('can be pinned while they are those of this config', () => {
    const [finding] = findings(`${HEAD}quantization: {subset_size: 20}\n`, null);
    expect(finding).toMatchObject({ code: 'choices-open', severity: 'hint' });
    expect(finding?.fixed).toBe(`${HEAD}quantization: {subset_size: 20, defaults: nncf, preset: mixed}\n`);
    expect(findings(`${HEAD}quantization: {subset_size: 20}\n`, 'config')).toEqual([]);
  });
  it('are announced to a config whose last run had fixed defaults', () => {
    const { choices, ...older } = report;
    expect(choices).toBeDefined();
    const [finding] = findings(`${HEAD}quantization: {subset_size: 20}\n`, null, older);
    expect(finding).toMatchObject({ code: 'defaults-changed', severity: 'info' });
    expect(finding?.fixed).toBe(`${HEAD}quantization: {subset_size: 20, defaults: nncf}\n`);
    expect(findings(`${HEAD}quantization: {defaults: nncf}\n`, null, older)).toEqual([]);
  });
  it('are shown with their evidence', () => {
    const document = config(`${HEAD}quantization:\n  preset: null\n`);
    const context = { model: null, config: { model: 'm' } as never, report, changed: null };
    const labels = inlayHints(
      document,
      { start: { line: 0, character: 0 }, end: { line: 9, character: 0 } },
      context,
    );
    expect(labels.map(({ label }) => label)).toEqual(
      expect.arrayContaining(['mixed (21.0 dB)', 'smooth_quant_alphas matmul 0.5 (30.0 dB)']),
    );
    const shown = hover(document, { line: 3, character: 4 }, { ...context, markdown: false });
    expect(JSON.stringify(shown?.contents)).toContain(
      'The last run chose mixed: 21.0 dB at the outputs on 15 calibration samples, over performance (15.0 dB).',
    );
  });
});
