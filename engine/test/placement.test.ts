import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareModel } from '../src/prepare/prepare.js';
import { placeQuantizers, type PlacementOptions } from '../src/placement/place.js';
import type { QuantizerConfig } from '../src/placement/types.js';
import { readModel } from '@quantsmith/model/onnx';
import { floats, ints, loaded, model, node, value } from '../../test/kit/models.js';
import { DATA } from '../../test/kit/realModels.js';

const reference = join(DATA, 'peer_reference');
const models = existsSync(reference)
  ? readdirSync(join(reference, 'models')).map((file) => file.replace(/\.onnx$/, ''))
  : [];
const cases = models.filter((name) => existsSync(join(reference, 'placement', `${name}.dot`)));

/** Tensors that the reference names otherwise: it keeps Identity nodes, which are dropped here. */
const RENAMED: Readonly<Record<string, string>> = {
  Identity_Y: 'Embedding_W',
  identity_1: 'X',
  identity_output1: 'transpose_output',
  identity_output2: 'reshape_output2',
  i_2: 'W_tensor',
};

/** The runtime itself refuses these two files: they mix float types. */
const UNREADABLE = new Set(['shape_of_model', 'unified_embedding_model']);
/** On purpose: the looked-up rows get a quantizer of their own (docs/compatibility.md). */
const ADDED: Readonly<Record<string, readonly string[]>> = { embedding_model: ['Embedding_Y'] };

const convolutionsAroundPad = (fill: number) =>
  model({
    inputs: [value('x', [1, 2, 4, 4])],
    outputs: [value('y')],
    nodes: [
      node('Conv', ['x', 'K'], ['a']),
      node('Pad', ['a', 'amounts', 'fill'], ['p']),
      node('Conv', ['p', 'L'], ['y']),
    ],
    initializers: [
      floats('K', [2, 2, 1, 1], [1, 2, 3, 4]),
      ints('amounts', [0, 0, 1, 1, 0, 0, 1, 1]),
      floats('fill', [], [fill]),
      floats('L', [2, 2, 1, 1], [4, 3, 2, 1]),
    ],
  });

const config: QuantizerConfig = {
  numBits: 8,
  mode: 'symmetric',
  signednessToForce: null,
  perChannel: false,
  narrowRange: false,
};

const options: PlacementOptions = {
  runtime: 'openvino',
  targetDevice: 'ANY',
  transformer: false,
  activations: config,
  perChannelActivations: null,
  weights: { ...config, perChannel: true, narrowRange: true },
  quantizeOutputs: false,
  overflowFix: 'first_layer',
  squeezeExcitation: 'float',
  ignored: new Set(),
};

it.each([
  [0, 'a'],
  [2 ** -126, 'a'],
  [Number.NaN, 'p'],
  [1, 'p'],
])('a quantizer passes padding with zeros alone: %f', async (fill, quantized) => {
  const padded = await prepareModel(loaded(convolutionsAroundPad(fill)));
  const { activations } = placeQuantizers(padded.graph, options);
  expect(activations.map(({ tensor }) => tensor)).toEqual(['x', quantized]);
});

describe.skipIf(cases.length === 0)('quantizers stand where the reference puts them', () => {
  it.each(cases.filter((name) => !UNREADABLE.has(name)).map((name) => [name]))('%s', async (name) => {
    const prepared = await prepareModel(await readModel(join(reference, 'models', `${name}.onnx`)));
    const placement = placeQuantizers(prepared.graph, options);
    // A weight with a BatchNorm folded into it carries that in its name.
    const ours = [...placement.activations, ...placement.weights].map(({ tensor }) =>
      tensor.replace(/_bn(_\d+)?$/, ''),
    );
    const dot = readFileSync(join(reference, 'placement', `${name}.dot`), 'utf8');
    const nodes = dot.matchAll(/QuantizeLinear_(.+?)_\d+" \[id=\d+, type=QuantizeLinear/g);
    const theirs = [...nodes].map(([, tensor]) => RENAMED[tensor!] ?? tensor!);
    expect([...new Set(ours)].sort()).toEqual([...new Set([...theirs, ...(ADDED[name] ?? [])])].sort());
  });
});
