import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type ModelProto, type NodeProto, encodeModel, makeTensor } from '@quantsmith/model/onnx';
import { overflowOfModel } from '../src/saturation/model.js';
import type { HostTensor } from '@quantsmith/model/arrays';
import { emulatedHaswell, runEmulated } from './emulated.js';
import { floats, model, node, randoms, value } from '../../test/kit/models.js';
import { runModel } from '../../test/kit/runModel.js';

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-overflow-model-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const UINT8 = 2;
const INT8 = 3;
const codes = (name: string, dims: readonly number[], values: readonly number[], type = INT8) =>
  makeTensor(name, dims, type, type === INT8 ? Int8Array.from(values) : Uint8Array.from(values));

/** Codes of one sign that saturate with large activations. */
const LARGE = Array.from({ length: 64 }, (_, index) => 120 - (index % 5));

/** Models as other tools write them, each with one layer of 8 × 8 weights. */
const CONSTANTS = [
  ...[
    floats('s', [], [0.02]),
    floats('r', [], [0.5]),
    codes('z', [], [100], UINT8),
    codes('wz', [], [0]),
    codes('uz', [], [3], UINT8),
  ],
  ...[codes('w', [8, 8], LARGE), codes('u', [8, 8], LARGE, UINT8), codes('conv', [8, 8, 1, 1], LARGE)],
  ...[codes('depthwise', [8, 1, 2, 2], LARGE.slice(32)), codes('grouped', [8, 4, 1, 1], LARGE.slice(32))],
];
const quantize = [
  node('QuantizeLinear', ['x', 's', 'z'], ['q']),
  node('DequantizeLinear', ['q', 's', 'z'], ['d']),
];
const result = node('DequantizeLinear', ['y_q', 'r', 'z'], ['y']);
const back = [node('QuantizeLinear', ['m', 'r', 'z'], ['y_q']), result];
const qlinear = (op: string, w: string, wz: string, attributes = {}) =>
  node(op, ['q', 's', 'z', w, 's', wz, 'r', 'z'], ['y_q'], attributes, 'layer');

function written(nodes: readonly NodeProto[], dims: readonly number[] = [8, 8]): ModelProto {
  const used = new Set(nodes.flatMap(({ input }) => input));
  return model({
    inputs: [value('x', dims)],
    outputs: [value('y')],
    nodes,
    initializers: CONSTANTS.filter(({ name }) => used.has(name)),
    domains: { 'com.microsoft': 1 },
  });
}

const IMAGE = [1, 8, 4, 4];
const dynamic = makeMicrosoft('DynamicQuantizeMatMul', ['x', 'w', 's', 'wz'], ['y']);

function makeMicrosoft(op: string, inputs: readonly string[], outputs: readonly string[]): NodeProto {
  return { ...node(op, inputs, outputs, {}, 'layer'), domain: 'com.microsoft' };
}

const AFFECTED: Readonly<Record<string, ModelProto>> = {
  QLinearMatMul: written([quantize[0]!, qlinear('QLinearMatMul', 'w', 'wz'), result]),
  QLinearConv: written([quantize[0]!, qlinear('QLinearConv', 'conv', 'wz'), result], IMAGE),
  'QLinearConv, grouped': written(
    [quantize[0]!, qlinear('QLinearConv', 'grouped', 'wz', { group: 2 }), result],
    IMAGE,
  ),
  'QDQ, asymmetric': written([
    ...quantize,
    node('DequantizeLinear', ['w', 's', 'wz'], ['wd']),
    node('MatMul', ['d', 'wd'], ['m'], {}, 'layer'),
    ...back,
  ]),
  MatMulInteger: written([
    quantize[0]!,
    node('MatMulInteger', ['q', 'w', 'z', 'wz'], ['i'], {}, 'layer'),
    node('Cast', ['i'], ['y'], { to: 1 }),
  ]),
  DynamicQuantizeMatMul: written([dynamic]),
};

const UNAFFECTED: Readonly<Record<string, ModelProto>> = {
  depthwise: written([quantize[0]!, qlinear('QLinearConv', 'depthwise', 'wz', { group: 8 }), result], IMAGE),
  unsigned: written([quantize[0]!, qlinear('QLinearMatMul', 'u', 'uz'), result]),
  'unsigned, ConvInteger': written(
    [
      quantize[0]!,
      node('ConvInteger', ['q', 'conv', 'z', 'wz'], ['i'], {}, 'layer'),
      node('Cast', ['i'], ['y'], { to: 1 }),
    ],
    IMAGE,
  ),
  'unsigned, first': written([
    quantize[0]!,
    node('QLinearMatMul', ['u', 's', 'uz', 'q', 's', 'z', 'r', 'z'], ['y_q'], {}, 'layer'),
    result,
  ]),
  float: written([
    node('DequantizeLinear', ['w', 's', 'wz'], ['wd']),
    node('MatMul', ['x', 'wd'], ['y'], {}, 'layer'),
  ]),
};

async function layersOf(name: string, proto: ModelProto) {
  const path = join(folder, `${name.replaceAll(/\W/g, '_')}.onnx`);
  writeFileSync(path, encodeModel(proto));
  return (await overflowOfModel(path)).layers;
}

describe('the layers of any quantized model', () => {
  for (const [name, proto] of Object.entries(AFFECTED)) {
    it(`are at risk by their weights: ${name}`, async () => {
      const layers = await layersOf(name, proto);
      expect(layers).toHaveLength(1);
      expect(layers[0]).toMatchObject({ name: 'layer', outputs: 8, outputs_at_risk: 8 });
      expect(layers[0]!.pairs_at_risk).toBe(name.includes('grouped') ? 16 : 32);
    });
  }

  for (const [why, proto] of Object.entries(UNAFFECTED)) {
    it(`are known as not affected: ${why}`, async () => {
      const layers = await layersOf(why, proto);
      expect(layers).toMatchObject([{ name: 'layer', pairs_at_risk: 0, unaffected: why.split(',')[0] }]);
    });
  }

  it('are none of a float model', async () => {
    expect(await layersOf('relu', written([node('Relu', ['x'], ['y'])]))).toEqual([]);
  });
});

const emulator = await emulatedHaswell();

describe.skipIf(emulator === null)('on an emulated Haswell', () => {
  const inputOf = (proto: ModelProto): HostTensor => {
    const image = proto.graph.node.some(({ opType }) => /Conv/.test(opType));
    const dims = image ? IMAGE : [8, 8];
    const data = randoms(dims.reduce((product, dim) => product * dim, 1)).map((at) => 3 + at);
    return { type: 'float32', dims, data };
  };

  it('what is called at risk changes and what is called not affected does not', async () => {
    // Float kernels of other CPUs round differently.
    const exact = Object.entries(UNAFFECTED).filter(([name]) => name !== 'float');
    const all = [...Object.entries(AFFECTED), ...exact];
    const there = runEmulated(
      emulator!,
      all.map(([, proto]) => ({ model: encodeModel(proto), input: { name: 'x', value: inputOf(proto) } })),
    );
    for (const [index, [name, proto]] of all.entries()) {
      const { y } = await runModel(proto, { x: inputOf(proto) });
      const { buffer, byteOffset, byteLength } = y!.data as Float32Array;
      const here = Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
      expect({ name, equal: here.equals(there[index]!) }).toEqual({ name, equal: name in UNAFFECTED });
    }
  });
});
