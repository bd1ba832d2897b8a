import type { DataContext, DataSection } from '../types.js';
import type { Labels } from './labels.js';
import { openLabels, readClasses } from './open.js';

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
