import { type ConfigPath, writtenPath } from '@quantsmith/schemas';
import type { Range } from 'vscode-languageserver-types';
import { rangeOf, type ConfigDocument } from '../document/document.js';
import { findEntry } from '../document/tree.js';
import { mentionsOf } from '../knowledge/ignoredScope.js';

/** Where a config would say something about a layer, the nearest first. */
const LAYER_PLACES: readonly ConfigPath[] = [
  ['quantization', 'ignored_scope', 'names'],
  ['quantization', 'ignored_scope'],
  ['quantization', 'overrides'],
  ['quantization'],
  ['model'],
];

/** The line that names a layer, else the one where it would be named. */
export function locateLayer(document: ConfigDocument, layer: string): Range {
  const mention = mentionsOf(document).find(({ name }) => name === layer);
  if (mention !== undefined) return rangeOf(document, mention.node);
  const place = LAYER_PLACES.find((path) => findEntry(document.tree, path) !== undefined) ?? [];
  return locatePath(document, place);
}

/** The line of a key, else that of the nearest key above it. */
export function locatePath(document: ConfigDocument, path: ConfigPath): Range {
  for (let depth = path.length; depth > 0; depth--) {
    const entry = findEntry(document.tree, writtenPath(path.slice(0, depth)));
    if (entry !== undefined) return rangeOf(document, entry.keySpan);
  }

  return rangeOf(document, { start: 0, end: 0 });
}
