import { describe, expect, it } from 'vitest';
import { readModel } from '@quantsmith/model/onnx';
import type { QuantizationConfig } from '@quantsmith/schemas';
import { floats, model, node, value } from '../../test/kit/models.js';
import { quantizeModel } from '../../test/kit/quantize.js';

type Overrides = NonNullable<NonNullable<QuantizationConfig['quantization']>['overrides']>;
const wave = (length: number, step: number) => Array.from({ length }, (_, i) => Math.sin(step * (i + 1)));

/** Three convolutions in a row, and one beside the last that reads the same tensor. */
const network = model({
  nodes: [
    node('Conv', ['x', 'w1'], ['a'], {}, 'first'),
    node('Conv', ['a', 'w2'], ['b'], {}, 'second'),
    node('Conv', ['b', 'w3'], ['y'], {}, 'third'),
    node('Conv', ['b', 'w4'], ['z'], {}, 'beside'),
  ],
  inputs: [value('x', [1, 8, 4, 4])],
  outputs: [value('y', [1, 8, 4, 4]), value('z', [1, 8, 4, 4])],
  initializers: ['w1', 'w2', 'w3', 'w4'].map((name, i) => floats(name, [8, 8, 1, 1], wave(64, 3 + 2 * i))),
});

/** How the written model calls the codes of a weight. */
const codesOf = (weight: string) => `q_output_${weight}_1`;
async function quantize(overrides: Overrides, quantization: QuantizationConfig['quantization'] = {}) {
  const samples = Array.from({ length: 8 }, (_, i) => ({
    shape: [8, 4, 4],
    data: wave(128, 0.1 + 0.37 * i),
  }));
  const settings = { defaults: 'nncf', ...quantization, overrides } as const;
  const { report, output } = await quantizeModel(network, samples, settings);
  const written = (await readModel(output)).model.graph;

  return {
    report,
    weight: (name: string) => written.initializer.find((tensor) => tensor.name === codesOf(name)),
    zeroTypes: new Set(
      written.node
        .filter(({ opType }) => opType === 'QuantizeLinear')
        .map(({ input }) => written.initializer.find(({ name }) => name === input[2])?.dataType),
    ),
    scalesOf: (name: string): number => {
      const reader = written.node.find(
        ({ opType, input }) => opType === 'DequantizeLinear' && input[0] === codesOf(name),
      );
      return Number(written.initializer.find((tensor) => tensor.name === reader?.input[1])?.dims[0] ?? 1);
    },
    codes: (name: string): number[] => {
      const tensor = written.initializer.find((each) => each.name === codesOf(name));
      return tensor === undefined ? [] : [...new Int8Array(tensor.rawData.slice().buffer)].map(Math.abs);
    },
  };
}

const UINT16 = 4;
const INT16 = 5;

describe('overrides', () => {
  it('give one layer 16 bits, its activation too, and leave the others in 8', async () => {
    const { report, zeroTypes, weight } = await quantize([{ names: ['second'], num_bits: 16 }]);
    expect(weight('w2')?.dataType).toBe(INT16);
    expect(weight('w1')?.dataType).not.toBe(INT16);
    expect([...zeroTypes].some((type) => type === UINT16 || type === INT16)).toBe(true);
    expect(zeroTypes.size).toBeGreaterThan(1);
    const plain = await quantize([]);
    const [own, other] = [report, plain.report].map(({ outputs }) => outputs[0]!.sqnr_db!);
    expect(own).toBeGreaterThan(other ?? Infinity);
  });
  it('give a layer fewer bits, and patterns and types name layers as well', async () => {
    const { codes } = await quantize([{ patterns: ['sec.*'], num_bits: 4 }]);
    expect(Math.max(...codes('w2'))).toBeLessThanOrEqual(8);
    expect(Math.max(...codes('w3'))).toBeGreaterThan(100);
    const all = await quantize([{ types: ['Conv'], num_bits: 4 }]);
    for (const name of ['w1', 'w2', 'w3', 'w4']) expect(Math.max(...all.codes(name))).toBeLessThanOrEqual(8);
  });
  it('state per_channel and half_range of weights, against what is general', async () => {
    const { codes, scalesOf } = await quantize([
      { names: ['second'], per_channel: false },
      { names: ['first'], half_range: false },
      { names: ['third'], half_range: true },
    ]);
    expect(scalesOf('w2')).toBe(1);
    expect(scalesOf('w3')).toBe(8);
    // The first layer has half range by default.
    expect(Math.max(...codes('w1'))).toBeGreaterThan(64);
    expect(Math.max(...codes('w3'))).toBeLessThanOrEqual(64);
  });
  it('state the mode of the activation that a layer reads', async () => {
    const symmetric = await quantize([]);
    const asymmetric = await quantize([{ names: ['third'], mode: 'asymmetric' }]);
    const ofOutputs = ({ report }: typeof symmetric) => report.outputs.map(({ sqnr_db: ratio }) => ratio);
    expect(ofOutputs(asymmetric)).not.toEqual(ofOutputs(symmetric));
  });
  it('win over earlier ones, and take layers out of float again', async () => {
    const { report } = await quantize([
      { types: ['Conv'], float: true },
      { names: ['third', 'second'], float: false },
    ]);
    const quantized = report.layers.filter((layer) => layer.quantized).map(({ name }) => name);
    expect(quantized.sort()).toEqual(['second', 'third']);
  });
  it('that match nothing end the run', async () => {
    await expect(quantize([{ names: ['none'], num_bits: 16 }])).rejects.toMatchObject({
      problem: { configPath: ['quantization', 'overrides', 0, 'names', 0] },
    });
  });
});
