import { encodeModel, type ModelProto } from '@quantsmith/model/onnx';
import { buildModel, sessionOptions, type Quantization, reversible } from '../quantize/quantization.js';
import type { Feeds } from '../runtime/batch.js';
import { kernelTimes } from '../runtime/kernelTimes.js';
import { kernelsOf, optimizedModel, type RuntimeKernel } from '../runtime/optimized.js';
import type { SessionOptions } from '../runtime/session.js';
import { withTimedPair } from '../runtime/timedPair.js';
import { measureLatency, type Latency } from './latency.js';

/** Operators that one kernel computes in either model, and what they take in each: milliseconds of one inference. */
export interface OperatorCost {
  readonly operators: readonly string[];
  readonly op: string;
  readonly float: number;
  readonly quantized: number;
}

/** Where the time of a quantized model goes that is slower than the float one. */
export interface Slowdown {
  /** What loses most first. */
  readonly costliest: readonly OperatorCost[];
  /** QuantizeLinear, DequantizeLinear and changes of layout that belong to no operator of the model. */
  readonly conversions: { readonly count: number; readonly milliseconds: number };
  /** What was tried: these operators in float as well. null: nothing to leave in float. */
  readonly tried: { readonly operators: readonly string[]; readonly latency: Latency } | null;
}

const NAMED = 5;
/** What loses less than this share of the quantized model's time is not worth a name. */
const WORTH_NAMING = 0.02;
const TRIAL = { budgetMs: 1000, maxRuns: 40 };

/** Profiles both models kernel by kernel, and times the quantized one with the operators in float that lose most. */
export async function explainSlowness(
  quantization: Quantization,
  final: ModelProto,
  reverted: ReadonlySet<string>,
  feeds: Feeds,
  threads: number,
): Promise<Slowdown> {
  const { model, dir } = quantization.prepared;
  const options = { threads, ...sessionOptions(quantization) };
  const float = await profiled(model, feeds, { threads, dir });
  const quantized = await profiled(final, feeds, options);
  const { costs, conversions } = compareKernels(float, quantized);
  const total = [...quantized.times.values()].reduce((sum, time) => sum + time, 0);
  const costliest = costs
    .filter((cost) => cost.quantized - cost.float > WORTH_NAMING * total)
    .slice(0, NAMED);
  const tried = await tryInFloat(costs, { quantization, final, reverted, feeds, options });

  return { costliest, conversions, tried };
}

/** What the operators of the source take in the float model and in a quantized one; what loses most comes first. */
export async function operatorCosts(
  quantization: Quantization,
  final: ModelProto,
  feeds: Feeds,
  threads: number,
): Promise<readonly OperatorCost[]> {
  const { model, dir } = quantization.prepared;
  const float = await profiled(model, feeds, { threads, dir });
  const quantized = await profiled(final, feeds, { threads, ...sessionOptions(quantization) });

  return compareKernels(float, quantized).costs;
}

/** A model's kernels as the runtime executes it, and how long each takes. */
export interface Profiled {
  readonly kernels: readonly RuntimeKernel[];
  readonly times: ReadonlyMap<string, number>;
}

async function profiled(model: ModelProto, feeds: Feeds, options: SessionOptions): Promise<Profiled> {
  const bytes = encodeModel(model);
  const kernels = [...new Set(kernelsOf(bytes, await optimizedModel(bytes, options)).values())];
  return { kernels, times: await kernelTimes(bytes, feeds, kernels.length, options) };
}

/**
 * The times of both models by operators of the source: those that share a kernel in either of them count together. What loses
 * most comes first.
 */
export function compareKernels(
  float: Profiled,
  quantized: Profiled,
): { readonly costs: OperatorCost[]; readonly conversions: Slowdown['conversions'] } {
  const groups = new Map<string, { operators: Set<string>; op: string; float: number; quantized: number }>();
  const join = ({ kernels, times }: Profiled, side: 'float' | 'quantized') => {
    for (const { name, op, covers } of kernels) {
      if (covers.length === 0) continue;
      const group = { operators: new Set(covers), op, float: 0, quantized: 0 };
      group[side] = times.get(name) ?? 0;
      for (const other of new Set(covers.map((operator) => groups.get(operator)))) {
        if (other === undefined) continue;
        for (const operator of other.operators) group.operators.add(operator);
        group.float += other.float;
        group.quantized += other.quantized;
      }

      for (const operator of group.operators) groups.set(operator, group);
    }
  };

  join(float, 'float');
  join(quantized, 'quantized');
  const costs = [...new Set(groups.values())]
    .map(({ operators, ...rest }) => ({ operators: [...operators], ...rest }))
    .sort((a, b) => b.quantized - b.float - (a.quantized - a.float));

  const between = quantized.kernels.filter(({ covers }) => covers.length === 0);
  const milliseconds = between.reduce((sum, { name }) => sum + (quantized.times.get(name) ?? 0), 0);

  return { costs, conversions: { count: between.length, milliseconds } };
}

interface Trial {
  readonly quantization: Quantization;
  readonly final: ModelProto;
  readonly reverted: ReadonlySet<string>;
  readonly feeds: Feeds;
  readonly options: SessionOptions;
}

/** Times the model next to one in which every operator is float that loses by being quantized. */
async function tryInFloat(costs: readonly OperatorCost[], trial: Trial): Promise<Slowdown['tried']> {
  const { quantization, final, reverted, feeds, options } = trial;
  const losing = new Set(
    costs.filter((cost) => cost.quantized > cost.float).flatMap((cost) => cost.operators),
  );
  const groups = reversible(quantization);
  const operators = groups
    .filter((group) => group.some((name) => losing.has(name)) && !group.every((name) => reverted.has(name)))
    .flat();

  if (operators.length === 0 || operators.length === groups.flat().length) return null;
  const other = buildModel(quantization, new Set([...reverted, ...operators]));
  return withTimedPair({ source: final, options }, { source: other, options }, async (before, after) => ({
    operators,
    latency: await measureLatency(before, after, feeds, TRIAL),
  }));
}
