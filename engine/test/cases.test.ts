import { describe, expect, it } from 'vitest';
import { sensitivityPipeline } from '../src/pipeline.js';
import { caseRequest, caseNames, compareModels, quantizeCase, type QuantizedCase } from './exported.js';
import { randoms } from '../../test/kit/models.js';

/** Decibels that every output of the written model reaches at least, unless a case says otherwise. */
const MIN = 20;

const LINEAR = new Set(['Conv', 'Gemm', 'MatMul']);

/** Every linear operator is computed by an integer kernel. */
const allInteger = ({ report }: QuantizedCase) => {
  const float = report.layers.filter(({ op, kernel }) => LINEAR.has(op) && kernel === null);
  expect(float.map(({ name }) => name)).toEqual([]);
};

/** What each case must come to beyond a model that runs with and without the runtime's optimizations. */
const EXPECTED: Readonly<
  Record<
    string,
    { least?: number; anyShape?: boolean; also?: (result: QuantizedCase) => void | Promise<void> }
  >
> = {
  acc_conv_nobias: {
    also: ({ report }) =>
      expect(report.layers.map((layer) => layer.bias_correction.applied)).toEqual([false, false]),
  },
  tune_hyperparams_crash: {},
  sensitivity_single_layer: {},
  seq_output: { least: 28 },
  matmul_bn: { least: 30, also: allInteger },
  gemm_1N_bias: { least: 28, also: allInteger },
  bmm_1KN: { least: 30, also: allInteger },
  bmm_const_3d: { least: 30, also: allInteger },
  gemm_alpha_bias_big: { also: allInteger },
  dw_ov: {},
  mlp_64_128: { least: 30, also: allInteger },
  // How many rows a sample has is decided by a threshold, which rounding may tip over.
  empty_tensor_calib: { least: 20, anyShape: true },
  'big_1e-4_1e4': {
    least: 30,
    also: ({ report }) => expect(report.warnings.map(({ code }) => code)).toContain('bias-too-large'),
  },
  'mask_bias_-1e9': { least: 28 },
  pad_neginf_maxpool: { least: 25 },
  clip_minmax_noninit: { also: allInteger },
  shuffle_split: { also: allInteger },
  elementwise_zoo: {
    also(result) {
      allInteger(result);
      // Only what convolutions read or write is rounded.
      const quantized = result.model.graph.node.filter(({ opType }) => opType === 'QuantizeLinear');
      expect(quantized.map(({ input }) => input[0]).sort()).toEqual(['a', 'b', 'n', 'x', 'y_float']);
    },
  },
  functions: { least: 20, also: allInteger },
  fp16_model: {
    also: (result) => {
      allInteger(result);
      expect(result.report.warnings.map(({ code }) => code)).toContain('float-raised');
    },
  },
  mixed_fp16_cast_io: { also: allInteger },
  input_noshape: { also: allInteger },
  subgraph_name_shadow: {},
  if_loop_subgraph: {
    // What decides the branch stays in float: no held-out sample takes the other one. The bodies are rounded too.
    least: 25,
    // The weight that the graph shares with a body is stored in one form.
    also: ({ model }) => expect(model.graph.initializer.map(({ name }) => name)).not.toContain('W1'),
  },
  overridable_init: {
    async also({ float, output }) {
      const scale = { type: 'float32', dims: [1], data: Float32Array.of(-0.75) } as const;
      const feeds = [{ x: { type: 'float32', dims: [1, 3, 8, 8], data: randoms(192) } as const, scale }];
      const [overridden] = await compareModels(float, output, feeds);
      expect(overridden!.optimized).toBeGreaterThan(5);
    },
  },
};

describe('models as exporters write them', () => {
  it.each(Object.keys(EXPECTED))('%s', async (name) => {
    const result = await quantizeCase(name);
    const { least = MIN, anyShape = false, also } = EXPECTED[name]!;
    expect(result.fidelity.length).toBeGreaterThan(0);
    for (const output of result.fidelity) {
      expect(output).toMatchObject({ sameType: true, sameShape: anyShape ? expect.any(Boolean) : true });
      expect(output.optimized ?? least).toBeGreaterThanOrEqual(least);
      expect(output.plain ?? least).toBeGreaterThanOrEqual(least);
    }

    await also?.(result);
  });

  it('sensitivity_single_layer: a report of one row', async () => {
    const request = caseRequest('sensitivity_single_layer', 'unused.onnx');
    const { layers } = await sensitivityPipeline(request, () => undefined);
    expect(layers).toHaveLength(1);
    expect(layers[0]!.output_sqnr_db).toBeGreaterThan(25);
  });

  it('seq_output: an output that is no tensor takes no quantizer', async () => {
    const request = caseRequest('seq_output', 'unused.onnx');
    const advanced_parameters = { quantize_outputs: true };
    const config = { ...request.config, quantization: { advanced_parameters } };
    const { layers } = await sensitivityPipeline({ ...request, config }, () => undefined);
    expect(layers.length).toBeGreaterThan(0);
  });

  it('weightonly_dq: refused, since its weights are quantized already', async () => {
    await expect(quantizeCase('weightonly_dq')).rejects.toMatchObject({
      problem: { code: 'already-quantized' },
    });
  });

  it('every case has an expectation', () => {
    expect(caseNames().filter((name) => !(name in EXPECTED))).toEqual(['weightonly_dq']);
  });
});
