import type { HostTensor } from '@quantsmith/model/arrays';
import { withOutputs, type ModelProto, type NodeProto } from '@quantsmith/model/onnx';
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
  /** Codes compared, those that differ, and those that differ by more than one. */
  readonly codes: number;
  readonly different: number;
  readonly wrong: number;
  /** The largest difference in codes. */
  readonly largest: number;
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

  return cuts.map(({ codes, tensor }) => {
    const node = computingNode(producers, tensor);
    const counts = { codes: 0, different: 0, wrong: 0, largest: 0 };
    samples.forEach((_, index) => countDifferences(counts, intended[index]?.[codes], actual[index]?.[codes]));
    return { node: node?.name ?? '', op: node?.opType ?? 'input', tensor, ...counts };
  });
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
