import { describe, expect, it } from 'vitest';
import {
  remedyGroups,
  remedyText,
  reportedRemedy,
  resolveConfig,
  withChange,
  type QuantizationConfig,
} from '@quantsmith/schemas';
import { tune } from '../src/restore/tune.js';
import { tuningBudget, workOf } from '../src/restore/tuningWork.js';

const config = (quantization: QuantizationConfig['quantization'] = {}): QuantizationConfig => ({
  model: 'm.onnx',
  data: { calibration: { images: 'x' } },
  quantization,
});
/** A value as a report has it. */
const written = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
const groupsOf = (quantization?: QuantizationConfig['quantization']) =>
  remedyGroups(resolveConfig(config(quantization))).map((group) =>
    group.map(({ setting, value }) => `${setting}=${written(value)}`),
  );

describe('remedies', () => {
  it('are the other preset, range estimators and the other bias correction', () => {
    expect(groupsOf()).toEqual([
      ['preset=mixed'],
      ['minmax', 'mean_minmax', 'median_minmax', 'mean_quantile', 'histogram'].map(
        (name) => `activations_range_estimator_params=${name}`,
      ),
      ['fast_bias_correction=false'],
    ]);
  });
  it('are the strengths of SmoothQuant too for transformers, and no correction where it is off', () => {
    const groups = groupsOf({
      model_type: 'transformer',
      advanced_parameters: { disable_bias_correction: true },
    });
    expect(groups.at(-1)).toEqual(
      ['0.15', '0.25', '0.5', '0.75'].map((value) => `smooth_quant_alphas.matmul=${value}`),
    );
    expect(groups.flat()).not.toContain('fast_bias_correction=false');
  });
  it('change what they name and leave the rest of the settings', () => {
    const changed = withChange(
      config({ subset_size: 7, advanced_parameters: { smooth_quant_alphas: { convolution: 0.5 } } }),
      { preset: 'mixed', advanced_parameters: { smooth_quant_alphas: { matmul: 0.25 } } },
    );
    expect(changed.quantization).toEqual({
      subset_size: 7,
      preset: 'mixed',
      advanced_parameters: { smooth_quant_alphas: { convolution: 0.5, matmul: 0.25 } },
    });
  });
});

describe('remedies of single layers', () => {
  const layers = { noisy: ['a', 'b'], saturating: ['a'] };
  const values = (quantization: QuantizationConfig['quantization']) =>
    remedyGroups(resolveConfig(config(quantization)), layers)
      .flat()
      .filter(({ setting }) => setting === 'overrides');

  it('are half range where sums saturate, and 16 bits where the size counts', () => {
    expect(values({}).map(({ value }) => value)).toEqual([[{ names: ['a'], half_range: true }]]);
    expect(values({ optimize_for: 'size' }).map(({ value }) => value)).toEqual([
      [{ names: ['a'], half_range: true }],
      [{ names: ['a'], num_bits: 16 }],
      [{ names: ['b'], num_bits: 16 }],
    ]);
  });
  it('come after the overrides that are there, and lead from a report back to the config', () => {
    const stated = { names: ['c'], float: true };
    const [first] = values({ overrides: [stated] });
    expect(first!.change).toEqual({ overrides: [stated, { names: ['a'], half_range: true }] });
    expect(reportedRemedy('overrides', remedyText(first!.value))).toEqual({
      path: ['quantization', 'overrides'],
      value: first!.value,
    });
  });
});

describe('a remedy of a report', () => {
  it('leads to its place in a config, with a value of the type that the setting has', () => {
    const quantization = { model_type: 'transformer' as const };
    const tried = remedyGroups(resolveConfig(config(quantization))).flat();
    expect(new Set(tried.map(({ value }) => typeof value))).toEqual(new Set(['string', 'boolean', 'number']));
    for (const { setting, value, change } of tried) {
      const reported = reportedRemedy(setting, written(value))!;
      expect(reported.value).toBe(value);
      const changed = withChange(config(quantization), change);
      expect(
        reported.path.reduce((inner: unknown, key) => (inner as Record<string, unknown>)[key], changed),
      ).toBe(value);
    }

    expect(reportedRemedy('unknown', '1')).toBeUndefined();
  });
});

const ENDLESS = { isLate: () => false, work: () => 1, budget: Number.POSITIVE_INFINITY };

describe('tuning', () => {
  const groups = remedyGroups(resolveConfig(config()));
  /** Drops by what is set. */
  const drops = (change: NonNullable<QuantizationConfig['quantization']>) =>
    0.1 -
    (change.preset === 'mixed' ? 0.02 : 0) -
    (change.advanced_parameters?.activations_range_estimator_params === 'histogram' ? 0.03 : 0) +
    (change.fast_bias_correction === false ? 0.01 : 0);
  it('keeps the best of each group on top of those before', async () => {
    const tried: unknown[] = [];
    const result = await tune(groups, 0.1, 0, (change, { value }) => {
      tried.push(value);
      return Promise.resolve(drops(change));
    }, ENDLESS); // prettier-ignore
    expect(result.drop).toBeCloseTo(0.05, 12);
    expect(result.change).toMatchObject({
      preset: 'mixed',
      advanced_parameters: { activations_range_estimator_params: 'histogram' },
    });
    expect(result.change.fast_bias_correction).toBeUndefined();
    expect(result.tried.filter(({ kept }) => kept).map(({ value }) => value)).toEqual(['mixed', 'histogram']);
    expect(tried).toHaveLength(7);
  });
  it('ends with the first that meets the target', async () => {
    const result = await tune(groups, 0.1, 0.085, (change) => Promise.resolve(drops(change)), ENDLESS); // prettier-ignore
    expect(result.tried.map(({ value }) => value)).toEqual(['mixed']);
  });
  it('ends when time is up', async () => {
    const result = await tune(groups, 0.1, 0, () => Promise.reject(new Error('no time')), { ...ENDLESS, isLate: () => true }); // prettier-ignore
    expect(result).toEqual({ change: {}, drop: 0.1, tried: [] });
  });
  it('passes over what the budget does not suffice for, and goes on with what it does', async () => {
    const tried: unknown[] = [];
    const facts = { calibration: 100, validation: 200, deciding: 50, layers: 60 };
    await tune(groups, 0.1, 0, (_, { value }) => {
      tried.push(value);
      return Promise.resolve(0.1);
    }, { isLate: () => false, budget: tuningBudget(facts), work: (remedy) => workOf(remedy, facts) }); // prettier-ignore
    // 3 · (100 + 2 · 200) = 1500: 4 · (50 + 100) = 600 and 50 + 600 are spent; another 650, and 50 + 60 · (20 + 8), are too much.
    expect(tried).toEqual(['mixed', 'minmax', 'mean_minmax', 'median_minmax', 'mean_quantile']);
  });
  it('is a matter of counts: a model of few layers and many samples has its biases corrected accurately', () => {
    const facts = { calibration: 300, validation: 2000, deciding: 300, layers: 14 };
    const accurate = { setting: 'fast_bias_correction', value: false, change: {} };
    expect(workOf(accurate, facts)).toBe(300 + 14 * 68);
    expect(tuningBudget(facts)).toBe(12_900);
  });
});
