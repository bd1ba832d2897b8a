/**
 * What the modules that a config can name look like: `data.*.loader` and `accuracy_control.metric`. They run only where
 * modules are allowed, in a process of their own.
 */
import type { PlacedPixels } from '../decodeImage.js';
import type { Label } from '../labels/label.js';
import type { ImagePlacement } from '../imagePlacement.js';
import type { Pixels, Preprocess } from '../preprocess.js';
import type { Tokenizer } from '../tokenizer.js';

/** An array in row-major order. */
export interface LoadedTensor {
  readonly dims: readonly number[];
  readonly data: ArrayLike<number> | ArrayLike<bigint> | readonly string[];
}

/** Tensors by the names of the model's inputs. */
export type Tensors = Readonly<Record<string, LoadedTensor>>;

/** What a metric reads, by the names of inputs or outputs: typed arrays. float16 comes as float32; of int64 the values are bigint. */
export type MetricTensors = Readonly<
  Record<string, { readonly dims: readonly number[]; readonly data: ArrayLike<number> }>
>;

/** What is handed to a module. Paths are relative to the config's folder. */
export interface Helpers {
  /** An absolute path. */
  readonly resolve: (path: string) => string;
  /** Decodes an image as the config's `preprocess` would, without what makes numbers of its bytes. */
  readonly decodeImage: (path: string, settings?: Preprocess) => Promise<PlacedPixels>;
  /** Scales an image into a frame, as `preprocess: {letterbox}` does. */
  readonly letterbox: (
    image: Pixels,
    settings: NonNullable<Preprocess['letterbox']>,
  ) => Promise<PlacedPixels>;
  /** An image as the input of a model, batch 1: color, scale, mean, std, layout. */
  readonly preprocess: (image: Pixels, settings?: Preprocess, type?: 'float32' | 'uint8') => LoadedTensor;
  /** The tokenizer of a `tokenizer.json`, with the `tokenizer_config.json` beside it where there is one. */
  readonly tokenizer: (path: string) => Promise<Tokenizer>;
}

/** One sample: a tensor for each input of the model, and the right answer and a name where there are. */
export interface LoadedSample {
  readonly feeds: Tensors;
  /** Any JSON: what it means is between the loader and the metric. */
  readonly label?: Label;
  /** Left out: its number. */
  readonly name?: string;
  /** How an image lies in the input, so that boxes follow it back: `decodeImage` and `letterbox` tell. */
  readonly image?: ImagePlacement;
}

/** Samples that a loader has at hand, in any order: each is asked for when it is needed, and not kept. */
export interface ListedSamples {
  readonly length: number;
  readonly get: (index: number) => LoadedSample | Promise<LoadedSample>;
}

/** What a loader is told about the model, with what helps to read data. */
export interface LoaderInfo extends Helpers {
  readonly inputs: readonly {
    readonly name: string;
    readonly type: string;
    readonly dims: readonly (number | string)[];
  }[];
}

/** An iterable is read once, up to `limit`, and what it yields is kept. A sample may be its feeds alone. */
export type LoadedSamples =
  Iterable<LoadedSample | Tensors> | AsyncIterable<LoadedSample | Tensors> | ListedSamples;

/** The default export of a loader. */
export type Loader = LoadedSamples | ((info: LoaderInfo) => LoadedSamples | Promise<LoadedSamples>);

/** What the outputs mean, as the config and the float model's outputs say; null: not known. */
export interface TaskInfo {
  readonly type: string | null;
  readonly decode: string | null;
  readonly output: string | null;
  readonly classes: number | null;
  readonly scoreThreshold: number;
  readonly iouThreshold: number;
  readonly alphabet: readonly string[] | null;
  /** Whether scores still need a sigmoid (or a softmax). */
  readonly logits: boolean;
}

/** What a metric is told of a sample. */
export interface SampleInfo {
  readonly name: string;
  /** What the model was given; without `needsInputs`: nothing. */
  readonly feeds: MetricTensors;
  /** How the image lies in the model's input; null where the sample is no image. */
  readonly image: ImagePlacement | null;
  /** What the outputs mean. */
  readonly task: TaskInfo;
}

interface MetricSettings {
  /** Default: the module's file name. */
  readonly name?: string;
  /** Default: true. */
  readonly higherIsBetter?: boolean;
  /** Whether `sample.feeds` holds what the model was given (default false). */
  readonly needsInputs?: boolean;
  /** Whether `floatOutputs` are the float model's outputs (default false: null). */
  readonly needsFloatOutputs?: boolean;
}

/** A metric that is the mean of its samples' values. */
export interface AveragedMetric extends MetricSettings {
  readonly evaluate: (
    outputs: MetricTensors,
    label: Label,
    sample: SampleInfo,
    floatOutputs: MetricTensors | null,
  ) => number | Promise<number>;
}

/** A metric that keeps any JSON of each sample, and makes its value of what it has kept. */
export interface AccumulatedMetric<State> extends MetricSettings {
  readonly accumulate: (
    outputs: MetricTensors,
    label: Label,
    floatOutputs: MetricTensors | null,
    sample: SampleInfo,
  ) => State | Promise<State>;
  /** The value over some samples, in their order; called many times, for the interval and during restoration. */
  readonly result: (states: readonly State[]) => number;
  /** Of one sample, larger is worse; left out: the value of it alone. */
  readonly sampleError?: (state: State) => number;
}

/** A metric: it alone, or what makes it. */
export type MetricModule<State = unknown> =
  | AveragedMetric
  | AccumulatedMetric<State>
  | ((
      helpers: Helpers,
    ) => AveragedMetric | AccumulatedMetric<State> | Promise<AveragedMetric | AccumulatedMetric<State>>);
