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

/** One sample: a tensor for each input of the model, and the right answer where there is one. */
export interface LoadedSample {
  readonly feeds: Readonly<Record<string, LoadedTensor>>;
  readonly label?: Label;
}

/** What a loader is told about the model. */
export interface LoaderInfo {
  readonly inputs: readonly {
    readonly name: string;
    readonly type: string;
    readonly dims: readonly (number | string)[];
  }[];
}

type Iterates<T> = Iterable<T> | AsyncIterable<T>;

/** The default export of a loader. It is read once. */
export type Loader =
  Iterates<LoadedSample> | ((info: LoaderInfo) => Iterates<LoadedSample> | Promise<Iterates<LoadedSample>>);

/** The default export of a metric. */
export interface MetricModule {
  readonly name?: string;
  /** Default: true. */
  readonly higherIsBetter?: boolean;
  /** The value of one sample; the metric is their mean. */
  readonly evaluate: (
    outputs: Readonly<Record<string, LoadedTensor>>,
    label: Label,
    sample: { readonly name: string; readonly feeds: Readonly<Record<string, LoadedTensor>> },
  ) => number | Promise<number>;
}
