import type { DataSectionPath, LabelKind, QuantizationConfig, TensorSignature } from '@quantsmith/schemas';
import type { HostTensor } from '@quantsmith/model/arrays';
import type { ModuleOptions } from './modules/moduleProcess.js';
import type { Label } from './labels/label.js';
import type { ImagePlacement } from './imagePlacement.js';
import type { Feeds, Sequence } from '../runtime/batch.js';

export type DataSection = QuantizationConfig['data']['calibration'] & {
  readonly labels?: string | null;
  readonly classes?: string | null;
};

/** One input to the model. The leading dimension of every feed is the batch, 1 unless the source says otherwise. */
export interface Sample {
  readonly name: string;
  readonly feeds: Readonly<Record<string, HostTensor>>;
  /** The right answer, or null where the source has no labels. */
  readonly label: Label;
  /** How an image lies in the model's input; left out where the sample is not an image. */
  readonly image?: ImagePlacement;
  /** Windows of a streaming model that `feeds` is the first of; left out: `feeds` is all. */
  readonly sequence?: Sequence;
  /** What may help where it does not fit the model, as a sentence. */
  readonly hint?: string;
}

/** Samples that can be read again and again, in any order. */
export interface SampleSource {
  readonly count: number;
  readonly hasLabels: boolean;
  /** How many classes the labels have, where they tell themselves. */
  readonly classes?: number | null;
  readonly get: (index: number) => Promise<Sample>;
  /** SHA-256 over the contents, their order and the preprocessing. */
  readonly fingerprint: () => Promise<string>;
}

/** Runs the float model once. */
export type FloatModel = (feeds: Feeds) => Promise<Feeds>;

export interface DataContext {
  readonly inputs: readonly TensorSignature[];
  /** The model's outputs; left out: not known. */
  readonly outputs?: readonly TensorSignature[];
  /** Gives the states of a streaming model before each window; left out: samples are sequences, which whoever runs them follows. */
  readonly floatModel?: FloatModel;
  /** Folder that relative paths start from. */
  readonly baseDir: string;
  readonly allowModules: boolean;
  /** What modules may take; left out: as in a config that says nothing of them. */
  readonly modules?: ModuleOptions;
  /** The most samples that are needed, where it is less than the section's own limit. */
  readonly limit?: number;
  /** What labels must be; left out: whatever there is. */
  readonly labelKind?: LabelKind | null;
  /** Values that the model gives of a row of classes; null or left out: not known. */
  readonly modelClasses?: number | null;
  /** The section's place in the config, for problems. */
  readonly configPath: DataSectionPath;
}
