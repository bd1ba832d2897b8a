import { expect, it } from 'vitest';
import { sweepFront } from '@quantsmith/schemas';
import { sweepHtml, sweepMarkdown, sweepText } from '../src/index.js';
import { sampleReport } from '../../test/kit/sampleReport.js';

const report = (quantized: number, latency: number, bytes: number) => {
  const base = sampleReport();
  return {
    ...base,
    metric: { ...base.metric!, quantized },
    latency_ms: { ...base.latency_ms!, quantized_median: latency },
    size: { ...base.size, quantized_bytes: bytes },
  };
};

it('the front has the runs that no other one beats in everything', () => {
  const best = report(0.9, 2, 100);
  const fast = report(0.8, 1, 100);
  const small = report(0.7, 3, 50);
  const beaten = report(0.8, 2, 100);
  const equal = report(0.9, 2, 100);
  const other = { ...report(0.99, 0.1, 1), metric: { ...best.metric, name: 'f1' } };
  expect(sweepFront([best, fast, small, beaten, equal, null, other])).toEqual([
    ...[true, true, true, false, true],
    ...[false, false],
  ]);
});

it('without a metric the worst output decides', () => {
  const levels = (...all: (number | null)[]) => ({
    ...report(0, 1, 1),
    metric: null,
    outputs: all.map((sqnr_db) => ({
      name: 'y',
      ...{ sqnr_db, cosine: null, agreement: null, weak_correlation: null },
    })),
  });
  expect(sweepFront([levels(30, 10), levels(20, null), levels()])).toEqual([false, true, false]);
});

it('names of hostile files stay in their cells', () => {
  const run = { label: 'a|b\n# c', report: report(0.9, 1, 1), href: 'x', onFront: true, failure: null };
  const failed = { label: 'd', report: null, href: null, onFront: false, failure: '**no**' };
  const work = { runs: 2, kept: 0, calibrations: 1, float_validations: 1 };
  const text = sweepMarkdown([run, failed], { work, stages: [], timeLimit: null, seconds: 1.25 });
  expect(text).toContain(', 1 on the Pareto front');
  expect(text).not.toMatch(/^# c/m);
  expect(text).not.toContain('**no**');
});

it('charts say nothing where they are not drawn: the table has it all', () => {
  const runs = [report(0.9, 2, 100), report(0.8, 1, 50)].map((made, index) => ({
    ...{ label: `run ${index}`, report: made, href: null, onFront: true, failure: null },
  }));
  const work = { runs: 2, kept: 0, calibrations: 1, float_validations: 1 };
  const outcome = { work, stages: [], timeLimit: null, seconds: 1 };
  for (const text of [sweepText(runs, outcome), sweepMarkdown(runs, outcome)]) {
    expect(text).not.toContain('table below');
    expect(text).not.toMatch(/\n{3}/);
  }

  expect(sweepHtml(runs, outcome).match(/2 runs; the table below has every figure/g)).toHaveLength(2);
});
