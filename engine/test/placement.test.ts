import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareModel } from '../src/prepare/prepare.js';
import { placeQuantizers } from '../src/placement/place.js';
import type { QuantizerConfig } from '../src/placement/types.js';
import { readModel } from '@quantsmith/model/onnx';
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

const config: QuantizerConfig = {
  numBits: 8,
  mode: 'symmetric',
  signednessToForce: null,
  perChannel: false,
  narrowRange: false,
};

describe.skipIf(cases.length === 0)('quantizers stand where the reference puts them', () => {
  it.each(cases.filter((name) => !UNREADABLE.has(name)).map((name) => [name]))('%s', async (name) => {
    const prepared = await prepareModel(await readModel(join(reference, 'models', `${name}.onnx`)));
    const placement = placeQuantizers(prepared.graph, {
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
    });
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
