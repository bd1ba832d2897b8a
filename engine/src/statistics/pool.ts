import type { ModelProto } from '@quantsmith/model/onnx';
import type { ChannelMeanRequest, Collected, RangeStatistics } from './collect.js';
import type { TensorPlan } from './plan.js';

/** Statistics, and whether they come from an earlier run. */
type PooledStatistics = Collected & { readonly cached: boolean };

/** Statistics that one pass over the samples has collected for many quantizations of the same float model. */
export interface StatisticsPool {
  readonly add: (
    model: ModelProto,
    plan: readonly TensorPlan[],
    means: readonly ChannelMeanRequest[],
    collected: PooledStatistics,
  ) => void;
  /** What a plan asks for of so many samples at least, or null where anything of it has not been collected. */
  readonly find: (
    model: ModelProto,
    plan: readonly TensorPlan[],
    means: readonly ChannelMeanRequest[],
    samples: number,
  ) => PooledStatistics | null;
}

interface Entry {
  readonly ranges: Map<string, RangeStatistics>;
  readonly means: Map<string, Float64Array>;
  readonly samples: number;
  readonly cached: boolean;
}

export function createPool(): StatisticsPool {
  const entries = new WeakMap<ModelProto, Entry[]>();
  return {
    add(model, plan, means, { ranges, channelMeans, samples, cached }) {
      const all = entries.get(model) ?? [];
      const match = all.find((entry) => entry.samples === samples && entry.cached === cached);
      const entry = match ?? { ranges: new Map(), means: new Map(), samples, cached };
      if (match === undefined) entries.set(model, [...all, entry]);
      for (const tensor of plan) {
        const range = ranges.get(tensor.quantizer);
        if (range !== undefined) entry.ranges.set(planKey(tensor), range);
      }

      for (const { tensor, axis } of means) {
        const mean = channelMeans.get(tensor);
        if (mean !== undefined) entry.means.set(meanKey(tensor, axis), mean);
      }
    },
    find(model, plan, means, samples) {
      const enough = (entries.get(model) ?? []).filter((entry) => entry.samples >= samples);
      for (const entry of enough) {
        const ranges = plan.map((tensor) => [tensor.quantizer, entry.ranges.get(planKey(tensor))] as const);
        const channelMeans = means.map(
          ({ tensor, axis }) => [tensor, entry.means.get(meanKey(tensor, axis))] as const,
        );

        if (!ranges.every(isFound) || !channelMeans.every(isFound)) continue;
        const { samples: count, cached } = entry;
        return { ranges: new Map(ranges), channelMeans: new Map(channelMeans), samples: count, cached };
      }

      return null;
    },
  };
}

const isFound = <T>(entry: readonly [string, T | undefined]): entry is readonly [string, T] =>
  entry[1] !== undefined;

/** Whatever quantizer asks for it: the same statistic of the same tensor. */
export function planKey({ tensor, axis, symmetric, min, max }: TensorPlan): string {
  // JSON has no infinities.
  return JSON.stringify([tensor, axis, symmetric, min, max], (_key, value: unknown) =>
    typeof value === 'number' ? String(value) : value,
  );
}

const meanKey = (tensor: string, axis: number) => `${axis}\u0000${tensor}`;
