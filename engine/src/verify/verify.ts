import { encodeModel, type ModelProto } from '@quantsmith/model/onnx';
import type { SampleSource } from '../data/types.js';
import { sessionOptions, type Quantization } from '../quantize/quantization.js';
import { buildModel } from '../quantize/quantization.js';
import { quantizedOperators } from '../placement/revert.js';
import type { Feeds } from '../runtime/batch.js';
import { createSession, run } from '../runtime/session.js';
import { compareOperators, type OperatorAgreement } from './operators.js';
import { compareOutputs, type OutputAgreement } from './outputs.js';

/** Samples on which operators are compared: their codes number thousands each. */
const OPERATOR_SAMPLES = 1;
/** Samples on which the outputs are compared. */
const OUTPUT_SAMPLES = 12;
/** Of these, how many go through the unoptimized model too, which is slow. */
const UNOPTIMIZED_SAMPLES = 2;

/**
 * What an operator may differ by in the runtime's kernels. On healthy runs (MobileNetV2, SqueezeNet, YOLOX-nano, ViT,
 * ResNets, Magika) no code was off by more than one, and at most 7 in 10,000 by one: ties that are rounded otherwise.
 */
const MAX_DIFFERENT_SHARE = 1e-3;
const MAX_DIFFERENT_CODES = 2;

/** Samples that models are compared on. */
export interface CheckSamples {
  readonly source: SampleSource;
  readonly indices: readonly number[];
  /** Whether statistics were collected on them. */
  readonly inSample: boolean;
}

/**
 * Samples spread over the validation set, else over the calibration samples that no statistics were collected on, else over
 * all of those.
 */
export function checkSamples(
  calibration: { readonly source: SampleSource; readonly samples: number },
  validation: { readonly source: SampleSource } | null,
): CheckSamples {
  const { source, samples } = calibration;
  if (validation !== null && validation.source !== source)
    return { source: validation.source, indices: spread(0, validation.source.count), inSample: false };
  const isHeldOut = source.count > samples;
  const [from, to] = isHeldOut ? [samples, source.count] : [0, source.count];
  return { source, indices: spread(from, to), inSample: !isHeldOut };
}

/** At most `OUTPUT_SAMPLES` indices from `from` up to `to`, evenly. */
function spread(from: number, to: number): number[] {
  const count = Math.min(OUTPUT_SAMPLES, to - from);
  return Array.from({ length: count }, (_, i) => from + Math.floor((i * (to - from)) / count));
}

/** Operators whose kernels give other codes than intended. */
export interface UnfitOperator extends OperatorAgreement {
  /** Whether it can be left in float. */
  readonly revertible: boolean;
}

/** Runs the operators of a quantized model on equal inputs, with and without the runtime's optimizations. */
export async function unfitOperators(
  quantization: Quantization,
  model: ModelProto,
  { source, indices }: CheckSamples,
  threads: number,
): Promise<UnfitOperator[]> {
  const { graph, dir } = quantization.prepared;
  const chosen = indices.filter((_, i) => i % Math.ceil(indices.length / OPERATOR_SAMPLES) === 0);
  const feeds = await Promise.all(chosen.map(async (index) => (await source.get(index)).feeds));
  const compared = await compareOperators(model, feeds, { threads, dir });
  const quantized = new Set(quantizedOperators(graph, quantization.placement));

  return compared
    .filter(isUnfit)
    .map((operator) => ({ ...operator, revertible: quantized.has(operator.node) }));
}

function isUnfit({ codes, different, wrong }: OperatorAgreement): boolean {
  return wrong > 0 || different > Math.max(MAX_DIFFERENT_CODES, MAX_DIFFERENT_SHARE * codes);
}

