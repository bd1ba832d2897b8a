import { withOutputs } from '@quantsmith/model/onnx';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAggregator } from '../src/statistics/aggregate.js';
import {
  effectiveStatistic,
  type AggregatorType,
  type RangeEstimator,
  type StatisticsType,
} from '../src/ranges/estimator.js';
import { createHistogram } from '../src/statistics/histogram.js';
import { quantileOf, reduceTensor } from '../src/ranges/reduce.js';
import { prepareModel } from '../src/prepare/prepare.js';
import { collectStatistics } from '../src/statistics/collect.js';
import { nanSentinels } from '../src/statistics/finite.js';
import { augmentWithReductions, type Reduction } from '../src/statistics/augment.js';
import { planStatistics } from '../src/statistics/plan.js';
import { createSession, run } from '../src/runtime/session.js';
import { oneWorker } from '../src/runtime/workers.js';
import { floats, ints, loaded, model, node, randoms, value } from '../../test/kit/models.js';
import { vectors } from './vectors.js';

const NO_CLIP = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };
type Statistic = 'min' | 'max' | 'abs_max' | 'mean' | 'quantile' | 'abs_quantile';
const reduce = (values: Float32Array, dims: number[], axis: number | null, type: Statistic, p = 0) =>
  Array.from(reduceTensor(values, dims, axis, type, p, NO_CLIP));

describe('reductions of a sample', () => {
  const values = Float32Array.from({ length: 36 }, (_, i) => i - 26);
  it('agree with the reference', () => {
    const v = vectors<{
      reduce_axes_1_2: Record<Statistic, number[]>;
      reduce_all: Record<Statistic, number>;
    }>('reducers_testfile');
    for (const type of ['min', 'max', 'abs_max', 'mean'] as const) {
      expect(reduce(values, [4, 3, 3], 0, type)).toEqual(v.reduce_axes_1_2[type]);
      expect(reduce(values, [4, 3, 3], null, type)).toEqual([v.reduce_all[type]]);
    }
  });
  it('take channels from any axis', () => {
    const tensor = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    expect(reduce(tensor, [2, 2, 2], 1, 'max')).toEqual([6, 8]);
    expect(reduce(tensor, [2, 2, 2], 2, 'min')).toEqual([1, 2]);
  });
  it('finds the quantiles that sorting finds, whatever repeats or is no number', () => {
    const sorted = (values: readonly number[], p: number) => {
      const all = Float64Array.from(values).sort();
      const position = p * (all.length - 1);
      const below = Math.floor(position);
      const above = Math.min(all.length - 1, below + 1);
      return all[below]! + (position === below ? 0 : (all[above]! - all[below]!) * (position - below));
    };

    const value = fc.oneof(fc.double({ min: -10, max: 10, noNaN: true }), fc.constantFrom(0, 1, Number.NaN));
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 40 }),
        fc.constantFrom(1, 100),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (some, times, p) => {
          const values = Array.from({ length: times }, (_, i) =>
            some.map((each) => each * (1 + (i % 7))),
          ).flat();
          const [found, expected] = [quantileOf(Float64Array.from(values), p), sorted(values, p)];
          if (Number.isNaN(expected)) expect(found).toBeNaN();
          else expect(found).toBeCloseTo(expected, 12);
        },
      ),
    );
  });
  it('interpolate quantiles between order statistics', () => {
    expect(reduce(Float32Array.of(4, 1, 3, 2), [4], null, 'quantile', 0.5)).toEqual([2.5]);
    expect(reduce(Float32Array.of(-4, 1, 3, 2), [4], null, 'abs_quantile', 1)).toEqual([4]);
  });
  it('cut values beyond the limit first', () => {
    const cut = reduceTensor(Float32Array.of(-9, 2, 9), [3], null, 'mean', 0, { low: -1, high: 5 });
    expect(cut[0]).toBe(2);
  });
  it('keep NaN visible', () => {
    for (const type of ['min', 'max', 'abs_max', 'mean'] as const)
      expect(reduce(Float32Array.of(1, Number.NaN, 2), [3], null, type)).toEqual([Number.NaN]);
  });
  it('are the same with bounds beyond all values as without', () => {
    const any = fc.array(fc.float({ noNaN: true, min: -100, max: 100 }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(any, fc.constantFrom(null, 0, 1), (list, axis) => {
        const all = Float32Array.from(list, (value) => value + 0);
        for (const type of ['min', 'max', 'abs_max', 'mean'] as const) {
          const wide = reduceTensor(all, [2, 3], axis, type, 0, { low: -1000, high: 1000 });
          expect(reduce(all, [2, 3], axis, type).map((v) => v + 0)).toEqual(Array.from(wide, (v) => v + 0));
        }
      }),
    );
  });
});

