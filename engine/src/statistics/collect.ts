import type { PreparedModel } from '../prepare/prepare.js';
import { opset } from '@quantsmith/model/onnx';
import type { ActivationQuantizer } from '../placement/types.js';
import { fail } from '@quantsmith/schemas';
import type { Range } from '../ranges/parameters.js';
import { hasSmallOperators } from '../runtime/smallOperators.js';
import type { Workers } from '../runtime/workers.js';
import type { HostTensor } from '@quantsmith/model/arrays';
import { createAggregator, type Aggregator } from './aggregate.js';
import { augmentWithReductions, reductionKey, type Reduction } from './augment.js';
import { checkValues, nanSentinels } from './finite.js';
import { createHistogram, type Histogram } from './histogram.js';
import type { SidePlan, TensorPlan } from './plan.js';
import { reduceTensor } from '../ranges/reduce.js';

export type RangeStatistics = Range;

/** One calibration sample: the model's inputs (finite, as `data` checks), and a name for messages. */
export interface CalibrationSample {
  readonly name: string;
  readonly feeds: Readonly<Record<string, HostTensor>>;
}

export interface ChannelMeanRequest {
  readonly tensor: string;
  /** Axis of the channels. */
  readonly axis: number;
}

export interface CollectOptions {
  /** Reduce inside the runtime's graph (default) or take tensors out and reduce them here. */
  readonly inGraph: boolean;
  readonly workers: Workers;
  readonly onSample?: (done: number) => void;
}

export interface Collected {
  /** By quantizer id; none for a tensor that had no elements in any sample. */
  readonly ranges: ReadonlyMap<string, RangeStatistics>;
  /** Means over samples of the channel means, by tensor; none for a tensor that had no elements in any sample. */
  readonly channelMeans: ReadonlyMap<string, Float64Array>;
  readonly samples: number;
}

/**
 * Runs the float model over the samples and keeps only statistics: memory does not grow with the
 * activations. Throws `calibration-not-finite` naming tensor and sample, and `calibration-empty`.
 */
export async function collectStatistics(
  prepared: PreparedModel,
  plan: readonly TensorPlan[],
  means: readonly ChannelMeanRequest[],
  samples: AsyncIterable<CalibrationSample>,
  options: CollectOptions,
): Promise<Collected> {
  const work = planWork(prepared, plan, means, options.inGraph);
  const reductions = new Set([
    ...work.sentinels,
    ...work.tensors.flatMap((item) => item.reductions),
    ...work.means.map(({ reduction }) => reduction),
  ]);

  const fetched = work.tensors.filter((item) => item.fetch).map((item) => item.plan.tensor);
  const augmented = augmentWithReductions(
    prepared.model,
    prepared.graph,
    [...reductions],
    fetched,
    opset(prepared.model),
  );

  const runner = await options.workers.open(augmented.model, {
    dir: prepared.dir,
    small: hasSmallOperators(prepared.model, prepared.graph),
  });
  let count = 0;
  try {
    for await (const [sample, results] of runner.run(samples)) {
      const read = readOnce((reduction) => augmented.read(results, reduction));
      addSample(work, sample.name, read, results);
      count++;
      options.onSample?.(count);
    }
  } finally {
    await runner.release();
  }

  if (count === 0)
    fail('calibration-empty', 'There is no calibration sample.', { configPath: ['data', 'calibration'] });

  return collectedFrom(work, count);
}

/** Everything that is to be kept of the samples. */
interface Work {
  readonly tensors: readonly TensorWork[];
  readonly means: readonly {
    readonly tensor: string;
    readonly reduction: Reduction;
    readonly aggregator: Aggregator;
  }[];
  /** Means that show a NaN in a tensor whose reductions would hide it. */
  readonly sentinels: readonly Reduction[];
}

function planWork(
  prepared: PreparedModel,
  plan: readonly TensorPlan[],
  means: readonly ChannelMeanRequest[],
  inGraph: boolean,
): Work {
  const shared: Shared = { sides: new Map(), same: sameReductions() };
  const tensors = plan.map((tensor) => tensorWork(tensor, inGraph, shared));
  const reduced = new Set(tensors.flatMap((item) => (item.fetch ? [] : [item.plan.tensor])));

  return {
    tensors,
    means: means.map(({ tensor, axis }) => ({
      tensor,
      reduction: shared.same({ tensor, axis, kind: 'mean' }),
      aggregator: createAggregator('mean', 0),
    })),
    sentinels: nanSentinels(prepared.graph, prepared.dir, reduced).map(shared.same),
  };
}

/** What the plans before have asked for. */
interface Shared {
  readonly sides: Map<string, SideWork>;
  readonly same: (reduction: Reduction) => Reduction;
}

