import { type ModelProto, encodeModel } from '@quantsmith/model/onnx';
import type { HostTensor } from '@quantsmith/model/arrays';
import { QuantsmithError, type QuantizationConfig, reasonOf } from '@quantsmith/schemas';
import type { Sample, SampleSource } from '../src/data/types.js';
import { makeQuantization } from '../src/run/make.js';
import { plan } from '../src/plan/plan.js';
import { buildModel, type Quantization } from '../src/quantize/quantization.js';
import { leaveRefusedInFloat } from '../src/quantize/refused.js';
import { nudged } from '../src/verify/nudge.js';
import { UNKNOWN_FLOAT_DB } from '../src/verify/verify.js';
import { createSession, run, type SessionOptions } from '../src/runtime/session.js';
import { randomOf, type RandomGraph } from './randomGraphs.js';
import { inputsOf, sourceOf } from './inputsOf.js';

/** The whole range of the calibration data: random data have no outliers to cut. */
const CONFIG: QuantizationConfig = {
  model: 'random.onnx',
  data: { calibration: { arrays: 'random.npz' } },
  quantization: {
    advanced_parameters: {
      activations_range_estimator_params: {
        min: { statistics_type: 'min', aggregator_type: 'min' },
        max: { statistics_type: 'max', aggregator_type: 'max' },
      },
    },
  },
};

type Feeds = Readonly<Record<string, HostTensor>>;

export interface GraphResult {
  /** What is wrong with the quantized model; empty: it holds all that it must. */
  readonly faults: readonly string[];
  /** The lowest of all outputs, with the runtime's optimizations; null: nothing was to be quantized. */
  readonly decibels: number | null;
  readonly quantized: ModelProto | null;
  /**
   * Of a graph below `ENOUGH`: dB with ranges that hold the held-out samples too and skewed values in asymmetric codes. Where
   * that is enough, the loss is one of the few samples and of the preset, which a run chooses by measurement.
   */
  readonly calibratedOnAll?: number;
}

/** Decibels that a graph of well-behaved ranges has at least. */
export const ENOUGH = 25;

export const CALIBRATION = 16;
export const HELD_OUT = 8;

/**
 * Quantizes a random graph and checks what holds of every one: both forms of it load and run, they agree with each other as
 * far as they do with the float model, outputs keep types and shapes, a second time gives the same bytes, and nothing grows.
 */
export async function checkGraph(graph: RandomGraph, seed: number, twice: boolean): Promise<GraphResult> {
  try {
    return await check(graph, seed, twice);
  } catch (error) {
    if (error instanceof QuantsmithError && error.problem.code === 'nothing-to-quantize')
      return { faults: [], decibels: null, quantized: null };
    const message = reasonOf(error);
    return { faults: [`fails: ${message}`], decibels: null, quantized: null };
  }
}

async function check(graph: RandomGraph, seed: number, twice: boolean): Promise<GraphResult> {
  const samples = samplesOf(graph, seed, CALIBRATION + HELD_OUT);
  const quantized = await quantize(graph.model, samples.slice(0, CALIBRATION));
  const faults: string[] = [];
  if (twice) {
    const again = encodeModel(await quantize(graph.model, samples.slice(0, CALIBRATION)));
    if (Buffer.compare(again, encodeModel(quantized)) !== 0) faults.push('a second run gives other bytes');
  }

  const compared = await compareFeeds(
    encodeModel(graph.model),
    encodeModel(quantized),
    samples.slice(CALIBRATION),
  );
  faults.push(...compared.faults);
  const size = encodeModel(quantized).byteLength;
  if (size > sizeAllowed(graph.model)) faults.push(`grows to ${size} bytes`);
  const result = { faults, decibels: compared.lowest, quantized };
  if (compared.lowest >= ENOUGH || faults.length > 0) return result;
  const mixed = { ...CONFIG, quantization: { ...CONFIG.quantization, preset: 'mixed' } } as const;
  const again = encodeModel(await quantize(graph.model, samples, mixed));
  const { lowest } = await compareFeeds(encodeModel(graph.model), again, samples.slice(CALIBRATION));

  return { ...result, calibratedOnAll: lowest };
}

/** Bytes that a quantized model may have: those of the float model, and scales and zero points. */
export function sizeAllowed(model: ModelProto): number {
  return encodeModel(model).byteLength + 600 * model.graph.node.length + 4096;
}

/** Decibels at which an output is still itself after the last bits of the inputs changed. */
const STEADY = 60;

