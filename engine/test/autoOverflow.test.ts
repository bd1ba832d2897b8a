import { describe, expect, it } from 'vitest';
import type { QuantizationConfig } from '@quantsmith/schemas';
import { plan } from '../src/plan/plan.js';
import type { SampleSource } from '../src/data/types.js';
import { makeQuantization } from '../src/run/make.js';
import { buildModel } from '../src/quantize/quantization.js';
import { optimizedModel } from '../src/runtime/optimized.js';
import { autoProblems } from '../src/saturation/auto.js';
import { layerCosts, saturatedSqnr } from '../src/saturation/weigh.js';
import { encodeModel } from '@quantsmith/model/onnx';
import { targetSaturates } from '../src/overflow/isa.js';
import { type CpuFeatures, instructionSets } from '../src/runtime/cpu.js';
import { floats, model, node, value } from '../../test/kit/models.js';
import { inputsOf, sourceOf } from './inputsOf.js';

const VNNI: CpuFeatures = { model: 'Ice Lake', arch: 'x64', isa: ['avx2', 'avx512', 'avx512_vnni'] };
const AVX2: CpuFeatures = { model: 'Haswell', arch: 'x64', isa: ['avx2'] };
const SAMPLES = 40;
const NAMES = ['a', 'b', 'c', 'd'];

/** Matrix products side by side, each of an input of its own, with codes of 127 that meet the first two activations. */
const network = model({
  inputs: NAMES.map((name) => value(name, [1, 4])),
  outputs: NAMES.map((name) => value(`${name}_y`, [1, 2])),
  nodes: NAMES.map((name) => node('MatMul', [name, `${name}_w`], [`${name}_y`], {}, name)),
  initializers: NAMES.map((name) => floats(`${name}_w`, [4, 2], [1, 1, 1, 1, 0, 0, 1, 1])),
});

type Inputs = (name: string, sample: number) => readonly number[];

const planFor = (target: string) =>
  plan({
    model: 'test.onnx',
    data: { calibration: { arrays: 'x.npz' } },
    quantization: {
      advanced_parameters: { overflow_fix: 'auto', backend_params: { target_isa: target } },
    },
  } as QuantizationConfig);

/** The layers that `auto` gives half range, and how many samples it read. */
async function halved(inputs: Inputs, target = 'avx2') {
  let read = 0;
  const source = sourceOf(SAMPLES, (sample) => {
    read++;
    const feeds = NAMES.map((name) => {
      const data = Float32Array.from(inputs(name, sample));
      return [name, { type: 'float32' as const, dims: [1, 4], data }] as const;
    });
    return { name: String(sample), feeds: Object.fromEntries(feeds), label: null };
  });
  const made = await inputsOf(network, source, { cpu: VNNI });
  const { quantization } = await makeQuantization(made, planFor(target), () => undefined);
  const half = quantization.placement.weights.filter(({ halfRange }) => halfRange);
  return { layers: half.map(({ targets }) => targets[0]!.node).sort(), read: read - SAMPLES };
}

/** Two activations that meet; the third makes the range 0 … 1 in each sample. */
const pair = (first: number, second: number) => [first, second, 1, 0];

describe('overflow_fix: auto', () => {
  it('leaves layers alone whose sums stay well within 16 bits', async () => {
    expect((await halved(() => pair(0.3, 0.3))).layers).toEqual([]);
  });
  it('halves what saturates in one of the first samples looked at', async () => {
    const often = await halved((name, sample) =>
      name === 'b' && sample === 10 ? pair(1, 1) : pair(0.3, 0.3),
    );
    expect(often.layers).toEqual(['b']);
  });
  it('finds what saturates in a sample that is not among the first tenth', async () => {
    const rare = await halved((name, sample) => (name === 'b' && sample === 2 ? pair(1, 1) : pair(0.3, 0.3)));
    expect(rare.layers).toEqual(['b']);
  });
  it('leaves at full range what comes near the limit and not beyond: half range would cost more', async () => {
    // 127 · 255 · (0.5 + 0.45) = 30766 of 32767.
    const near = await halved((name) => (name === 'c' ? pair(0.5, 0.45) : pair(0.3, 0.3)));
    expect(near.layers).toEqual([]);
  });
  it('looks at a tenth of the samples only where those settle it', async () => {
    const all = await halved(() => pair(1, 1));
    expect(all).toEqual({ layers: NAMES, read: 4 });
  });
  it('acts for the targets that saturate, and does nothing for the others', async () => {
    expect((await halved(() => pair(1, 1), 'avx512')).layers).toEqual(NAMES);
    for (const target of ['avx512_vnni', 'avx_vnni', 'amx']) {
      expect(await halved(() => pair(1, 1), target)).toEqual({ layers: [], read: 0 });
    }
  });
  it('says so where this machine does not saturate and is the target', () => {
    const codes = (target: string, cpu: CpuFeatures) =>
      autoProblems(planFor(target).overflow, cpu).map(({ code }) => code);
    expect(codes('host', VNNI)).toEqual(['dead-setting']);
    expect(codes('host', AVX2)).toEqual([]);
    expect(codes('avx2', VNNI)).toEqual([]);
  });
});