/** One object for equal reductions, so that they are found without comparing names at every sample. */
function sameReductions(): Shared['same'] {
  const known = new Map<string, Reduction>();
  return (reduction) => {
    const key = reductionKey(reduction);
    const first = known.get(key) ?? reduction;
    known.set(key, first);
    return first;
  };
}

/** Adds what one run of the model gave to every statistic. */
function addSample(
  { tensors, means, sentinels }: Work,
  sample: string,
  read: Reader,
  results: Readonly<Record<string, HostTensor>>,
): void {
  const filled = tensors.filter((item) => !isEmpty(item, read, results[item.plan.tensor]));
  const names = new Set(filled.map((item) => item.plan.tensor));
  for (const sentinel of sentinels) {
    if (names.has(sentinel.tensor)) checkValues(read(sentinel), sentinel.tensor, sample);
  }

  for (const { plan: tensor, histogram } of filled) {
    if (histogram !== null) addToHistogram(histogram, tensor, sample, results[tensor.tensor]!);
  }

  const sides = new Set<SideWork>();
  for (const { min, max } of filled) {
    if (min !== null) sides.add(min);
    if (max !== null) sides.add(max);
  }

  for (const side of sides) addToSide(side, sample, read, results[side.plan.tensor]);

  for (const { reduction, aggregator } of means) {
    const values = read(reduction);
    // The mean of no values at all.
    if (!values.every(Number.isNaN)) aggregator.add(values);
  }
}

function collectedFrom({ tensors, means }: Work, samples: number): Collected {
  return {
    ranges: new Map(
      tensors.flatMap((item) => {
        const range = rangeOf(item);
        return range === null ? [] : [[item.plan.quantizer, range] as const];
      }),
    ),
    channelMeans: new Map(
      means.flatMap(({ tensor, aggregator }) => {
        const result = aggregator.result();
        return result.length === 0 ? [] : [[tensor, result] as const];
      }),
    ),
    samples,
  };
}

/** The runtime's maximum of no values: −∞, or the lowest number where it pools. */
const LOWEST = -3.4028234663852886e38;

/** Whether the tensor has no elements in this sample (nothing was found that it would hold). */
function isEmpty(item: TensorWork, read: Reader, fetched: HostTensor | undefined): boolean {
  if (item.fetch) return fetched?.data.length === 0;
  for (const reduction of item.reductions) {
    const { kind } = reduction;
    if (kind === 'mean') continue;
    const isNothing = (value: number) => (kind === 'max' ? value <= LOWEST : value >= -LOWEST);
    if (!read(reduction).every(isNothing)) return false;
  }

  return true;
}

interface TensorWork {
  readonly plan: TensorPlan;
  readonly reductions: readonly Reduction[];
  /** Whether the tensor itself leaves the runtime. */
  readonly fetch: boolean;
  readonly min: SideWork | null;
  readonly max: SideWork | null;
  readonly histogram: Histogram | null;
}

/** One border of a tensor's range; plans that ask for the same share it. */
interface SideWork {
  readonly plan: TensorPlan;
  readonly side: SidePlan;
  readonly fetch: boolean;
  readonly aggregator: Aggregator;
  /** What the statistic may be made of. */
  readonly reductions: Readonly<Record<Reduction['kind'], Reduction>>;
}

function tensorWork(plan: TensorPlan, inGraph: boolean, shared: Shared): TensorWork {
  // A histogram serves per-tensor quantizers; per-channel ones fall back to minimum and maximum.
  const histogram =
    plan.max.aggregator === 'histogram' && plan.axis === null
      ? createHistogram({ symmetric: plan.symmetric, clip: histogramClip(plan) })
      : null;

  const fetch = histogram !== null || !inGraph || ![plan.min, plan.max].every(isReducible);
  const { tensor, axis } = plan;
  const kinds = new Set(
    [plan.min, plan.max].flatMap((side) => (side === null ? [] : kindsOf(side, plan.min === null))),
  );

  // A mean alone would not tell a tensor without elements from one that holds a NaN.
  if (!kinds.has('min')) kinds.add('max');

  return {
    plan,
    fetch,
    reductions: fetch ? [] : [...kinds].map((kind) => shared.same({ tensor, axis, kind })),
    min: histogram !== null || plan.min === null ? null : sideWork(plan, 'min', plan.min, fetch, shared),
    max: histogram !== null ? null : sideWork(plan, 'max', plan.max, fetch, shared),
    histogram,
  };
}

function sideWork(
  plan: TensorPlan,
  which: 'min' | 'max',
  side: SidePlan,
  fetch: boolean,
  { sides, same }: Shared,
): SideWork {
  const { tensor, axis } = plan;
  const { clip, ...others } = side;
  const limits = [String(clip.low), String(clip.high)];
  const key = JSON.stringify([tensor, axis, plan.min === null, which, fetch, others, limits]);
  const reduction = (kind: Reduction['kind']) => same({ tensor, axis, kind });
  const reductions = { min: reduction('min'), max: reduction('max'), mean: reduction('mean') };
  const aggregator = aggregatorOf(side, which);
  const work = sides.get(key) ?? { plan, side, fetch, aggregator, reductions };
  sides.set(key, work);

  return work;
}

