/**
 * Types for the JavaScript modules that a config can name: `data.*.loader` and `accuracy_control.metric`. They run only
 * where modules are allowed.
 */
import type { Label } from '@quantsmith/engine';

export type { Label } from '@quantsmith/engine';

/** An array in row-major order. */
export interface LoadedTensor {
  readonly dims: readonly number[];
  readonly data: ArrayLike<number>;
}

/** Tensors by the names of the model's inputs or outputs. */
export type Tensors = Readonly<Record<string, LoadedTensor>>;

/** One sample: a tensor for each input of the model, and the right answer and a name where there are. */
export interface LoadedSample {
  readonly feeds: Tensors;
  readonly label?: Label;
  readonly name?: string;
}

/** Samples that a loader has at hand, in any order: each is asked for when it is needed, and not kept. */
export interface ListedSamples {
  readonly length: number;
  readonly get: (index: number) => LoadedSample | Promise<LoadedSample>;
}

/** What a loader is told about the model. */
export interface LoaderInfo {
  readonly inputs: readonly {
    readonly name: string;
    readonly type: string;
    readonly dims: readonly (number | string)[];
  }[];
}

/** An iterable is read once, up to `limit`, and what it yields is kept. */
export type LoadedSamples = Iterable<LoadedSample> | AsyncIterable<LoadedSample> | ListedSamples;

/** The default export of a loader. */
export type Loader = LoadedSamples | ((info: LoaderInfo) => LoadedSamples | Promise<LoadedSamples>);

/** What a metric is told of a sample. */
export interface SampleInfo {
  readonly name: string;
  readonly feeds: Tensors;
}

interface MetricSettings {
  readonly name?: string;
  /** Default: true. */
  readonly higherIsBetter?: boolean;
}

/** A metric that is the mean of its samples' values. */
export interface AveragedMetric extends MetricSettings {
  readonly evaluate: (outputs: Tensors, label: Label, sample: SampleInfo) => number | Promise<number>;
}

/** A metric that keeps any JSON of each sample, and makes its value of what it has kept. */
export interface AccumulatedMetric<State> extends MetricSettings {
  /** Whether `accumulate` gets the float model's outputs (default false). */
  readonly needsFloatOutputs?: boolean;
  readonly accumulate: (
    outputs: Tensors,
    label: Label,
    floatOutputs: Tensors | null,
    sample: SampleInfo,
  ) => State | Promise<State>;
  /** The value over some samples, in their order. */
  readonly result: (states: readonly State[]) => number;
  /** Of one sample, larger is worse; left out: the value of it alone. */
  readonly sampleError?: (state: State) => number;
}

/** The default export of a metric. */
export type MetricModule<State = unknown> = AveragedMetric | AccumulatedMetric<State>;
