import { indexGraph, inlineFunctions } from '@quantsmith/model/graph';
import { inspectModel, type ModelProto, nameNodes, readModel } from '@quantsmith/model/onnx';
import { upgradeModel } from '@quantsmith/model/upgrade';
import { writeFileSync } from 'node:fs';
import { placeQuantizers, type PlacementOptions } from '../../engine/src/placement/place.js';
import { type Outcome, watched } from './attempt.js';
import { hostileModel } from './onnx.js';
import { randomOf } from './random.js';

const QUANTIZER = {
  numBits: 8,
  mode: 'symmetric',
  signednessToForce: null,
  perChannel: true,
  narrowRange: false,
} as const;
const OPTIONS: PlacementOptions = {
  runtime: 'onnxruntime',
  targetDevice: 'ANY',
  transformer: true,
  activations: QUANTIZER,
  perChannelActivations: null,
  weights: QUANTIZER,
  quantizeOutputs: true,
  overflowFix: 'first_layer',
  squeezeExcitation: 'float',
  ignored: new Set<string>(),
};

/** One hostile model through reading, inspection, index, upgrade and placement, in this process. */
export async function throughGraph(
  seed: number,
  path: string,
  seeds: readonly ModelProto[],
): Promise<Outcome> {
  const bytes = hostileModel(randomOf(seed), seeds);
  writeFileSync(path, bytes);
  return watched(bytes.length, async (attempt) => {
    await attempt('inspected', () => inspectModel(path));
    await attempt('read', async () => {
      const { model } = await readModel(path);
      await attempt('placed', () => place(model));
    });
  });
}

function place(read: ModelProto): void {
  const whole = inlineFunctions(nameNodes(read).model);
  const graph = indexGraph(whole);
  const upgraded = upgradeModel(whole, graph.rank);
  placeQuantizers(indexGraph(upgraded.model), OPTIONS);
}
