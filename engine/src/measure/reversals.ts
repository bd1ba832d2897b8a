import type { QuantizationReport } from '@quantsmith/schemas';
import { encodeModel, weightBytes } from '@quantsmith/model/onnx';
import { buildModel, reversible, type Quantization, sessionOptions } from '../quantize/quantization.js';
import { createSession } from '../runtime/session.js';
import type { HostTensor } from '@quantsmith/model/arrays';
import { measureLatency } from './latency.js';

export type ReversalCosts = NonNullable<NonNullable<QuantizationReport['restoration']>['costs']>;

/** All comparisons together take about this long; what is left then has no latency. */
const BUDGET_MS = 4000;
const EACH = { budgetMs: 600, maxRuns: 40 };

/**
 * What each group of operators in float costs: the final model next to the one in which only this group is in int8 again.
 * Milliseconds of one inference and bytes of weights; negative where float is cheaper.
 */
export async function reversalCosts(
  quantization: Quantization,
  reverted: ReadonlySet<string>,
  feeds: Readonly<Record<string, HostTensor>>,
  { threads }: { readonly threads: number },
): Promise<ReversalCosts> {
  const groups = reversible(quantization).filter(([first]) => reverted.has(first!));
  if (groups.length === 0) return [];
  const final = buildModel(quantization, reverted);
  const begun = performance.now();
  const session = await createSession(final, { threads, ...sessionOptions(quantization) });
  try {
    const costs: ReversalCosts = [];
    for (const operators of groups) {
      const kept = new Set([...reverted].filter((name) => !operators.includes(name)));
      const without = buildModel(quantization, kept);
      const timed = performance.now() - begun < BUDGET_MS;
      costs.push({
        operators,
        size_bytes: weightBytes(final) - weightBytes(without),
        latency_ms: timed ? await addedLatency(encodeModel(without)) : null,
      });
    }

    return costs;
  } finally {
    await session.release();
  }

  async function addedLatency(bytes: Uint8Array): Promise<number> {
    const other = await createSession(bytes, { threads, ...sessionOptions(quantization) });
    try {
      const { floatMedian, quantizedMedian } = await measureLatency(session, other, feeds, EACH);
      return floatMedian - quantizedMedian;
    } finally {
      await other.release();
    }
  }
}