/**
 * What two models give on the same samples: faults of the second, dB of each output under optimization, the outputs that are
 * nothing but rounding, and the lowest dB.
 */
export async function compareFeeds(
  floatBytes: Uint8Array,
  quantizedBytes: Uint8Array,
  held: readonly Sample[],
): Promise<{
  faults: string[];
  outputs: ReadonlyMap<string, number>;
  noise: ReadonlySet<string>;
  lowest: number;
}> {
  // What the model says: the runtime's optimizer takes some padding for another, and makes invalid graphs of some models.
  const float = await results(floatBytes, held, 'disabled');
  const almostEqual = held.map((sample) => ({ ...sample, feeds: nudged(sample.feeds) ?? sample.feeds }));
  const nudgedFloat = await results(floatBytes, almostEqual, 'disabled');
  const plain = await results(quantizedBytes, held, 'disabled');
  const optimized = await results(quantizedBytes, held, 'all');
  const faults: string[] = [];
  const outputs = new Map<string, number>();
  const noise = new Set<string>();
  let lowest = Number.POSITIVE_INFINITY;
  for (const name of Object.keys(float[0]!)) {
    const of = (each: readonly Feeds[]) => each.map((result) => result[name]!);
    const [left, right] = [of(float), of(optimized)];
    if (
      left.some((tensor, i) => tensor.type !== right[i]?.type || tensor.dims.join() !== right[i].dims.join())
    ) {
      faults.push(`output ${name} changes type or shape`);
      continue;
    }

    const [fast, slow] = [decibels(left, right), decibels(left, of(plain))];
    const steady = decibels(left, of(nudgedFloat));
    if (steady < UNKNOWN_FLOAT_DB) noise.add(name);
    if (steady > STEADY && Math.min(fast, 40) < Math.min(slow, 40) - 3)
      faults.push(`output ${name}: ${fast.toFixed(1)} dB optimized, ${slow.toFixed(1)} dB not`);
    outputs.set(name, fast);
    lowest = Math.min(lowest, fast);
  }

  return { faults, outputs, noise, lowest };
}

async function quantize(
  model: ModelProto,
  samples: readonly Sample[],
  config: QuantizationConfig = CONFIG,
): Promise<ModelProto> {
  const { quantization } = await quantizationOf(model, samples, config);
  const runnable = await leaveRefusedInFloat(quantization, samples[0]!.feeds);
  return buildModel(runnable.quantization, new Set());
}

/** A model's quantization by a config's settings, with the source of these samples. */
export async function quantizationOf(
  model: ModelProto,
  samples: readonly Sample[],
  config: QuantizationConfig = CONFIG,
): Promise<{ quantization: Quantization; source: SampleSource }> {
  const source = sourceOf(samples.length, (index) => samples[index]!);
  const inputs = await inputsOf(model, source);
  const fault = inputs.float.problems.find(({ code }) => code === 'internal-rewrite');
  if (fault !== undefined) throw new Error(fault.message);
  const { quantization } = await makeQuantization(inputs, plan(config), () => undefined);

  return { quantization, source };
}

/** Samples of normal values, the same for the same seed. */
export function samplesOf({ inputs }: RandomGraph, seed: number, count: number): Sample[] {
  const random = randomOf(seed ^ 0x5bd1e995);
  return Array.from({ length: count }, (_, index) => ({
    name: `#${index}`,
    label: null,
    feeds: Object.fromEntries(
      Object.entries(inputs).map(([name, dims]): [string, HostTensor] => {
        const length = dims.reduce((a, b) => a * b, 1);
        return [name, { type: 'float32', dims, data: Float32Array.from({ length }, random.normal) }];
      }),
    ),
  }));
}

async function results(
  bytes: Uint8Array,
  samples: readonly Sample[],
  optimization: NonNullable<SessionOptions['optimization']>,
): Promise<Feeds[]> {
  const session = await createSession(bytes, { threads: 1, optimization });
  try {
    const all: Feeds[] = [];
    for (const { feeds } of samples) all.push(await run(session, feeds));
    return all;
  } finally {
    await session.release();
  }
}

function decibels(expected: readonly HostTensor[], actual: readonly HostTensor[]): number {
  let [signal, noise] = [0, 0];
  expected.forEach(({ data }, index) => {
    const other = actual[index]!.data as Float32Array;
    (data as Float32Array).forEach((x, i) => {
      signal += x * x;
      noise += (x - other[i]!) ** 2;
    });
  });
  return noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise);
}
