import { indexGraph, inlineFunctions } from '@quantsmith/model/graph';
import { inspectModel, type ModelProto, nameNodes, readModel } from '@quantsmith/model/onnx';
import { upgradeModel } from '@quantsmith/model/upgrade';
import { QuantsmithError } from '@quantsmith/schemas';
import { writeFileSync } from 'node:fs';
import { placeQuantizers, type PlacementOptions } from '../../engine/src/placement/place.js';
import { hostileModel } from './onnx.js';
import { randomOf } from './random.js';

/** Nothing may compute longer; on a busy machine the clock says more. */
const MAX_CPU_MS = 2000;
/** Nothing may wait longer. */
const MAX_WAIT_MS = 30_000;
/** Nothing may take more memory than this, beside four times its file. */
const MAX_BYTES = 200 * 2 ** 20;

export interface Outcome {
  readonly counted: readonly string[];
  readonly faults: readonly string[];
}

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
  const counted: string[] = [];
  const faults: string[] = [];
  const memory = process.memoryUsage().rss;
  const begun = performance.now();
  const cpu = process.cpuUsage();
  const attempt = async (what: string, body: () => unknown) => {
    try {
      await body();
      counted.push(what);
    } catch (error) {
      if (!(error instanceof QuantsmithError)) faults.push(`${what}: ${String(error).slice(0, 200)}`);
    }
  };
  await attempt('inspected', () => inspectModel(path));
  await attempt('read', async () => {
    const { model } = await readModel(path);
    await attempt('placed', () => place(model));
  });
  const { user, system } = process.cpuUsage(cpu);
  const computed = (user + system) / 1000;
  const took = performance.now() - begun;
  if (computed > MAX_CPU_MS || took > MAX_WAIT_MS)
    faults.push(`took ${Math.round(computed)} ms of the CPU, ${Math.round(took)} ms in all`);
  const grown = process.memoryUsage().rss - memory;
  if (grown > MAX_BYTES + 4 * bytes.length) faults.push(`took ${Math.round(grown / 2 ** 20)} MB`);
  return { counted, faults };
}

function place(read: ModelProto): void {
  const whole = inlineFunctions(nameNodes(read).model);
  const graph = indexGraph(whole);
  const upgraded = upgradeModel(whole, graph.rank);
  placeQuantizers(indexGraph(upgraded.model), OPTIONS);
}
