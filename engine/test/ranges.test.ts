import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { QuantizerConfig } from '../src/placement/types.js';
import { alignZero, fromBorders, quantizerParameters, roundHalfEven } from '../src/ranges/parameters.js';
import { vectors } from './vectors.js';

interface GridCase {
  min: number;
  max: number;
  stat_max_passed: number;
  mode: 'symmetric' | 'asymmetric';
  group: 'activations' | 'weights';
  narrow_range: boolean;
  half_range: boolean;
  signedness_to_force: boolean | null;
  num_bits?: number;
  levels?: number;
  low?: number;
  high?: number;
  scale?: number;
  zero_point?: number;
  tensor_type?: string;
  error?: string;
}

const config = (over: Partial<QuantizerConfig>): QuantizerConfig => ({
  numBits: 8,
  mode: 'symmetric',
  signednessToForce: null,
  perChannel: false,
  narrowRange: false,
  ...over,
});
const close = (actual: number, expected: number) =>
  expect(Math.abs(actual - expected), `${actual} against ${expected}`).toBeLessThanOrEqual(
    2e-6 * Math.abs(expected) + 1e-12,
  );

describe('quantizer parameters against the reference grid', () => {
  const { cases } = vectors<{ cases: GridCase[] }>('quantizer_params_grid_oracle');
  it.each(cases.map((c) => [JSON.stringify(c).slice(0, 160), c] as const))('%s', (_, c) => {
    const make = () =>
      quantizerParameters(
        { min: Float32Array.of(c.min), max: Float32Array.of(c.stat_max_passed) },
        config({
          mode: c.mode,
          narrowRange: c.narrow_range,
          signednessToForce: c.signedness_to_force,
          numBits: c.num_bits ?? 8,
        }),
        { group: c.group, halfRange: c.half_range },
      );
    if (c.error !== undefined) return expect(make).toThrow();
    const got = make();
    close(got.low[0]!, c.low!);
    close(got.high[0]!, c.high!);
    close(got.scale[0]!, c.scale!);
    expect(got.levels).toBe(c.levels);
    // On purpose (docs/compatibility.md): a forced sign also holds in asymmetric mode, where the peer ignores it.
    const moved =
      c.mode === 'asymmetric' &&
      c.group === 'activations' &&
      c.signedness_to_force === true &&
      c.tensor_type === 'uint8';
    expect(got.storage).toBe(moved ? 'int8' : c.tensor_type);
    // On purpose (N18): half range without narrow range keeps zero at code 0.
    expect(got.zeroPoint[0]).toBe(c.half_range && !c.narrow_range ? 0 : c.zero_point! - (moved ? 128 : 0));
  });
});

describe('per-channel weights against the reference', () => {
  interface Case {
    absmax: number[];
    narrow_range: boolean;
    half_range: boolean;
    low: number[];
    high: number[];
    scale: number[];
  }
  const { cases } = vectors<{ cases: Case[] }>('per_channel_weight_grid_oracle');
  it.each(cases.map((c) => [JSON.stringify(c).slice(0, 90), c] as const))('%s', (_, c) => {
    const max = Float32Array.from(c.absmax);
    const got = quantizerParameters(
      { min: max.map((x) => -x), max },
      config({ narrowRange: c.narrow_range, signednessToForce: true, perChannel: true }),
      { group: 'weights', halfRange: c.half_range },
    );
    c.scale.forEach((scale, i) => close(got.scale[i]!, scale));
    c.low.forEach((low, i) => close(got.low[i]!, low));
    c.high.forEach((high, i) => close(got.high[i]!, high));
  });
});

describe('alignment of zero against the reference', () => {
  interface Case {
    low: number | number[];
    high: number | number[];
    num_bits: number;
    out_low: number;
    out_high: number;
  }
  const { cases } = vectors<{ cases: Case[] }>('tune_range_oracle');
  // The unify_zp variant (lists) serves other backends; the engine unifies ranges instead.
  it.each(cases.filter((c) => typeof c.low === 'number').map((c) => [JSON.stringify(c), c] as const))(
    '%s',
    (_, c) => {
      const got = alignZero(Math.fround(c.low as number), Math.fround(c.high as number), c.num_bits);
      close(got.low, c.out_low);
      close(got.high, c.out_high);
    },
  );
});

describe('scale and zero point against the reference', () => {
  interface Case {
    low: number | number[];
    high: number | number[];
    level_low: number;
    level_high: number;
    narrow_range: boolean;
    scale: number | number[];
    zero_point: number | number[];
  }
  const { cases } = vectors<{ cases: Case[] }>('scale_zero_point_testfile');
  const list = (x: number | number[]) => Float32Array.from([x].flat());
  it.each(cases.map((c) => [JSON.stringify(c), c] as const))('%s', (_, c) => {
    const codes = c.level_high - c.level_low + 1;
    const got = fromBorders(
      list(c.low),
      list(c.high),
      codes - (c.narrow_range ? 1 : 0),
      c.level_low < 0,
      config({ numBits: Math.log2(codes), narrowRange: c.narrow_range }),
    );
    // The file gives three to eight digits.
    [c.scale].flat().forEach((scale, i) => expect(Math.abs(got.scale[i]! / scale - 1)).toBeLessThan(5e-4));
    expect(Array.from(got.zeroPoint)).toEqual([c.zero_point].flat());
  });
});

