import { smallest } from '@quantsmith/schemas';
import { type ModelProto } from '@quantsmith/model/onnx';
import { spreadIndices, spreadOf } from '../data/spread.js';
import type { SampleSource } from '../data/types.js';
import { operatorsServed, quantizedOperators } from '../placement/revert.js';
import { buildModel, type Quantization } from '../quantize/quantization.js';
import { affordableSamples, type InferenceCost } from '../runtime/affordable.js';
import type { Results } from '../runtime/batch.js';
import { createSession, run, type Session } from '../runtime/session.js';
import { compareOperators, isUnfit, type OperatorAgreement } from './operators.js';
import { comparableOutputs, compareOutputs, type OutputAgreement, type OutputComparison } from './outputs.js';

/** Samples on which operators are compared: their codes number thousands each. */
const OPERATOR_SAMPLES = 1;
/**
 * Samples on which the outputs are compared; of small models more, for a share of what they run on for next to nothing (up to 20 ms):
 * of 98 small models the SQNR on 12 of 64 samples was 1.8 dB from that on all of them (standard deviation), and on 32 1.0 dB.
 */
const OUTPUT_SAMPLES = { least: 12, small: 32, share: 1 / 2 } as const;
/** Of these, how many go through the unoptimized model too, which is slow. */
const UNOPTIMIZED_SAMPLES = 2;

/** Samples that models are compared on. */
export interface CheckSamples {
  readonly source: SampleSource;
  readonly indices: readonly number[];
  /** Whether statistics were collected on them. */
  readonly inSample: boolean;
}

/** How many samples models of these costs are compared on. */
export function checkCount(cost: InferenceCost): number {
  const { least, small, share } = OUTPUT_SAMPLES;
  return Math.max(least, Math.min(small, affordableSamples(cost, share)));
}

/**
 * `count` samples spread over the validation set, else over the calibration samples that no statistics were collected on, else over
 * all of those.
 */
export function checkSamples(
  calibration: { readonly source: SampleSource; readonly samples: number },
  validation: { readonly source: SampleSource } | null,
  count: number,
): CheckSamples {
  const { source, samples } = calibration;
  if (validation !== null && validation.source !== source)
    return {
      source: validation.source,
      indices: spreadIndices(0, validation.source.count, count),
      inSample: false,
    };
  const isHeldOut = source.count > samples;
  const [from, to] = isHeldOut ? [samples, source.count] : [0, source.count];
  return { source, indices: spreadIndices(from, to, count), inSample: !isHeldOut };
}

/** Operators whose kernels give other codes than intended. */
export interface UnfitOperator extends OperatorAgreement {
  /**
   * The operators that have to stay in float for it to be computed in float: itself, or those for which its result is rounded to
   * codes. Empty: it cannot be.
   */
  readonly toFloat: readonly string[];
}

/**
 * Runs the operators of a quantized model on equal inputs, with and without the runtime's optimizations. null: the runtime
 * cannot be made to run them so, and nothing was compared.
 */
export async function unfitOperators(
  quantization: Quantization,
  model: ModelProto,
  { source, indices }: CheckSamples,
  threads: number,
): Promise<UnfitOperator[] | null> {
  const { prepared, placement } = quantization;
  const { graph, dir } = prepared;
  const chosen = spreadOf(indices, OPERATOR_SAMPLES);
  const feeds = await Promise.all(chosen.map(async (index) => (await source.get(index)).feeds));
  const compared = await compareOperators(model, feeds, { threads, dir });
  if (compared === null) return null;
  const unfit = compared.filter(isUnfit);
  if (unfit.length === 0) return [];
  const quantized = new Set(quantizedOperators(graph, placement));
  const served = operatorsServed(graph, placement);
  const readersOf = (tensor: string) =>
    placement.activations
      .filter((quantizer) => quantizer.tensor === tensor)
      .flatMap(({ id }) => [...(served.get(id) ?? [])]);

  return unfit.map((operator) => {
    const { node, tensor } = operator;
    return { ...operator, toFloat: quantized.has(node) ? [node] : readersOf(tensor) };
  });
}

/** How one output of the float model compares with itself; in dB, null: nothing to compare. */
export interface FloatAgreement {
  readonly name: string;
  /** Under the runtime's optimizations against without them. */
  readonly optimizedDb: number | null;
  /** With inputs that differ in their last bits. */
  readonly steadyDb: number | null;
  /** Whether the runs here are kept from the optimizations that `optimizedDb` is about, so that they agree with the model. */
  readonly isKeptFrom: boolean;
}

/** Below this an output of the float model is not one with itself, in dB: a comparison with it says nothing. */
export const UNKNOWN_FLOAT_DB = 20;

/** Whether an output is nothing but rounding. */
export const isRounding = ({ steadyDb }: FloatAgreement) => steadyDb !== null && steadyDb < UNKNOWN_FLOAT_DB;

