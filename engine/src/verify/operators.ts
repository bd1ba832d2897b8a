import type { HostTensor } from '@quantsmith/model/arrays';
import {
  elementCount,
  readFloats,
  readInts,
  withOutputs,
  type ModelProto,
  type NodeProto,
} from '@quantsmith/model/onnx';
import { has, isLinear } from '@quantsmith/model/operators';
import type { Feeds } from '../runtime/batch.js';
import { createSession, unlessRefused, run } from '../runtime/session.js';
import { cutAtCodes, type Cut } from './cut.js';

/** How an operator's codes in the runtime's kernels compare with those of the unoptimized model, on equal inputs. */
export interface OperatorAgreement {
  /** The node whose result is rounded to the codes; activations that fuse with it are part of it. */
  readonly node: string;
  readonly op: string;
  /** The tensor that is rounded to the codes. */
  readonly tensor: string;
  /** Codes compared; those that differ, ties left out; and those that differ by more than one. */
  readonly codes: number;
  readonly different: number;
  readonly wrong: number;
  /** The largest difference in codes. */
  readonly largest: number;
}

/**
 * Differing codes that are no reason to look closer. On healthy runs (MobileNetV2, SqueezeNet, YOLOX-nano, ViT, ResNets, Magika)
 * no code was off by more than one, and at most 7 in 10,000 by one.
 */
const MAX_DIFFERENT_SHARE = 1e-3;
const MAX_DIFFERENT_CODES = 2;

/** Whether an operator's kernel gives other codes than intended. */
export function isUnfit({ codes, different, wrong }: OperatorAgreement): boolean {
  return wrong > 0 || different > Math.max(MAX_DIFFERENT_CODES, MAX_DIFFERENT_SHARE * codes);
}

/**
 * Runs every operator of a quantized model on the codes that the unoptimized model gives it, in the kernels that the
 * runtime's full optimization picks, and compares the codes that come out. The unoptimized model computes in float on
 * dequantized values: what the quantizers were chosen for. Sorted as the graph is; null: the cut model does not load or run.
 */
export async function compareOperators(
  model: ModelProto,
  samples: readonly Feeds[],
  options: { readonly threads: number; readonly dir: string },
): Promise<OperatorAgreement[] | null> {
  const { model: cut, cuts } = cutAtCodes(model);
  if (cuts.length === 0) return [];
  const names = cuts.map(({ codes }) => codes);
  const intended = await outputsOf(withOutputs(model, names), samples, names, {
    ...options,
    optimization: 'disabled',
  });

  const given = samples.map((feeds, index) => ({ ...feeds, ...givenCodes(cuts, intended[index] ?? {}) }));
  // The optimizer makes an invalid graph of some cut models (ONNX Runtime 1.30), which says nothing of the whole one.
  const actual = await outputsOf(cut, given, names, options).catch(unlessRefused);
  if (actual === null) return null;

  const producers = new Map(
    (model.graph?.node ?? []).flatMap((node) => node.output.map((name) => [name, node])),
  );

  const agreementOf = ({ codes, tensor }: Cut, expected: readonly Record<string, HostTensor>[]) => {
    const node = computingNode(producers, tensor);
    const counts = { codes: 0, different: 0, wrong: 0, largest: 0 };
    samples.forEach((_, index) => countDifferences(counts, expected[index]?.[codes], actual[index]?.[codes]));
    return { node: node?.name ?? '', op: node?.opType ?? 'input', tensor, ...counts };
  };

  const all = cuts.map((cut) => ({ cut, agreement: agreementOf(cut, intended) }));
  const isSuspect = (agreement: OperatorAgreement) => isUnfit(agreement) && agreement.wrong === 0;
  const suspect = all.flatMap(({ cut, agreement }) => (isSuspect(agreement) ? [cut] : []));
  // In a second run: the float values of all operators would take four times the room of their codes.
  const tensors = [...new Set(suspect.map(({ tensor }) => tensor))];
  const values =
    tensors.length === 0
      ? []
      : await outputsOf(withOutputs(model, tensors), samples, tensors, {
          ...options,
          optimization: 'disabled',
        });
  const settled = values.map((exact, index) =>
    settleTies(suspect, model, intended[index], actual[index], exact),
  );

  return all.map(({ cut, agreement }) => (isSuspect(agreement) ? agreementOf(cut, settled) : agreement));
}