describe('what half range costs against what saturation costs', () => {
  it('is what a pencil gives', () => {
    // 20 dB of saturation: a hundredth of the signal. Rounding: 1e-4 of it at full range, four times that at half.
    const costs = layerCosts({ fraction: 0.1, sqnrDb: 20 }, 1e-4, 4e-4);
    expect(costs.full).toBeCloseTo(0.0101, 12);
    expect(costs.half).toBe(4e-4);
    // Nothing saturated: full range costs its rounding alone.
    expect(layerCosts({ fraction: 0, sqnrDb: null }, 1e-4, 4e-4)).toEqual({ full: 1e-4, half: 4e-4 });
  });

  /** Weights of 1 and, in the other output, ones that only a fine scale tells apart. */
  const fine = model({
    inputs: [value('x', [1, 4])],
    outputs: [value('y', [1, 2])],
    nodes: [node('MatMul', ['x', 'w'], ['y'], {}, 'layer')],
    initializers: [floats('w', [4, 2], [1, 0.9961, 1, 0.5039, 0.2539, 0.4961, 0.7461, 0.2461])],
  });
  const samplesOf = (rows: readonly (readonly number[])[]): SampleSource => ({
    count: rows.length,
    hasLabels: false,
    get: (sample) => {
      const x = { type: 'float32' as const, dims: [1, 4], data: Float32Array.from(rows[sample]!) };
      return Promise.resolve({ name: `${sample}`, feeds: { x }, label: null });
    },
    fingerprint: () => Promise.resolve(''),
  });
  const weighed = async (rows: readonly (readonly number[])[]) => {
    const source = samplesOf(rows);
    const inputs = await inputsOf(fine, source, { cpu: VNNI });
    const made = async (fix: string) => {
      const planned = plan({
        model: 'test.onnx',
        data: { calibration: { arrays: 'x.npz' } },
        quantization: {
          advanced_parameters: { overflow_fix: fix, backend_params: { target_isa: 'avx2' } },
        },
      } as QuantizationConfig);
      return (await makeQuantization(inputs, planned, () => undefined)).quantization;
    };

    /** SQNR in dB as a CPU that saturates computes the model. */
    const saturated = async (fix: string) => {
      const quantization = await made(fix);
      const bytes = encodeModel(buildModel(quantization, new Set()));
      const feeds = await Promise.all(rows.map(async (_, i) => (await source.get(i)).feeds));
      return (await saturatedSqnr(quantization, await optimizedModel(bytes), feeds, 1))!;
    };

    const { placement } = await made('auto');
    return { halved: placement.weights[0]!.halfRange, saturated };
  };

  const calm = Array.from({ length: 40 }, (_, i) => [0.3 + i / 200, 0.4 - i / 200, 1, 0.1]);

  it('leaves a layer at full range that saturates by next to nothing', async () => {
    // 127 · 255 · 1.015 = 32874: 107 of 32767 too much, in one sample of forty.
    const { halved, saturated } = await weighed(calm.map((row, i) => (i === 0 ? [0.515, 0.5, 1, 0.1] : row)));
    expect(halved).toBe(false);
    expect(await saturated('auto')).toBeGreaterThan(await saturated('enable'));
  });
  it('halves one that loses much, and is never worse than either of the two', async () => {
    const { halved, saturated } = await weighed(calm.map((row, i) => (i % 2 === 0 ? [1, 1, 1, 1] : row)));
    expect(halved).toBe(true);
    expect(await saturated('auto')).toBeGreaterThan(await saturated('disable'));
  });
});

describe('the CPU that a model will run on', () => {
  const saturates = (arch: string, flags: string) =>
    targetSaturates('host', { arch, isa: instructionSets(flags) });
  it('is known by the flags of its maker', () => {
    expect(saturates('x64', 'avx2 fma')).toBe(true); // Haswell, Zen 2 and 3
    expect(saturates('x64', 'avx2 avx512f avx512bw')).toBe(true); // Skylake-X
    expect(saturates('x64', 'avx2 avx512bw avx512_vnni')).toBe(false); // Ice Lake, Zen 4
    expect(saturates('x64', 'avx2 avx_vnni')).toBe(false); // Alder Lake
    expect(saturates('x64', 'avx2 avx512bw avx512_vnni amx_int8')).toBe(false); // Sapphire Rapids
    expect(saturates('x64', 'AVX2 AVX512VNNI')).toBe(false); // macOS
    expect(saturates('x64', '')).toBe(true); // Windows says nothing
    expect(saturates('arm64', 'asimddp i8mm')).toBe(false);
    expect(saturates('arm64', '')).toBe(false);
  });
  it('is as named, and this machine only for host', () => {
    const targets = ['avx2', 'avx512', 'avx512_vnni', 'avx_vnni', 'amx', 'host'] as const;
    const found = targets.map((target) => targetSaturates(target, AVX2));
    expect(found).toEqual([true, true, false, false, false, true]);
  });
});
