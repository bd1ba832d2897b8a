import { stat } from 'node:fs/promises';
import { fileSha256 } from '@quantsmith/model/files';
import { fail, type ConfigPath } from '@quantsmith/schemas';
import { IMAGENET_IDS } from './imagenet.js';
import { listedLabels, type Labels } from './labels.js';

/**
 * Class folders: the first folder of each name. Where all are ImageNet's identifiers and the model has more classes than there
 * are folders, they are ImageNet's. With a list of classes the folder's place in it; all-numeric names are the
 * numbers; else the folders, sorted, are numbered from 0. null: no folders.
 */
export function classFolderLabels(
  names: readonly string[],
  classNames: readonly string[] | null,
  modelClasses: number | null = null,
): Labels | null {
  const folders = names.map((name) => (name.includes('/') ? name.slice(0, name.indexOf('/')) : null));
  if (folders.some((folder) => folder === null)) return null;
  const classes = [...new Set(folders as string[])].sort();
  const isImagenet = modelClasses !== classes.length && classes.every((name) => IMAGENET_IDS.includes(name));
  const list = classNames ?? (isImagenet ? IMAGENET_IDS : null);
  const numeric = list === null && classes.every((name) => /^\d+$/.test(name));
  const order = list ?? classes;
  const unknown = numeric ? undefined : classes.find((name) => !order.includes(name));
  if (unknown !== undefined) {
    fail('label-invalid', `The folder "${unknown}" is not in the list of classes.`, {
      configPath: ['data', 'validation', 'classes'],
      data: { folder: unknown },
    });
  }

  const labels = (folders as string[]).map((folder) => (numeric ? Number(folder) : order.indexOf(folder)));

  // Without a list, and without a word on the model, ImageNet's folders may be a set of their own.
  const isOpen = numeric || (classNames === null && isImagenet && modelClasses === null);
  return listedLabels(labels, isOpen ? null : order.length);
}

/** Throws `labels-conflict` where a file of one name and content lies in two class folders. */
export async function refuseInTwoFolders(
  files: readonly string[],
  names: readonly string[],
  configPath: ConfigPath,
): Promise<void> {
  const sameName = groupBy([...names.keys()], (index) => names[index]!.split('/').at(-1)!);
  for (const group of sameName) {
    const sizes = new Map<number, bigint>();
    for (const index of group) sizes.set(index, (await stat(files[index]!, { bigint: true })).size);
    for (const alike of groupBy(group, (index) => sizes.get(index)!)) {
      const contents = new Map<number, string>();
      for (const index of alike) contents.set(index, await fileSha256(files[index]!));
      const [twice] = groupBy(alike, (index) => contents.get(index)!);
      if (twice === undefined) continue;
      const [first, second] = twice.map((index) => names[index]!);
      fail('labels-conflict', `"${first}" and "${second}" are the same in two class folders.`, {
        configPath,
        data: { files: [first, second] },
      });
    }
  }

  /** Groups of more than one class folder. */
  function groupBy(indices: readonly number[], keyOf: (index: number) => unknown): number[][] {
    const groups = new Map<unknown, number[]>();
    for (const index of indices) {
      const key = keyOf(index);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [index]);
      else group.push(index);
    }

    const folders = (group: readonly number[]) => new Set(group.map((index) => names[index]!.split('/')[0]));
    return [...groups.values()].filter((group) => folders(group).size > 1);
  }
}

/** The names in a list of classes, one per line. */
export function classNames(text: string): string[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  return lines.map((line) => line.trim()).filter((line) => line !== '');
}
