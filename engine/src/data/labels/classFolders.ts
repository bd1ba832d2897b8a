import { fail, type ConfigPath } from '@quantsmith/schemas';
import { listedLabels, type Labels } from './labels.js';

/**
 * Class folders: the first folder of each name. With a list of classes the folder's place in it; all-numeric names are the
 * numbers; else the folders, sorted, are numbered from 0. null: no folders.
 */
export function classFolderLabels(
  names: readonly string[],
  list: readonly string[] | null,
  configPath: ConfigPath,
): Labels | null {
  const folders = names.map((name) => (name.includes('/') ? name.slice(0, name.indexOf('/')) : null));
  if (folders.some((folder) => folder === null)) return null;
  const classes = [...new Set(folders as string[])].sort();
  const numeric = list === null && classes.every((name) => /^\d+$/.test(name));
  const order = list ?? classes;
  const unknown = numeric ? undefined : classes.find((name) => !order.includes(name));
  if (unknown !== undefined) {
    fail('label-invalid', `The folder "${unknown}" is not in the list of classes.`, {
      configPath: [...configPath, 'classes'],
      data: { folder: unknown },
    });
  }

  const labels = (folders as string[]).map((folder) => (numeric ? Number(folder) : order.indexOf(folder)));

  return listedLabels(labels, numeric ? null : order.length);
}