async function outputsOf(
  model: ModelProto,
  samples: readonly Feeds[],
  names: readonly string[],
  options: Parameters<typeof createSession>[1],
): Promise<Record<string, HostTensor>[]> {
  const session = await createSession(model, options);
  try {
    const results: Record<string, HostTensor>[] = [];
    for (const feeds of samples) results.push(await run(session, feeds, names));
    return results;
  } finally {
    await session.release();
  }
}

function givenCodes(cuts: readonly Cut[], outputs: Record<string, HostTensor>): Record<string, HostTensor> {
  return Object.fromEntries(
    cuts.flatMap(({ codes, given }) => {
      const tensor = outputs[codes];
      return tensor === undefined ? [] : [[given, tensor]];
    }),
  );
}

/** Whether placement takes an operator together with the one in front of it. */
const fuses = (node: NodeProto) => has(node, 'activation') || has(node, 'elementwise');

/** The linear operator behind a fused activation, else the operator itself; undefined for an input of the model. */
function computingNode(producers: ReadonlyMap<string, NodeProto>, tensor: string): NodeProto | undefined {
  const node = producers.get(tensor);
  if (node === undefined || !fuses(node)) return node;
  const before = node.input
    .map((name) => producers.get(name))
    .find((reader) => reader !== undefined && isLinear(reader));
  return before ?? node;
}

/**
 * How far from half way between two codes a value may lie, in codes, to be a tie that a kernel may round either way. Kernels
 * round float sums in another order, and integer ones their biases to 32 bits: on 98 models that moved values by up to 0.014 of
 * a code. An error of 1/32 of a code in every value adds less than 0.06 dB to the noise of rounding itself, 1/12 of a code squared.
 */
const TIE = 1 / 32;

/** The intended codes of these operators on one sample, with ties as the kernels have rounded them. */
function settleTies(
  suspect: readonly Cut[],
  { graph }: ModelProto,
  intended: Readonly<Record<string, HostTensor>> = {},
  actual: Readonly<Record<string, HostTensor>> = {},
  values: Readonly<Record<string, HostTensor>> = {},
): Record<string, HostTensor> {
  const constant = (wanted: string) => graph.initializer.find(({ name }) => name === wanted);
  return Object.fromEntries(
    suspect.flatMap(({ codes, tensor, scale, zeroPoint }) => {
      const [expected, given, exact] = [intended[codes], actual[codes], values[tensor]];
      const [step, zero] = [constant(scale), constant(zeroPoint)];
      if (expected === undefined || given === undefined || exact === undefined) return [];
      // Several scales are of layouts that the runtime has no kernels for.
      if (step === undefined || elementCount(step.dims) !== 1) return [[codes, expected]];
      const [width = 1] = readFloats(step, '');
      const [shift = 0] = zero === undefined ? [] : readInts(zero, '');
      const rounded = given.data as Uint8Array;
      const settled = (expected.data as Uint8Array).map((code, i) => {
        const other = rounded[i] ?? code;
        return Math.abs(Number(exact.data[i]) / width + shift - other) <= 0.5 + TIE ? other : code;
      });

      return [[codes, { ...expected, data: settled }]];
    }),
  );
}

function countDifferences(
  counts: { codes: number; different: number; wrong: number; largest: number },
  intended: HostTensor | undefined,
  actual: HostTensor | undefined,
): void {
  if (intended === undefined || actual === undefined) return;
  const x = intended.data as Uint8Array;
  const y = actual.data as Uint8Array;
  counts.codes += x.length;
  for (let i = 0; i < x.length; i++) {
    const difference = Math.abs(x[i]! - y[i]!);
    if (difference === 0) continue;
    counts.different++;
    if (difference > 1) counts.wrong++;
    if (difference > counts.largest) counts.largest = difference;
  }
}
