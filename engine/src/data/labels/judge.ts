import { QuantsmithError, type LabelKind } from '@quantsmith/schemas';
import { classFolderLabels } from './classFolders.js';
import { cocoLabels } from './coco.js';
import { csvLabels } from './csv.js';
import type { LabelInput, Labels } from './labels.js';
import { maskLabels } from './masks.js';
import { rowLabels } from './rows.js';
import { textsOf } from './yolo.js';

/** What is known of a section's labels without opening its samples. */
export interface LabelSubject {
  /** Of the samples, in their order. */
  readonly names: readonly string[];
  /** The model's classes, where the config lists them. */
  readonly classes: readonly string[] | null;
  /** What the metric needs; null: whatever there is. */
  readonly kind: LabelKind | null;
  /** null: class folders. `name` is how messages call it; `text` of a file, `files` of a folder, paths with slashes. */
  readonly labels:
    | null
    | { readonly name: string; readonly text: string }
    | { readonly name: string; readonly files: readonly string[] };
}

export interface LabelVerdict {
  /** What a run will say about them; null: nothing. */
  readonly problem: string | null;
  readonly hasLabels: boolean;
  /** How many classes the labels have, where they tell themselves. */
  readonly classes: number | null;
}

/** What a run will say about labels, by the same code and without a sample being read. */
export function judgeLabels({ names, classes, kind, labels }: LabelSubject): LabelVerdict {
  try {
    if (labels === null) {
      const found = classFolderLabels(names, classes);
      return { problem: null, hasLabels: found !== null, classes: found?.classes ?? null };
    }

    const { name } = labels;
    const input: LabelInput = {
      path: name,
      names,
      classes,
      kind,
      where: { file: name, configPath: ['data', 'validation', 'labels'] },
    };
    const found = 'text' in labels ? tableLabels(input, labels.text) : folderClasses(input, labels.files);
    return { problem: null, hasLabels: true, classes: found.classes ?? null };
  } catch (error) {
    if (!(error instanceof QuantsmithError)) throw error;
    return { problem: error.problem.message, hasLabels: true, classes: null };
  }
}

/** Labels of a file of text, by its extension. */
export function tableLabels(input: LabelInput, text: string): Labels {
  if (input.path.endsWith('.json')) return cocoLabels(input, text);
  return /\.(tsv|jsonl)$/.test(input.path) ? rowLabels(input, text) : csvLabels(input, text);
}

/** Of a folder only the names of its files count here. */
function folderClasses(input: LabelInput, files: readonly string[]): Pick<LabelVerdict, 'classes'> {
  if (!files.some((file) => file.endsWith('.txt')))
    return { classes: maskLabels(input, files).classes ?? null };
  textsOf(input, files);
  return { classes: null };
}
