import type { ConfigPath } from '@quantsmith/schemas';

/** What a path leads to, links followed. `other`: a device, a pipe, a socket. `unknown`: not found out, or not yet. */
export type EntryKind = 'missing' | 'file' | 'folder' | 'other' | 'unknown';

export interface FolderEntry {
  readonly name: string;
  readonly kind: EntryKind;
  readonly isLink?: boolean;
}

/** Shape and element type of an array, as its header states them. */
export interface ArrayHeader {
  readonly shape: readonly number[];
  /** `float32`, `uint8`, … */
  readonly type: string;
  /** Whether the values of the first sample are no whole numbers; left out: not known. */
  readonly fractional?: boolean;
  /** Whether the values of the first sample are finite; left out: not known. */
  readonly isFinite?: boolean;
}

/** What could be read of an array file, or why it cannot be used, as the end of a sentence. */
export type ArrayFacts = ArrayHeader | { readonly problem: string };

/** What a run will say about labels, as far as their files tell. */
export interface LabelVerdict {
  /** Why it will refuse them; null: it will not, for all that is known. */
  readonly problem: string | null;
  /** Where in the config the cause of the problem stands. */
  readonly place: ConfigPath | null;
  readonly hasLabels: boolean;
  /** How many classes the labels have, where they tell themselves. */
  readonly classes: number | null;
}

/** Pixels. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** What the head of an image file says. */
export interface ImageFacts {
  readonly size: ImageSize | null;
  /** Why it cannot be decoded, as the end of a sentence; null: it can, for all that is known. */
  readonly problem: string | null;
}

/** What the header of an audio file says. */
export interface AudioFacts {
  /** As a run names it, below the folder of the section. */
  readonly name: string;
  /** Samples per second. */
  readonly rate: number;
  readonly channels: number;
}

/** ONNX test data in a folder. */
export interface TensorFacts {
  /** The sets, by their folders. */
  readonly names: readonly string[];
  /** The inputs in the first set, in their order; null: not known. */
  readonly first: readonly { readonly name: string; readonly header: ArrayHeader }[] | null;
  /** Why the first set cannot be read, as a sentence. */
  readonly problem: string | null;
}

/** A file of texts. */
export interface TextFacts {
  /** null: it cannot be read. */
  readonly count: number | null;
  /** Why it cannot be read, as a sentence. */
  readonly problem: string | null;
}

/** A file, or a box of one, that is labelled in different ways. */
export interface LabelConflict {
  readonly file: string;
  /** Class numbers, or their names. */
  readonly labels: readonly (number | string)[];
  /** From 1; empty: not lines say it. */
  readonly lines: readonly number[];
}

/** What labels say: a table of files and classes, an array of class numbers, boxes, or class folders. */
export interface LabelFacts {
  readonly count: number;
  /** The highest class number; null where there is none. */
  readonly highest: number | null;
  readonly conflicts: readonly LabelConflict[];
  /** What has a class: whole files, or boxes in them. */
  readonly about: 'files' | 'boxes';
  /** Of an array with several values for each sample: their dims. */
  readonly row?: readonly number[];
  /** What a run will refuse one of several files for, as a sentence. */
  readonly problem?: string;
}

/** What is known of the data that one section names; null: not known, or not of that kind. */
export interface SectionFacts {
  readonly samples: number | null;
  /** The samples that are there, whatever `limit` says. 0: there are none. */
  readonly total: number | null;
  /** Of a .npy. */
  readonly array: ArrayHeader | null;
  /** Why the .npy or .npz cannot be used; null: it can, for all that is known. */
  readonly arrayProblem: string | null;
  /** The arrays in a .npz by their names; null: a header that was not read. */
  readonly members: ReadonlyMap<string, ArrayHeader | null> | null;
  readonly tensors: TensorFacts | null;
  /** Of the first image. */
  readonly image: ImageSize | null;
  /** Of the first audio file. */
  readonly audio: AudioFacts | null;
  /** Why the first sample cannot be read, as a sentence. */
  readonly unreadable: string | null;
  /** Why the tokenizer is none, as the end of a sentence. */
  readonly tokenizerProblem: string | null;
  readonly labels: LabelFacts | null;
  /** Of labels, or of class folders where none are named. */
  readonly verdict: LabelVerdict | null;
}

/** What was found out about the files that a config names. Paths are absolute; one that is not here is unknown. */
export interface FileFacts {
  readonly kinds: ReadonlyMap<string, EntryKind>;
  /** The first entries of folders, hidden ones left out. */
  readonly listings: ReadonlyMap<string, readonly FolderEntry[]>;
  readonly calibration: SectionFacts;
  readonly validation: SectionFacts;
}

export const NO_SECTION_FACTS: SectionFacts = {
  samples: null,
  total: null,
  array: null,
  arrayProblem: null,
  members: null,
  tensors: null,
  image: null,
  audio: null,
  unreadable: null,
  tokenizerProblem: null,
  labels: null,
  verdict: null,
};

export const NO_FACTS: FileFacts = {
  kinds: new Map(),
  listings: new Map(),
  calibration: NO_SECTION_FACTS,
  validation: NO_SECTION_FACTS,
};

export const kindOf = ({ kinds }: FileFacts, path: string): EntryKind => kinds.get(path) ?? 'unknown';