/** How a finished model compares with the float model, and with itself without the runtime's optimizations. */
export interface Verification {
  /** Against the float model, under the runtime's full optimization. */
  readonly outputs: readonly OutputAgreement[];
  readonly samples: number;
  readonly inSample: boolean;
  /**
   * Of the outputs under optimization against those without it, in dB, the worst output that is more than rounding; null: nothing
   * to compare.
   */
  readonly optimizedDb: number | null;
  /** Of the outputs without optimization against the float model: the noise of quantization itself. */
  readonly unoptimizedDb: number | null;
  /** Operators whose kernels give other codes than intended; null: they were not compared, only the outputs were. */
  readonly unfit: readonly UnfitOperator[] | null;
  /** Of the float model with itself, by output. */
  readonly float: readonly FloatAgreement[];
  /** Whether the model computes what the quantization was chosen for, as far as that was compared. */
  readonly passed: boolean;
}

/** Difference in dB above which two runs of a model are the same for every purpose. */
const SAME_DB = 40;

/** What a model gives without the runtime's optimizations, on a few of the samples. */
export interface UnoptimizedOutputs {
  readonly indices: readonly number[];
  readonly outputs: readonly Results[];
}

/** Runs a model operator by operator; a finished one in float on dequantized values: what the quantizers were chosen for. */
export async function unoptimizedOutputs(
  model: ModelProto,
  { source, indices }: CheckSamples,
  options: { readonly threads: number; readonly dir: string },
): Promise<UnoptimizedOutputs> {
  const sparse = spreadOf(indices, UNOPTIMIZED_SAMPLES);
  const session = await createSession(model, { ...options, optimization: 'disabled' });
  try {
    const outputs: Results[] = [];
    for (const index of sparse) outputs.push(await run(session, (await source.get(index)).feeds));
    return { indices: sparse, outputs };
  } finally {
    await session.release();
  }
}

/** The float side of what is compared: it is the same for every quantization of the model. */
export interface FloatSide {
  /** Outputs of a sample under the runtime's full optimization. */
  readonly outputs: (index: number) => Promise<Results>;
  /** Of the float model with itself, by output. */
  readonly agreement: readonly FloatAgreement[];
}

/** Compares the finished model, as the runtime will run it, with the float model and with itself unoptimized. */
export async function verifyModel(
  quantized: Session,
  float: FloatSide,
  unoptimized: UnoptimizedOutputs,
  unfit: readonly UnfitOperator[] | null,
  { source, indices, inSample }: CheckSamples,
  onSample: (done: number, total: number) => void,
): Promise<Verification> {
  const names = comparableOutputs(quantized);
  const [outputs, optimization, quantizing] = [0, 0, 0].map(() => compareOutputs(names));
  for (const [done, index] of indices.entries()) {
    const expected = await float.outputs(index);
    const actual = await run(quantized, (await source.get(index)).feeds);
    outputs!.add(expected, actual);
    const intended = outputsOf(unoptimized, index);
    if (intended !== undefined) {
      optimization!.add(intended, actual);
      quantizing!.add(expected, intended);
    }

    onSample(done + 1, indices.length);
  }

  const noise = new Set(float.agreement.filter(isRounding).map(({ name }) => name));
  const worstOf = (compared: OutputComparison) =>
    worst(compared.result().filter(({ name }) => !noise.has(name)));
  const [optimizedDb, unoptimizedDb] = [worstOf(optimization!), worstOf(quantizing!)];

  return {
    outputs: outputs!.result(),
    samples: indices.length,
    inSample,
    optimizedDb,
    unoptimizedDb,
    unfit,
    float: float.agreement,
    passed: (unfit ?? []).length === 0 && isBelowNoise(optimizedDb, unoptimizedDb),
  };
}

const outputsOf = ({ indices, outputs }: UnoptimizedOutputs, index: number): Results | undefined =>
  outputs[indices.indexOf(index)];

/** Codes that flip at a tie grow through a deep network, but not above what quantization itself does. */
function isBelowNoise(differenceDb: number | null, noiseDb: number | null): boolean {
  return differenceDb === null || differenceDb >= Math.min(SAME_DB, noiseDb ?? SAME_DB);
}

function worst(outputs: readonly OutputAgreement[]): number | null {
  const known = outputs.flatMap(({ sqnrDb }) => sqnrDb ?? []);
  return known.length === 0 ? null : smallest(known);
}

/** The model with the operators that are unfit left in float. */
export function withoutUnfit(quantization: Quantization, unfit: readonly UnfitOperator[]): Quantization {
  const names = new Set(unfit.flatMap(({ toFloat }) => toFloat));
  return names.size === 0 ? quantization : { ...quantization, unfit: names };
}

/** The quantized model with every operator that it can have quantized. */
export const builtWhole = (quantization: Quantization): ModelProto => buildModel(quantization, new Set());
