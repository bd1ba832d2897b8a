import { describe, expect, it } from 'vitest';
import { readFloats, readInts, readModel } from '@quantsmith/model/onnx';
import type { QuantizationConfig } from '@quantsmith/schemas';
import { buildOracle, type OracleModel } from './oracle.js';
import { vectors } from './vectors.js';
import { quantizeModel } from '../../test/kit/quantize.js';

const NO_CORRECTION = { disable_bias_correction: true };
/** The reference's configuration names as configs. */
const CONFIGS: Record<string, NonNullable<QuantizationConfig['quantization']>> = {
  default: {},
  accurate_bc: { fast_bias_correction: false },
  mixed: { preset: 'mixed' },
  no_bias_correction: { advanced_parameters: NO_CORRECTION },
  overflow_enable_nobc: { advanced_parameters: { ...NO_CORRECTION, overflow_fix: 'enable' } },
  overflow_disable_nobc: { advanced_parameters: { ...NO_CORRECTION, overflow_fix: 'disable' } },
  act_minmax_nobc: {
    advanced_parameters: { ...NO_CORRECTION, activations_range_estimator_params: 'minmax' },
  },
  act_median_nobc: {
    advanced_parameters: { ...NO_CORRECTION, activations_range_estimator_params: 'median_minmax' },
  },
  act_noout_nobc: {
    advanced_parameters: { ...NO_CORRECTION, activations_range_estimator_params: 'mean_no_outliers_minmax' },
  },
  act_quantile_nobc: {
    advanced_parameters: { ...NO_CORRECTION, activations_range_estimator_params: 'mean_quantile' },
  },
  act_histogram_nobc: {
    advanced_parameters: { ...NO_CORRECTION, activations_range_estimator_params: 'histogram' },
  },
  // The reference's preset for transformers, where none is given, is mixed.
  transformer_nobc: {
    preset: 'mixed',
    model_type: 'transformer',
    advanced_parameters: { ...NO_CORRECTION, smooth_quant_alphas: { matmul: -1 } },
  },
  transformer_sq: { preset: 'mixed', model_type: 'transformer' },
  weights_per_tensor_nobc: {
    advanced_parameters: { ...NO_CORRECTION, weights_quantization_params: { per_channel: false } },
  },
  acts_asym_nobc: {
    advanced_parameters: { ...NO_CORRECTION, activations_quantization_params: { mode: 'asymmetric' } },
  },
};

/** Runs whose statistic takes the upper tail alone in the reference, although the values have two. */
const TWO_TAILS = new Set(['act_quantile_nobc', 'act_histogram_nobc']);
/** The reference repeats one quantizer for each reader of a tensor that a float operator reads too. */
const REPEATED = new Set(['QuantizeLinear_x_2', 'QuantizeLinear_x_3']);

/** Differences that docs/compatibility.md lists. */
function differsOnPurpose(model: string, run: string, quantizer: string): boolean {
  // The constant on the left of a MatMul gets a scale per row, not per reduced column (N13).
  if (model === 'gemm_variants' && quantizer === 'DequantizeLinear_Wl_1') return true;
  if (TWO_TAILS.has(run) && quantizer === 'QuantizeLinear_x_1') return true;
  return model === 'attention' && REPEATED.has(quantizer);
}

/** The names that the reference gives to smoothed tensors are its own. */
const SMOOTHED: Readonly<Record<string, string>> = {
  'QuantizeLinear_nncf_model_input_0_0_0/nncf_smooth_quant_output_1': 'QuantizeLinear_x_smooth_quant_1',
  'QuantizeLinear_mm_av_0_0/nncf_smooth_quant_output_1': 'QuantizeLinear_av_smooth_quant_1',
};
function ownName(name: string, run: string): string {
  if (run !== 'transformer_sq') return name;
  return SMOOTHED[name] ?? name.replace(/^DequantizeLinear_(W\w)_1$/, 'DequantizeLinear_$1_smoothed_1');
}

async function quantize(oracle: OracleModel, run: string) {
  const [input] = Object.keys(oracle.inputs) as [string];
  const samples = oracle.samples.map((sample) => sample[input]!);
  const quantization = CONFIGS[run]!;
  const { output } = await quantizeModel(buildOracle(oracle), samples, {
    defaults: 'nncf',
    ...quantization,
    subset_size: 4,
    advanced_parameters: {
      ...quantization.advanced_parameters,
      backend_params: { runtime: 'openvino', threads: 1 },
    },
  });
  return readModel(output);
}

const close = (actual: ArrayLike<number>, expected: number | number[], what: string) => {
  const list = typeof expected === 'number' ? [expected] : expected;
  expect(actual.length, what).toBe(list.length);
  list.forEach((x, i) =>
    expect(Math.abs(actual[i]! - x), `${what}[${i}]: ${actual[i]} against ${x}`).toBeLessThanOrEqual(
      3e-6 * Math.abs(x) + 1e-9,
    ),
  );
};

describe('models quantized like the reference', () => {
  const { models } = vectors<{ models: OracleModel[] }>('models_nncf_oracle');
  const cases = models.flatMap((oracle) =>
    Object.keys(oracle.runs)
      .filter((run) => CONFIGS[run] !== undefined)
      .map((run) => [`${oracle.model} ${run}`, oracle, run] as const),
  );
  it.each(cases)('%s', async (_, oracle, run) => {
    const expected = oracle.runs[run]!;
    const { model: written, dir } = await quantize(oracle, run);
    const graph = written.graph;
    const initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
    for (const [name, quantizer] of Object.entries(expected.q ?? {})) {
      if (differsOnPurpose(oracle.model, run, name)) continue;
      const own = ownName(name, run);
      const found = graph.node.find((n) => n.name === own);
      expect(found, `${own} is missing; there are ${graph.node.map((n) => n.name).join(' ')}`).toBeDefined();
      const [, scale, zeroPoint] = found!.input;
      close(readFloats(initializers.get(scale!)!, dir), quantizer.scale, `${name} scale`);
      close(readInts(initializers.get(zeroPoint!)!, dir), quantizer.zero_point, `${name} zero point`);
    }

    const quantizers = graph.node.filter((n) => n.opType === 'QuantizeLinear').map((n) => n.name);
    const wanted = Object.entries(expected.q ?? {}).flatMap(([name, q]) =>
      q.op === 'QuantizeLinear' && !REPEATED.has(name) ? [ownName(name, run)] : [],
    );
    expect(quantizers.sort()).toEqual(wanted.sort());
    for (const [key, values] of Object.entries(expected.biases_changed ?? {})) {
      if (!key.endsWith('#bias')) continue;
      // On purpose (docs/compatibility.md): behind the pooling the reference's sub-model starts from other values.
      if (run === 'accurate_bc' && key === 'fc#bias') continue;
      const found = graph.node.find((n) => `${n.name}#bias` === key);
      const bias = initializers.get(found?.input[2] ?? '');
      expect(bias, `${key} is not there`).toBeDefined();
      Array.from(readFloats(bias!, dir)).forEach((x, i) =>
        expect(x, `${key}[${i}]`).toBeCloseTo(values[i]!, 5),
      );
    }
  });
});
