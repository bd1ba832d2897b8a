import { edited } from '../document/compose.js';
import type { ConfigDocument } from '../document/document.js';
import { jsonCauses } from './jsonCauses.js';
import type { Cause } from './cause.js';
import { yamlCauses } from './yamlCauses.js';

/** The first cause whose edits leave fewer problems, else the first that nobody can mend without knowing more; null: none is known. */
export function causeOf(document: ConfigDocument): Cause | null {
  const { problems, language } = document.tree;
  if (problems.length === 0) return null;
  let known: Cause | null = null;
  for (const find of language === 'yaml' ? yamlCauses : jsonCauses) {
    const cause = find(document);
    if (cause === null) continue;
    if (cause.edits.length === 0) known ??= cause;
    else if (edited(document, cause.edits).tree.problems.length < problems.length) return cause;
  }

  return known;
}
