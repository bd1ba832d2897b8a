import { classNames, judgeLabels } from '@quantsmith/engine';
import type { LabelKind } from '@quantsmith/schemas';
import type { EntryKind, LabelVerdict } from '@quantsmith/service';
import { join } from 'node:path';
import { pngChannels } from './imageSize.js';
import type { LabelArrayFile, LabelText } from './labels.js';

/** The samples as a run names them; those of an array have numbers: how many. */
export type SampleNames = readonly string[] | number;

/** What labels are judged by. */
interface LabelQuestion {
  readonly samples: SampleNames;
  /** As messages call it, and absolute; null: class folders. */
  readonly labels: { readonly written: string; readonly path: string } | null;
  /** The list of classes, absolute. */
  readonly classes: string | null;
  readonly kind: LabelKind | null;
}

interface LabelSources {
  readonly kind: (path: string) => Promise<EntryKind>;
  readonly labelText: (path: string) => Promise<LabelText | null>;
  readonly labelArray: (path: string) => Promise<LabelArrayFile | null>;
  readonly files: (folder: string) => Promise<readonly string[] | null>;
}

export type JudgeLabels = (question: LabelQuestion) => Promise<LabelVerdict | null>;

/** Judges labels anew only where something that they are judged by is another: a look at each key stroke costs nothing. */
export function createLabelJudge(sources: LabelSources): JudgeLabels {
  let last: { readonly by: readonly unknown[]; readonly verdict: LabelVerdict } | null = null;

  return async ({ samples, labels, classes, kind }) => {
    const isFolder = labels !== null && (await sources.kind(labels.path)) === 'folder';
    const isArray = !isFolder && labels?.path.endsWith('.npy') === true;
    const [list, file, files, array] = await Promise.all([
      classes === null ? null : sources.labelText(classes),
      labels === null || isFolder || isArray ? null : sources.labelText(labels.path),
      isFolder ? sources.files(labels.path) : null,
      isArray ? sources.labelArray(labels.path) : null,
    ]);

    if (classes !== null && list === null) return null;
    if (labels !== null && file === null && files === null && array === null) return null;

    const parts = [samples, labels?.path, list, file, files, array, kind];
    if (last?.by.every((part, index) => isSame(part, parts[index])) === true) return last.verdict;
    const name = labels?.written ?? '';
    if (array !== null && 'problem' in array) {
      last = { by: parts, verdict: { problem: array.problem, place: null, hasLabels: true, classes: null } };
      return last.verdict;
    }

    const names = typeof samples === 'number' ? numbered(samples) : samples;
    const verdict = judgeLabels({
      names,
      classes: list === null ? null : classNames(list.text),
      kind,
      labels:
        labels === null
          ? null
          : array !== null
            ? { name, array: array.array }
            : file === null
              ? { name, files: files ?? [] }
              : { name, text: file.text },
    });
    const problem = verdict.problem ?? (isFolder ? await maskProblem(labels, names, files ?? []) : null);
    last = { by: parts, verdict: { ...verdict, problem } };

    return last.verdict;
  };
}

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `#${index}`);

/** Whether the first mask is no mask, by its header; null for folders of text files. */
async function maskProblem(
  folder: NonNullable<LabelQuestion['labels']>,
  [name = '']: readonly string[],
  files: readonly string[],
): Promise<string | null> {
  if (files.some((file) => file.endsWith('.txt'))) return null;
  const path = name.replace(/\.[^./]+$/, '.png');
  const file = files.find(
    (candidate) => candidate === path || candidate === path.slice(path.lastIndexOf('/') + 1),
  );
  if (file === undefined) return null;
  const channels = await pngChannels(join(folder.path, file)).catch(() => null);
  if (channels === 1) return null;

  return channels === null
    ? `"${folder.written}/${file}" is not a PNG file.`
    : `"${folder.written}/${file}" has ${channels} channels; a mask has one, the class.`;
}

const isSame = (a: unknown, other: unknown): boolean =>
  a === other ||
  (Array.isArray(a) &&
    Array.isArray(other) &&
    a.length === other.length &&
    a.every((item, index) => item === other[index]));
