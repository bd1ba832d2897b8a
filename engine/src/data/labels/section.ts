import type { DataContext, DataSection } from '../types.js';
import { classFolderLabels, refuseInTwoFolders } from './classFolders.js';
import type { Labels } from './labels.js';
import { openLabels, readClasses } from './open.js';

/** The labels that a section names, else its class folders; null: none. `kind`: the key that names the folder. */
export async function folderLabels(
  files: readonly string[],
  names: readonly string[],
  section: DataSection,
  context: DataContext,
  kind: 'images' | 'audio',
): Promise<Labels | null> {
  const named = await openSectionLabels(section, names, context);
  if (named !== null) return named;
  if (!('labels' in section) && context.configPath.at(-1) !== 'validation') return null;
  const list = section.classes ?? null;
  const classes = list === null ? null : await readClasses(list, context);
  const labels = classFolderLabels(names, classes, context.modelClasses);
  if (labels !== null) await refuseInTwoFolders(files, names, [...context.configPath, kind]);

  return labels;
}

/** The labels that a section names; null: none. */
export async function openSectionLabels(
  section: DataSection,
  names: readonly string[],
  context: DataContext,
): Promise<Labels | null> {
  if (section.labels === undefined || section.labels === null) return null;
  const list = section.classes ?? null;
  return openLabels(section.labels, names, list === null ? null : await readClasses(list, context), context);
}
