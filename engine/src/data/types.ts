import type { DataSectionPath, LabelKind, QuantizationConfig, TensorSignature } from '@quantsmith/schemas';
import type { HostTensor } from '@quantsmith/model/arrays';
import type { ModuleOptions } from './modules/moduleProcess.js';
import type { Label } from './labels/label.js';
import type { ImagePlacement } from './placement.js';

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

export interface DataContext {
  readonly inputs: readonly TensorSignature[];
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
