import type { RowArray } from '@quantsmith/model/arrays';
import { fail, QuantsmithError, type ConfigPath, type LabelKind } from '@quantsmith/schemas';
import { arrayLabels } from './array.js';
import { classFolderLabels } from './classFolders.js';
import { cocoLabels } from './coco.js';
import { LABEL_KINDS, unfitLabel, type Label } from './label.js';
import { csvLabels } from './csv.js';
import type { LabelInput, Labels } from './labels.js';
import { maskLabels } from './masks.js';
import { rowLabels } from './rows.js';
import { boxesIn, textsOf } from './yolo.js';

/** What is known of a section's labels without opening its samples. */
export interface LabelSubject {
  /** Of the samples, in their order. */
  readonly names: readonly string[];
  /** The model's classes, where the config lists them. */
  readonly classes: readonly string[] | null;
  /** What the metric needs; null: whatever there is. */
  readonly kind: LabelKind | null;
  /** null: class folders. `name` is how messages call it; `text` or `array` of a file, `files` of a folder, paths with slashes. */
  readonly labels:
    | null
    | { readonly name: string; readonly text: string }
    | { readonly name: string; readonly array: RowArray }
    | { readonly name: string; readonly files: readonly string[] };
}

export interface LabelVerdict {
  /** What a run will say about them; null: nothing. */
  readonly problem: string | null;
  /** Where in the config the cause of the problem stands. */
  readonly place: ConfigPath | null;
  readonly hasLabels: boolean;
  /** How many classes the labels have, where they tell themselves. */
  readonly classes: number | null;
}

/** What a run will say about labels, by the same code and without a sample being read. */
export function judgeLabels({ names, classes, kind, labels }: LabelSubject): LabelVerdict {
  try {
    if (labels === null) {
      const fromFolders = classFolderLabels(names, classes);
      const problem =
        fromFolders === null || kind === null || LABEL_KINDS[kind].takes(0)
          ? null
          : unfitLabel(kind, names[0] ?? '');
      return { problem, place: null, hasLabels: fromFolders !== null, classes: fromFolders?.classes ?? null };
    }

    const { name } = labels;
    const input: LabelInput = {
      path: name,
      names,
      classes,
      kind,
      where: { file: name, configPath: ['data', 'validation', 'labels'] },
    };
    if ('files' in labels)
      return { problem: null, place: null, hasLabels: true, classes: folderClasses(input, labels.files) };
    const fromTable = 'array' in labels ? arrayLabels(input, labels.array) : tableLabels(input, labels.text);

    return {
      problem: kindProblem(input, fromTable),
      place: null,
      hasLabels: true,
      classes: fromTable.classes,
    };
  } catch (error) {
    if (!(error instanceof QuantsmithError)) throw error;
    const { message, configPath = null } = error.problem;
    return { problem: message, place: configPath, hasLabels: true, classes: null };
  }
}

/** Labels of a file of text, by its extension. */
export function tableLabels(input: LabelInput, text: string): Labels {
  if (input.path.endsWith('.json')) return cocoLabels(input, text);
  return /\.(tsv|jsonl)$/.test(input.path) ? rowLabels(input, text) : csvLabels(input, text);
}

/** What a run will say at the first sample with a label; a table holds labels of one kind. */
function kindProblem({ kind, names }: LabelInput, labels: Labels): string | null {
  if (kind === null) return null;
  for (const [index, name] of names.entries()) {
    const label = labels.at(index, null);
    if (label instanceof Promise) return null;
    if (label !== null && !isEmpty(label))
      return LABEL_KINDS[kind].takes(label) ? null : unfitLabel(kind, name);
  }

  return null;
}

/** What a run will say of one YOLO file; null: nothing. */
export function yoloProblem(text: string, name: string): string | null {
  try {
    boxesIn(text, name, {
      where: { file: name, configPath: ['data', 'validation', 'labels'] },
      classes: null,
    });
    return null;
  } catch (error) {
    if (!(error instanceof QuantsmithError)) throw error;
    return error.problem.message;
  }
}

const isEmpty = (label: Label) => Array.isArray(label) && label.length === 0;

/** How many classes a folder's labels have, where they tell; only the names of its files count here. */
function folderClasses(input: LabelInput, files: readonly string[]): number | null {
  if (!files.some((file) => file.endsWith('.txt'))) return maskLabels(input, files).classes;
  if (input.kind !== null && input.kind !== 'boxes')
    fail('label-kind', unfitLabel(input.kind, input.names[0] ?? ''), input.where);
  textsOf(input, files);
  return null;
}