describe('aggregation over samples', () => {
  const fold = (type: Parameters<typeof createAggregator>[0], samples: number[][], p = 0.1) => {
    const aggregator = createAggregator(type, p);
    for (const sample of samples) aggregator.add(sample);
    return Array.from(aggregator.result());
  };

  it('follows the definitions', () => {
    const samples = [
      [1, 10],
      [2, 20],
      [6, 0],
    ];
    expect(fold('min', samples)).toEqual([1, 0]);
    expect(fold('max', samples)).toEqual([6, 20]);
    expect(fold('mean', samples)).toEqual([3, 10]);
    expect(fold('median', samples)).toEqual([2, 10]);
  });
  it('agrees with the reference with and without outliers', () => {
    interface V {
      'aggregators_q0.1': { axis0: Record<'mean_no_outliers' | 'median_no_outliers' | 'median', number[]> };
    }
    const expected = vectors<V>('reducers_testfile')['aggregators_q0.1'].axis0;
    const x = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const times = (factor: number) => x.map((value) => value * factor);
    const outliers = [1e5, -1e5, 2e5, -2e5, 3e5, -3e5, 4e5, -4e5, 5e5];
    const main = [1, 2, 3, 4, 5, 10].map(times);
    const forMedian = [...main, outliers, outliers];
    const forMean = [...main, outliers.map((o) => -o), outliers.map((o) => 1.2 * o)];
    fold('median', forMedian).forEach((got, i) => expect(got).toBeCloseTo(expected.median[i]!, 6));
    fold('median_no_outliers', forMedian).forEach((got, i) =>
      expect(got).toBeCloseTo(expected.median_no_outliers[i]!, 6),
    );
    fold('mean_no_outliers', forMean).forEach((got, i) =>
      expect(got).toBeCloseTo(expected.mean_no_outliers[i]!, 6),
    );
  });
  it('keeps all samples where masking would leave none', () => {
    expect(fold('mean_no_outliers', [[2], [4]])).toEqual([3]);
  });
});

describe('the symmetric upper side', () => {
  it('looks at absolute values', () => {
    const estimator = {
      statistics_type: 'max',
      aggregator_type: 'mean',
      clipping_value: null,
      quantile_outlier_prob: 1e-4,
    } as const;
    expect(effectiveStatistic('max', estimator, true)).toBe('abs_max');
    expect(effectiveStatistic('max', estimator, false)).toBe('max');
    expect(effectiveStatistic('min', { ...estimator, statistics_type: 'min' }, true)).toBe('min');
  });
});

