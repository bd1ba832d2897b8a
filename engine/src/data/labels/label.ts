import type { TensorData } from '@quantsmith/model/arrays';
import type { LabelKind } from '@quantsmith/schemas';

/** An object on an image. */
export interface TruthBox {
  /** Left, top, width and height in pixels of the original image. */
  readonly box: readonly [number, number, number, number];
  readonly class: number;
  /** A region of many objects: detections in it are neither right nor wrong. */
  readonly crowd: boolean;
  /** In square pixels, of the object itself where its outline is known. */
  readonly area: number;
}

/** Classes of positions: a mask [height, width], or one class per token. */
export interface LabelArray {
  readonly dims: readonly number[];
  readonly data: TensorData;
}

/**
 * The right answer of a sample: a class or a score, a text, boxes, an array, or whatever a loader gives to a metric of its
 * own. null: there is none.
 */
export type Label =
  null | number | string | readonly TruthBox[] | LabelArray | Readonly<Record<string, unknown>>;

export function isLabelArray(label: Label): label is LabelArray {
  return typeof label === 'object' && label !== null && 'dims' in label && 'data' in label;
}

export function isBoxes(label: Label): label is readonly TruthBox[] {
  return Array.isArray(label) && label.every((box) => typeof box === 'object' && 'box' in box);
}

/** What a metric that needs a kind of label takes, and how messages call it. */
export const LABEL_KINDS: Readonly<
  Record<LabelKind, { readonly what: string; readonly takes: (label: Label) => boolean }>
> = {
  class: { what: 'a class number', takes: (label) => typeof label === 'number' },
  score: { what: 'a number', takes: (label) => typeof label === 'number' },
  text: { what: 'a text', takes: (label) => typeof label === 'string' || typeof label === 'number' },
  boxes: { what: 'boxes', takes: isBoxes },
  mask: { what: 'a mask', takes: isLabelArray },
  tokens: { what: 'one class per token', takes: isLabelArray },
};

/** What a run says of a label that its metric cannot take. */
export const unfitLabel = (kind: LabelKind, sample: string) =>
  `The metric needs ${LABEL_KINDS[kind].what} as the label of sample "${sample}".`;
