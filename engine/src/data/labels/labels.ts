import type { ConfigPath, LabelKind } from '@quantsmith/schemas';
import type { ImagePlacement } from '../imagePlacement.js';
import type { Label } from './label.js';

/** What a reader of labels works with. */
export interface LabelInput {
  readonly path: string;
  /** The samples, in their order. */
  readonly names: readonly string[];
  /** Names of the classes in the order of the model's outputs; null: there is no list. */
  readonly classes: readonly string[] | null;
  /** What the metric needs; null: whatever there is. */
  readonly kind: LabelKind | null;
  readonly where: LabelPlace;
}

/** The right answers of a source's samples. */
export interface Labels {
  /** `image`: how the sample's image lies in the input, where it is one. */
  readonly at: (index: number, image: ImagePlacement | null) => Label | Promise<Label>;
  /** Everything that the labels follow from, as text: part of the data's fingerprint. */
  readonly content: () => Promise<string>;
  /** How many classes there are, where the labels themselves tell: the folders, or the list of names. */
  readonly classes: number | null;
}

/** Where labels are read from, for problems. */
interface LabelPlace {
  readonly file: string;
  readonly configPath: ConfigPath;
}

/** Labels that are all there. */
export function listedLabels(labels: readonly Label[], classes: number | null = null): Labels {
  return {
    at: (index) => labels[index] ?? null,
    content: () =>
      Promise.resolve(
        JSON.stringify(labels, (_, value: unknown) =>
          ArrayBuffer.isView(value)
            ? Array.from(value as unknown as ArrayLike<number | bigint>, String)
            : value,
        ),
      ),
    classes,
  };
}
