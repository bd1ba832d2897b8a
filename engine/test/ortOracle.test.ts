import { describe, expect, it } from 'vitest';
import type { QuantizerConfig } from '../src/placement/types.js';
import { quantizerParameters } from '../src/ranges/parameters.js';
import { buildOracle, type OracleModel, type Quantizer } from './oracle.js';
import { quantizeTiny } from './tiny.js';
import { vectors } from './vectors.js';

interface Case {
  rmin: number;
  rmax: number;
  qmin: number;
  qmax: number;
  symmetric: boolean;
  reduce_range?: boolean;
  min_real_range?: number | null;
  scale: number;
  zero_point: number;
}

/** On purpose (docs/compatibility.md): the inputs of a Concat share a range; Softmax is measured, not taken to reach 1. */
const DIFFERENT: Readonly<Record<string, readonly string[]>> = { concat_branch: ['ar'], attention: ['sm'] };

const f32 = (value: number) => Float32Array.of(value);
const config = (
  mode: 'symmetric' | 'asymmetric',
  numBits: number,
  narrowRange: boolean,
): QuantizerConfig => ({
  numBits,
  mode,
  signednessToForce: null,
  perChannel: false,
  narrowRange,
});
/** Ranges below the smallest that the engine uses, where ONNX Runtime takes a scale of 1 or one near 0. */
const isWide = ({ rmin, rmax }: Case) => Math.max(-rmin, rmax) > 1e-3 && rmin < rmax;

describe("ONNX Runtime's scales", () => {
  const cases = ['ort_scale_zp_testfile', 'ort_scale_zp_grid_oracle'].flatMap(
    (key) => vectors<{ cases: Case[] }>(key).cases,
  );
  const signed = cases.filter((c) => isWide(c) && c.symmetric && c.qmin === -127 && c.qmax === 127);
  it.each(signed)('symmetric weights $rmin … $rmax: the same', ({ rmin, rmax, scale }) => {
    const range = { min: f32(rmin), max: f32(Math.max(-rmin, rmax)) };
    const found = quantizerParameters(range, { ...config('symmetric', 8, true), signednessToForce: true }, { group: 'weights', halfRange: false }); // prettier-ignore
    expect(found.scale[0]! / scale).toBeCloseTo(1, 6);
    expect(found.zeroPoint[0]).toBe(0);
  });
  const asymmetric = cases.filter((c) => isWide(c) && !c.symmetric && c.qmin === 0 && c.qmax === 255);
  // On purpose (docs/compatibility.md): the borders move outwards until zero is a level, there the codes are rounded.
  it.each(asymmetric)(
    'asymmetric $rmin … $rmax: at most a step wider',
    ({ rmin, rmax, scale, zero_point: zero }) => {
      const found = quantizerParameters({ min: f32(rmin), max: f32(rmax) }, config('asymmetric', 8, false), { group: 'activations', halfRange: false }); // prettier-ignore
      expect(found.scale[0]! / scale).toBeGreaterThan(1 - 1e-6);
      expect(found.scale[0]! / scale).toBeLessThan(1 + 1 / 127);
      const unsigned = found.zeroPoint[0]! + (found.signed ? 128 : 0);
      expect(Math.abs(unsigned - zero)).toBeLessThanOrEqual(1);
    },
  );
  it('are there to compare with', () =>
    expect([signed.length, asymmetric.length].every((n) => n > 4)).toBe(true));
});

describe('models quantized like ONNX Runtime', () => {
  const runs = vectors<{ models: { model: string; runs: Record<string, { q: Record<string, Quantizer> }> }[] }>('models_ort_oracle').models; // prettier-ignore
  const oracles = vectors<{ models: OracleModel[] }>('models_nncf_oracle').models;
  it.each(runs)(
    '$model: weights and ranges of u8s8, per channel, minmax',
    async ({ model, runs: { u8s8_pc: run } }) => {
      const oracle = oracles.find((candidate) => candidate.model === model)!;
      const [input] = Object.keys(oracle.inputs) as [string];
      const samples = oracle.samples.map((sample) => ({
        shape: sample[input]!.shape,
        data: sample[input]!.data,
      }));
      const written = await quantizeTiny(buildOracle(oracle), samples, {
        preset: 'mixed',
        advanced_parameters: {
          overflow_fix: 'disable',
          disable_bias_correction: true,
          activations_range_estimator_params: 'minmax',
        },
      });
      let weights = 0;
      for (const [name, quantizer] of Object.entries(run!.q)) {
        const tensor = name.replace(/_(De)?[qQ]uantizeLinear$/, '');
        const expected = [quantizer.scale].flat();
        if (quantizer.dtype === 'int8') {
          const reader = written.nodes.find((n) => n.name === `DequantizeLinear_${tensor}_1`);
          const user = written.nodes.find(
            (n) => reader !== undefined && n.input.includes(reader.output[0]!),
          )!;
          const { scale } = written.constant(user.name, user.input.indexOf(reader!.output[0]!));
          // The engine never takes less than a hundredth of the widest channel's range.
          const floor = 0.01 * Math.max(...expected.filter((s) => s !== 1));
          if (scale.length !== expected.length) continue;
          expected.forEach((s, c) => {
            if (s === 1 || s < floor) expect(scale[c]! / floor).toBeCloseTo(1, 4);
            else expect(scale[c]! / s).toBeCloseTo(1, 5);
          });
          weights++;
        } else if (name.endsWith('_QuantizeLinear')) {
          const found = written.activation(tensor);
          if (found === undefined || DIFFERENT[model]?.includes(tensor)) continue;
          expect(found.scale[0]! / expected[0]!, name).toBeGreaterThan(1 - 1e-5);
          expect(found.scale[0]! / expected[0]!, name).toBeLessThan(1.01);
        }
      }

      expect(weights).toBeGreaterThan(0);
    },
  );
});
