import { sampleReport } from '../../test/kit/sampleReport.js';
import { base, quantization, scope, weights, type Case } from './fixCases.js';

const kept = sampleReport({
  restoration: {
    ...sampleReport().restoration!,
    remedies: [
      { setting: 'preset', value: 'mixed', drop: 0.01, kept: true },
      { setting: 'fast_bias_correction', value: 'false', drop: 0.02, kept: true },
      { setting: 'activations_range_estimator_params', value: 'histogram', drop: 0.2, kept: false },
    ],
    reverted: ['/stem/Conv', '/add'],
  },
});

export const CASES_OF_RUNS: Case[] = [
  {
    code: 'accuracy-restored',
    before: { ...base, accuracy_control: { max_drop: 0.01 } },
    title: /Apply .*\(1 excluded\)/,
    after: {
      ...base,
      accuracy_control: { max_drop: 0.01 },
      quantization: { ignored_scope: { names: ['/stem/Conv'] } },
    },
    context: { report: sampleReport() },
  },
  {
    code: 'setting-cost',
    before: scope({ names: ['/add'] }),
    title: /Apply .*preset: mixed, fast_bias_correction: false, 1 excluded/,
    after: quantization({
      ignored_scope: { names: ['/add', '/stem/Conv'] },
      subset_size: 9,
      preset: 'mixed',
      fast_bias_correction: false,
    }),
    context: { report: kept },
  },
  {
    code: 'setting-cost',
    before: scope({ names: [] }),
    title: /Exclude \/add/,
    after: scope({ names: ['/add'] }),
    context: { report: kept },
  },
  {
    code: 'setting-cost',
    before: weights({ num_bits: 4 }),
    title: /num_bits/,
    after: weights({ num_bits: 8 }),
    context: { report: sampleReport() },
  },
  {
    code: 'accuracy-drop',
    before: scope({ names: ['/add'] }),
    title: /^Apply the restored settings \(1 excluded\)$/,
    after: scope({ names: ['/add', '/stem/Conv'] }),
    context: {
      report: sampleReport({
        metric: { ...sampleReport().metric!, satisfied: false },
        restoration: { ...sampleReport().restoration!, reverted: ['/stem/Conv'] },
      }),
    },
  },
  {
    code: 'accuracy-drop',
    before: quantization({ subset_size: 9 }),
    title: /^Apply the restored settings \(overrides: \{names:\[\/add\],num_bits:16\}\)$/,
    after: quantization({ subset_size: 9, overrides: [{ names: ['/add'], num_bits: 16 }] }),
    context: {
      report: sampleReport({
        metric: { ...sampleReport().metric!, satisfied: false },
        restoration: {
          ...sampleReport().restoration!,
          reverted: [],
          remedies: [
            { setting: 'overrides', value: '[{"names":["/add"],"num_bits":16}]', drop: 0.01, kept: true },
          ],
        },
      }),
    },
  },
];

/** Findings of a run stay until the next one. */
export const OF_A_RUN = /^(accuracy|setting)-/;