describe('histogram', () => {
  it('keeps the whole range of even values and cuts outliers that cost more than they carry', () => {
    const even = createHistogram({ symmetric: false });
    even.add(Float32Array.from({ length: 10_000 }, (_, i) => i / 10_000));
    expect(even.range().min[0]).toBeCloseTo(0, 2);
    expect(even.range().max[0]).toBeCloseTo(1, 2);
    const outlier = createHistogram({ symmetric: false });
    outlier.add(Float32Array.from({ length: 1_000_000 }, (_, i) => (i < 2 ? 50 : (i / 1_000_000) * 2 - 1)));
    expect(outlier.range().max[0]!).toBeLessThan(25);
  });
  it('does not depend on how the values are split into samples', () => {
    const values = Float32Array.from({ length: 5000 }, (_, i) => Math.sin(i) * (i / 5000));
    const once = createHistogram({ symmetric: true });
    once.add(values);
    const often = createHistogram({ symmetric: true });
    for (let i = 0; i < 5; i++) often.add(values.subarray(i * 1000, (i + 1) * 1000));
    expect(often.range().max[0]!).toBeCloseTo(once.range().max[0]!, 1);
  });
});

describe('histogram against the reference', () => {
  it('searches the same border', () => {
    const expected = vectors<{ histogram_64bins: { searched_min_max: [number, number] } }>(
      'reducers_testfile',
    );
    const histogram = createHistogram({ symmetric: false, bins: 64 });
    for (let s = 0; s < 10; s++) {
      histogram.add(Float32Array.from({ length: 31 }, (_, i) => Math.min(s, 8) * (i + 1 - 16)));
    }

    const { min, max } = histogram.range();
    expect([min[0], max[0]]).toEqual(expected.histogram_64bins.searched_min_max);
  });
});

/** Collects ranges of the input of a small model over samples of shape [1, 3, 3, 3]. */
async function collect(
  samples: readonly Float32Array[],
  estimator: RangeEstimator,
  options: { symmetric: boolean; perChannel: boolean; inGraph: boolean },
) {
  const prepared = await prepareModel(
    loaded(
      model({
        nodes: [node('Neg', ['x'], ['y'])],
        inputs: [value('x', [1, 3, 3, 3])],
        outputs: [value('y', [1, 3, 3, 3])],
      }),
    ),
  );
  const quantizer = {
    id: 'x',
    tensor: 'x',
    targets: [],
    config: {
      numBits: 8,
      mode: options.symmetric ? ('symmetric' as const) : ('asymmetric' as const),
      signednessToForce: null,
      perChannel: options.perChannel,
      narrowRange: false,
    },
    axis: options.perChannel ? 1 : null,
    unified: null,
    atOutput: false,
  };
  const plan = planStatistics(prepared.graph, '.', [quantizer], () => estimator);
  async function* all() {
    for (const [i, data] of samples.entries()) {
      yield await Promise.resolve({
        name: `sample ${i}`,
        feeds: { x: { type: 'float32' as const, dims: [1, 3, 3, 3], data } },
      });
    }
  }

  const { ranges } = await collectStatistics(prepared, plan, [], all(), {
    inGraph: options.inGraph,
    workers: oneWorker(1),
  });
  return ranges.get('x')!;
}

const estimatorOf = (
  types: readonly [StatisticsType, StatisticsType],
  aggregators: readonly [AggregatorType, AggregatorType],
  more: { clip?: number; probability?: number } = {},
): RangeEstimator => {
  const common = { clipping_value: more.clip ?? null, quantile_outlier_prob: more.probability ?? 1e-4 };
  return {
    min: { statistics_type: types[0], aggregator_type: aggregators[0], ...common },
    max: { statistics_type: types[1], aggregator_type: aggregators[1], ...common },
  };
};

/** Zeros with one largest and one smallest value per channel, and ones. */
const SAMPLES = [new Float32Array(27), new Float32Array(27).fill(1)];
[
  [1, -10],
  [0.1, -1],
  [128, -128],
].forEach(([max, min], c) => SAMPLES[0]!.set([max!, min!], 9 * c));

