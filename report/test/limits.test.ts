import { describe, expect, it } from 'vitest';
import { sampleReport } from '../../test/kit/sampleReport.js';
import { compare, exceededLimits, subjectOfReport, type Limits, type Subject } from '../src/index.js';

const base = subjectOfReport('a.onnx', sampleReport());
const changed = (change: Partial<Subject>): Subject => ({ ...base, path: 'b.onnx', ...change });
const exceeded = (limits: Limits, b: Subject, a: Subject = base) => exceededLimits(compare(a, b), limits);
const messages = (...given: Parameters<typeof exceeded>) => exceeded(...given).map(({ message }) => message);
const metric = (change: Partial<NonNullable<Subject['metric']>>) => ({ ...base.metric!, ...change });

describe('limits of a comparison', () => {
  it('are kept by a model that is alike, none asked for is none exceeded', () => {
    const limits: Limits = { maxDrop: 0, maxLatency: { times: 1 }, maxSize: { times: 1 } };
    expect(exceeded(limits, changed({}))).toEqual([]);
    expect(exceeded({}, changed({ bytes: 1e9 }))).toEqual([]);
  });

  it('hold a drop in the direction of the metric', () => {
    expect(exceeded({ maxDrop: 0.01 }, changed({ metric: metric({ value: 0.96 }) }))).toEqual([
      {
        ...{ limit: 'max_drop', allowed: 0.01, found: expect.closeTo(0.015, 9) },
        message: 'top1 got worse by 0.015 (97.50 % → 96.00 %), 0.01 is allowed.',
      },
    ]);
    expect(exceeded({ maxDrop: 0.015 }, changed({ metric: metric({ value: 0.96 }) }))).toEqual([]);
    const error = (value: number) => metric({ name: 'rmse', higher_is_better: false, value });
    expect(
      messages({ maxDrop: 0.1 }, changed({ metric: error(2.5) }), changed({ metric: error(2) })),
    ).toEqual(['rmse got worse by 0.5 (2.0000 → 2.5000), 0.1 is allowed.']);
    expect(exceeded({ maxDrop: 0 }, changed({ metric: error(1) }), changed({ metric: error(2) }))).toEqual(
      [],
    );
  });

  it.each([
    ['no metric', { metric: null }, 'The drop is not known: there is no metric of b.onnx.'],
    [
      'another metric',
      { metric: metric({ name: 'top5' }) },
      'The drop is not known: one was measured by top1, the other by top5.',
    ],
    [
      'other data',
      { measured_on: { ...base.measured_on!, validation: 'b' } },
      'The drop is not known: the two were not measured on the same validation data.',
    ],
  ])('are not kept by a drop that is not known: %s', (_, change, message) => {
    expect(exceeded({ maxDrop: 1 }, changed(change))).toEqual([
      { limit: 'max_drop', allowed: 1, found: null, message },
    ]);
  });

  it('name the first model where that has no metric', () => {
    expect(messages({ maxDrop: 1 }, changed({}), { ...base, metric: null })).toEqual([
      'The drop is not known: there is no metric of a.onnx.',
    ]);
  });

  it('hold latency and size, absolute or as multiples', () => {
    const slow = changed({ latency_ms: 1.5, bytes: 3_000_000 });
    expect(messages({ maxLatency: { absolute: 1.2 }, maxSize: { absolute: 2_500_000 } }, slow)).toEqual([
      'The latency is 1.50 ms, 1.20 ms is allowed.',
      'The size is 3.00 MB, 2.50 MB is allowed.',
    ]);
    expect(exceeded({ maxLatency: { times: 1.1 }, maxSize: { times: 200 } }, slow)).toEqual([
      {
        ...{ limit: 'max_latency', allowed: 1.1, found: 1.5 },
        message: 'The latency is 1.50 ms, 1.10 ms is allowed.',
      },
    ]);
  });

  it('are not kept by figures that are not known or cannot be compared', () => {
    const elsewhere = { ...base.measured_on!, threads: 8 };
    expect(exceeded({ maxLatency: { times: 2 } }, changed({ measured_on: elsewhere }))).toEqual([
      {
        ...{ limit: 'max_latency', allowed: 2, found: null },
        message: 'The latencies cannot be compared: they were not measured on the same CPU and threads.',
      },
    ]);
    expect(exceeded({ maxLatency: { absolute: 2 } }, changed({ measured_on: elsewhere }))).toEqual([]);
    const unknown = 'The latency of b.onnx is not known.';
    expect(messages({ maxLatency: { absolute: 2 } }, changed({ latency_ms: null }))).toEqual([unknown]);
    expect(messages({ maxLatency: { times: 2 } }, changed({}), { ...base, latency_ms: null })).toEqual([
      unknown,
    ]);
  });
});