describe('borders and levels against the reference', () => {
  interface File {
    stats: { min: number; max: number; min_ch: number[]; max_ch: number[] };
    cases: { key: string; levels: number; low: number | number[]; high: number | number[] }[];
    must_fail: { mode: 'asymmetric'; group: 'weights' | 'activations'; half_range: boolean }[];
  }
  const file = vectors<File>('fake_quantize_params_testfile');
  const KEY =
    /^(weights|activations)_(symmetric|asymmetric)_sign_(\w+?)_per_ch_(\w+?)_narrow_range_(\w+?)_hf_range_(\w+)$/;
  const rangeOf = (perChannel: boolean) => {
    const { min, max, min_ch, max_ch } = file.stats;
    return {
      min: Float32Array.from(perChannel ? min_ch : [min]),
      max: Float32Array.from(perChannel ? max_ch : [max]),
    };
  };

  it.each((file?.cases ?? []).map((c) => [c.key, c] as const))('%s', (_, c) => {
    const [, group, mode, sign, perChannel, narrow, half] = KEY.exec(c.key)!;
    const got = quantizerParameters(
      rangeOf(perChannel === 'True'),
      config({
        mode: mode as QuantizerConfig['mode'],
        signednessToForce: sign === 'None' ? null : sign === 'True',
        narrowRange: narrow === 'True',
      }),
      { group: group as 'weights' | 'activations', halfRange: half === 'True' },
    );
    expect(got.levels).toBe(c.levels);
    [c.low].flat().forEach((low, i) => close(got.low[i]!, low));
    [c.high].flat().forEach((high, i) => close(got.high[i]!, high));
  });
  it.each((file?.must_fail ?? []).map((c) => [JSON.stringify(c), c] as const))('%s is refused', (_, c) => {
    expect(() =>
      quantizerParameters(rangeOf(false), config({ mode: c.mode }), {
        group: c.group,
        halfRange: c.half_range,
      }),
    ).toThrow(/overflow_fix/);
  });
});

describe('quantizer parameters', () => {
  it('represents zero exactly and covers the range', () => {
    const range = fc.tuple(
      fc.float({ min: -1000, max: 1000, noNaN: true }),
      fc.float({ min: -1000, max: 1000, noNaN: true }),
    );
    fc.assert(
      fc.property(range, fc.integer({ min: 2, max: 16 }), fc.boolean(), ([a, b], numBits, asymmetric) => {
        const [min, max] = [Math.min(a, b, 0), Math.max(a, b, 0)];
        const statistic = asymmetric ? max : Math.max(max, -min);
        const got = quantizerParameters(
          { min: Float32Array.of(min), max: Float32Array.of(statistic) },
          config({ numBits, mode: asymmetric ? 'asymmetric' : 'symmetric' }),
          { group: 'activations', halfRange: false },
        );
        const [scale, zero] = [got.scale[0]!, got.zeroPoint[0]!];
        expect(Number.isInteger(zero)).toBe(true);
        expect(zero).toBeGreaterThanOrEqual(got.codeLow);
        expect(zero).toBeLessThanOrEqual(got.codeHigh);
        expect(scale * (got.codeHigh - zero)).toBeGreaterThanOrEqual(max - scale * 0.51);
        expect(scale * (got.codeLow - zero)).toBeLessThanOrEqual(min + scale * 0.51);
      }),
    );
  });
  it('refuses NaN and half range of asymmetric weights', () => {
    const range = { min: Float32Array.of(Number.NaN), max: Float32Array.of(1) };
    expect(() => quantizerParameters(range, config({}), { group: 'weights', halfRange: false })).toThrow(
      /not finite/,
    );
    const fine = { min: Float32Array.of(-1), max: Float32Array.of(1) };
    expect(() =>
      quantizerParameters(fine, config({ mode: 'asymmetric' }), { group: 'weights', halfRange: true }),
    ).toThrow(/symmetric/);
  });
  it('rounds half to even', () => {
    expect([0.5, 1.5, 2.5, -0.5, -1.5, -2.5].map(roundHalfEven).map((x) => x + 0)).toEqual([
      0, 2, 2, 0, -2, -2,
    ]);
    const halfway = [2 ** 51 - 0.5, 2 ** 51 - 1.5, 2 ** 51 + 0.5, 2 ** 51 + 1.5, -(2 ** 51) - 0.5];
    expect(halfway.map((x) => roundHalfEven(x) - x)).toEqual([0.5, -0.5, -0.5, 0.5, 0.5]);
    expect([2 ** 60, -Infinity, NaN].map(roundHalfEven)).toEqual([2 ** 60, -Infinity, NaN]);
    for (let i = 0; i < 1000; i++) {
      const x = (Math.sin(i) * 2 ** (i % 40)) / 3;
      expect(roundHalfEven(x) + 0, String(x)).toBe(Math.round(x) + 0);
    }
  });
});