describe.each([true, false])('range estimators against the reference, inGraph %s', (inGraph) => {
  interface Case {
    estimator: string;
    mode: 'symmetric' | 'asymmetric';
    per_channel: boolean;
    max: number | number[];
    min: number | number[];
  }
  const ESTIMATORS: Record<string, RangeEstimator> = {
    MINMAX: estimatorOf(['min', 'max'], ['min', 'max']),
    MEAN_MINMAX: estimatorOf(['min', 'max'], ['mean', 'mean']),
    MEDIAN_MINMAX: estimatorOf(['min', 'max'], ['median', 'median']),
    'QUANTILE p=0.01 mean': estimatorOf(['quantile', 'quantile'], ['mean', 'mean'], { probability: 0.01 }),
  };
  const { activations } = vectors<{ activations: Case[] }>('range_estimators_testfile');
  // On purpose (docs/compatibility.md): samples that would all be masked are kept, and both tails count where the
  // range is symmetric.
  const same = activations.filter(
    (c) =>
      c.estimator !== 'MEAN_NO_OUTLIERS_MINMAX' &&
      !(c.estimator.startsWith('QUANTILE') && c.mode === 'symmetric'),
  );
  it.each(same.map((c) => [`${c.estimator} ${c.mode} per channel ${c.per_channel}`, c] as const))(
    '%s',
    async (_, c) => {
      const got = await collect(SAMPLES, ESTIMATORS[c.estimator]!, {
        symmetric: c.mode === 'symmetric',
        perChannel: c.per_channel,
        inGraph,
      });
      [c.min].flat().forEach((min, i) => expect(got.min[i]).toBeCloseTo(min, 4));
      [c.max].flat().forEach((max, i) => expect(got.max[i]).toBeCloseTo(max, 4));
    },
  );
});

describe.each([true, false])('collecting, inGraph %s', (inGraph) => {
  const options = { symmetric: false, perChannel: false, inGraph };
  it('keeps all samples where the reference would mask them all', async () => {
    const no_outliers = estimatorOf(['min', 'max'], ['mean_no_outliers', 'mean_no_outliers']);
    const got = await collect(SAMPLES, no_outliers, options);
    expect([got.min[0], got.max[0]]).toEqual([-63.5, 64.5]);
  });
  it('looks at both tails of a symmetric quantile', async () => {
    const quantile = estimatorOf(['quantile', 'quantile'], ['max', 'max'], { probability: 0 });
    const negative = [Float32Array.from({ length: 27 }, (_, i) => -i)];
    const got = await collect(negative, quantile, { ...options, symmetric: true });
    expect(got.max[0]).toBe(26);
  });
  it('cuts at clipping_value before it averages', async () => {
    const clipped = estimatorOf(['min', 'max'], ['mean', 'mean']);
    const got = await collect(
      SAMPLES,
      { min: { ...clipped.min, clipping_value: -20 }, max: { ...clipped.max, clipping_value: 6 } },
      options,
    );
    // (−20 + 1) / 2 and (6 + 1) / 2.
    expect([got.min[0], got.max[0]]).toEqual([-9.5, 3.5]);
  });
  it.each([['min', 'max'] as const, ['histogram', 'histogram'] as const])(
    'names the tensor and the sample that is not finite (%s)',
    async (...aggregators) => {
      const bad = SAMPLES[1]!.slice();
      bad[5] = Number.POSITIVE_INFINITY;
      await expect(
        collect([SAMPLES[0]!, bad], estimatorOf(['min', 'max'], aggregators), options),
      ).rejects.toThrow('Tensor "x" becomes Infinity on calibration sample "sample 1".');
    },
  );
});