/** Both sides' cuts at once, since a histogram looks at all values. */
function histogramClip({ min, max }: TensorPlan): SidePlan['clip'] {
  return { low: Math.max(min?.clip.low ?? max.clip.low, max.clip.low), high: max.clip.high };
}

function aggregatorOf(side: SidePlan, fallback: 'min' | 'max'): Aggregator {
  return createAggregator(
    side.aggregator === 'histogram' ? fallback : side.aggregator,
    side.outlierProbability,
  );
}

/** Statistics that follow from a minimum, maximum or mean; cutting commutes with minimum and maximum, not with the mean. */
function isReducible(side: SidePlan | null): boolean {
  if (side === null) return true;
  const cut = Number.isFinite(side.clip.low) || Number.isFinite(side.clip.high);
  return ['min', 'max', 'abs_max'].includes(side.statistic) || (side.statistic === 'mean' && !cut);
}

function kindsOf(side: SidePlan, neverNegative: boolean): Reduction['kind'][] {
  if (side.statistic === 'mean') return ['mean'];
  if (side.statistic === 'min') return ['min'];
  return side.statistic === 'abs_max' && !neverNegative ? ['min', 'max'] : ['max'];
}

type Reader = (reduction: Reduction) => Float64Array;

/** Several plans ask for the same reductions. */
function readOnce(read: Reader): Reader {
  const known = new Map<Reduction, Float64Array>();
  return (reduction) => {
    const values = known.get(reduction) ?? read(reduction);
    known.set(reduction, values);
    return values;
  };
}

function addToHistogram(
  histogram: Histogram,
  { tensor }: TensorPlan,
  sample: string,
  fetched: HostTensor,
): void {
  const values = fetched.data as Float32Array;
  checkValues(values, tensor, sample);
  histogram.add(values);
}

function addToSide(work: SideWork, sample: string, read: Reader, fetched: HostTensor | undefined): void {
  const { plan, side, fetch, aggregator } = work;
  const statistic = fetch ? fromTensor(plan, side, fetched!) : fromReductions(work, read);
  checkValues(statistic, plan.tensor, sample);
  aggregator.add(statistic);
}

function fromTensor(plan: TensorPlan, side: SidePlan, tensor: HostTensor): Float64Array {
  return reduceTensor(
    tensor.data as Float32Array,
    tensor.dims,
    plan.axis,
    side.statistic,
    side.probability,
    side.clip,
  );
}

function fromReductions({ plan, side, reductions }: SideWork, read: Reader): Float64Array {
  const { low, high } = side.clip;
  const isWhole = low === Number.NEGATIVE_INFINITY && high === Number.POSITIVE_INFINITY;
  const cut = (value: number) => (value < low ? low : value > high ? high : value);
  const reduced = (kind: Reduction['kind']) => {
    const values = read(reductions[kind]);
    return isWhole ? values : values.map(cut);
  };

  if (side.statistic === 'mean') return read(reductions.mean);
  if (side.statistic === 'min') return reduced('min');
  const max = reduced('max');
  if (side.statistic === 'max' || plan.min === null) return max;
  const min = reduced('min');

  return max.map((value, c) => Math.max(Math.abs(value), Math.abs(min[c]!)));
}

/** null: there was no value. */
function rangeOf(item: TensorWork): RangeStatistics | null {
  if (item.histogram !== null) return item.histogram.range();
  const max = Float32Array.from(item.max!.aggregator.result());
  if (max.length === 0) return null;
  const min =
    item.min === null ? new Float32Array(max.length) : Float32Array.from(item.min.aggregator.result());
  return { min, max };
}

/** Quantizers with a common key share the widest range: the smallest minimum and the largest maximum. */
export function unifyRanges(
  quantizers: readonly ActivationQuantizer[],
  ranges: ReadonlyMap<string, RangeStatistics>,
): ReadonlyMap<string, RangeStatistics> {
  const groups = new Map<string, RangeStatistics>();
  for (const { id, unified } of quantizers) {
    const range = ranges.get(id);
    if (unified === null || range === undefined) continue;
    const group = groups.get(unified);
    groups.set(unified, group === undefined ? range : widest(group, range));
  }

  return new Map(
    quantizers.flatMap(({ id, unified }) => {
      const range = unified === null ? ranges.get(id) : groups.get(unified);
      return range === undefined ? [] : [[id, range] as const];
    }),
  );
}

function widest(a: RangeStatistics, b: RangeStatistics): RangeStatistics {
  return {
    min: a.min.map((value, c) => Math.min(value, b.min[c] ?? value)),
    max: a.max.map((value, c) => Math.max(value, b.max[c] ?? value)),
  };
}