/** How a finished model compares with the float model, and with itself without the runtime's optimizations. */
export interface Verification {
  /** Against the float model, under the runtime's full optimization. */
  readonly outputs: readonly OutputAgreement[];
  readonly samples: number;
  readonly inSample: boolean;
  /** Of the outputs under optimization against those without it, in dB, the worst output; null: nothing to compare. */
  readonly optimizedDb: number | null;
  /** Of the outputs without optimization against the float model: the noise of quantization itself. */
  readonly unoptimizedDb: number | null;
  /** Operators whose kernels give other codes than intended. */
  readonly unfit: readonly UnfitOperator[];
  /** Whether the model computes what the quantization was chosen for. */
  readonly passed: boolean;
}

/** Difference in dB above which two runs of a model are the same for every purpose. */
const SAME_DB = 40;

/** Runs the finished model as the runtime will run it, without optimization, and in float, on the same samples. */
export async function verifyModel(
  quantization: Quantization,
  final: ModelProto,
  samples: CheckSamples,
  unfit: readonly UnfitOperator[],
  options: { readonly threads: number; readonly onSample: (done: number, total: number) => void },
): Promise<Verification> {
  const { model, dir } = quantization.prepared;
  const { threads } = options;
  const { source, indices } = samples;
  const total = indices.length;
  const bytes = encodeModel(final);
  const feeds = await Promise.all(indices.map(async (index) => (await source.get(index)).feeds));
  const few = feeds.filter((_, i) => i % Math.ceil(total / UNOPTIMIZED_SAMPLES) === 0);
  // One model after the other: two at once could take more memory than the rest of the run.
  const float = await outputsOf(encodeModel(model), feeds, { threads, dir });
  const optimized = await outputsOf(bytes, feeds, { threads, ...sessionOptions(quantization) });
  options.onSample(total, 2 * total);
  const unoptimized = await outputsOf(bytes, few, { threads, dir, optimization: 'disabled' });
  options.onSample(2 * total, 2 * total);

  const names = Object.keys(float[0] ?? {});
  const compared = (expected: typeof float, actual: typeof float) => {
    const comparison = compareOutputs(names);
    expected.forEach((one, i) => comparison.add(one, actual[i] ?? {}));
    return comparison.result();
  };

  const isFew = new Set(few);
  const ofFew = <T>(all: readonly T[]) => all.filter((_, i) => isFew.has(feeds[i] ?? {}));
  const optimizedDb = worst(compared(unoptimized, ofFew(optimized)));
  const unoptimizedDb = worst(compared(ofFew(float), unoptimized));

  return {
    outputs: compared(float, optimized),
    samples: total,
    inSample: samples.inSample,
    optimizedDb,
    unoptimizedDb,
    unfit,
    passed: unfit.length === 0 && isBelowNoise(optimizedDb, unoptimizedDb),
  };
}

/** Codes that flip at a tie grow through a deep network, but not above what quantization itself does. */
function isBelowNoise(differenceDb: number | null, noiseDb: number | null): boolean {
  return differenceDb === null || differenceDb >= Math.min(SAME_DB, noiseDb ?? SAME_DB);
}

function worst(outputs: readonly OutputAgreement[]): number | null {
  const known = outputs.flatMap(({ sqnrDb }) => sqnrDb ?? []);
  return known.length === 0 ? null : Math.min(...known);
}

async function outputsOf(
  bytes: Uint8Array,
  samples: readonly Feeds[],
  options: Parameters<typeof createSession>[1],
) {
  const session = await createSession(bytes, options);
  try {
    const results = [];
    for (const feeds of samples) results.push(await run(session, feeds));
    return results;
  } finally {
    await session.release();
  }
}

/** The model with the operators that are unfit left in float. */
export function withoutUnfit(quantization: Quantization, unfit: readonly UnfitOperator[]): Quantization {
  const names = unfit.flatMap(({ node, revertible }) => (revertible ? [node] : []));
  return names.length === 0 ? quantization : { ...quantization, unfit: new Set(names) };
}

/** The quantized model with every operator that it can have quantized. */
export const builtWhole = (quantization: Quantization): ModelProto => buildModel(quantization, new Set());