describe('what follows from other reductions', async () => {
  const prepared = await prepareModel(
    loaded(
      model({
        nodes: [
          node('Conv', ['x', 'w'], ['c']),
          node('Sigmoid', ['c'], ['s']),
          node('Tanh', ['c'], ['t']),
          node('Reshape', ['c', 'flat'], ['r']),
          node('Sigmoid', ['r'], ['u']),
          node('Mul', ['c', 's'], ['y']),
        ],
        inputs: [value('x', [1, 2, 3, 3])],
        outputs: [value('y'), value('t'), value('u')],
        initializers: [floats('w', [4, 2, 1, 1], randoms(8)), ints('flat', [1, -1])],
      }),
    ),
  );
  const of = (tensor: string, kind: Reduction['kind'], axis: number | null = null) => ({
    tensor,
    kind,
    axis,
  });
  const reductions = [
    ...['s', 't', 'u', 'r', 'c'].flatMap((tensor) => [of(tensor, 'max'), of(tensor, 'min')]),
    ...[of('r', 'mean'), of('c', 'mean'), of('s', 'max', 1), of('c', 'max', 1)],
  ];
  const augmented = augmentWithReductions(prepared.model, prepared.graph, reductions, [], 13);
  it('is the same as if it were computed', async () => {
    const direct = withOutputs(prepared.model, ['s', 't', 'u', 'r', 'c']);
    const [reducing, whole] = await Promise.all(
      [augmented.model, direct].map((source) => createSession(source, { threads: 1 })),
    );
    for (const seed of [3, 4, 5]) {
      const feeds = { x: { type: 'float32' as const, dims: [1, 2, 3, 3], data: randoms(18, seed) } };
      const [reduced, tensors] = [await run(reducing!, feeds), await run(whole!, feeds)];
      for (const reduction of reductions) {
        const { data, dims } = tensors[reduction.tensor]!;
        const expected = reduceTensor(data as Float32Array, dims, reduction.axis, reduction.kind, 0, NO_CLIP);
        const got = augmented.read(reduced, reduction);
        expect(got.length).toBe(expected.length);
        got.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 6));
      }
    }

    await Promise.all([reducing!.release(), whole!.release()]);
  });
  it('costs no pass over the tensor: a swish stays one kernel', () => {
    const maxima = augmentWithReductions(
      prepared.model,
      prepared.graph,
      [of('s', 'max'), of('c', 'max'), of('r', 'max')],
      [],
      13,
    );
    const readers = (tensor: string) =>
      maxima.model.graph.node.filter(({ input }) => input.includes(tensor)).map(({ opType }) => opType);
    expect([readers('s'), readers('r')]).toEqual([['Mul'], ['Sigmoid']]);
  });
});

describe('NaN that arises inside the graph', () => {
  const prepare = (nodes: ReturnType<typeof node>[]) =>
    prepareModel(
      loaded(
        model({
          nodes,
          inputs: [value('x', [4])],
          outputs: [value('y', [4])],
        }),
      ),
    );
  it('is looked for in the first tensors behind the operators that can make it', async () => {
    const { graph } = await prepare([
      node('Sqrt', ['x'], ['root']),
      node('Neg', ['root'], ['a']),
      node('Neg', ['a'], ['b']),
      node('Neg', ['x'], ['c']),
      node('Sum', ['b', 'c'], ['y']),
    ]);
    expect(nanSentinels(graph, '.', new Set(['a', 'b', 'c']))).toEqual([
      { tensor: 'a', kind: 'mean', axis: null },
    ]);
  });
  it('stops the calibration', async () => {
    const prepared = await prepare([node('Sqrt', ['x'], ['root']), node('Neg', ['root'], ['y'])]);
    const side = {
      statistic: 'max' as const,
      aggregator: 'max' as const,
      probability: 0,
      outlierProbability: 0,
      clip: NO_CLIP,
    };
    const plan = [{ quantizer: 'q', tensor: 'root', axis: null, symmetric: true, min: null, max: side }];
    async function* all() {
      const data = Float32Array.of(1, -1, 4, 9);
      yield await Promise.resolve({
        name: 'a.pb',
        feeds: { x: { type: 'float32' as const, dims: [4], data } },
      });
    }

    await expect(
      collectStatistics(prepared, plan, [], all(), { inGraph: true, workers: oneWorker(1) }),
    ).rejects.toThrow('Tensor "root" becomes NaN on calibration sample "a.pb".');
  });
});
