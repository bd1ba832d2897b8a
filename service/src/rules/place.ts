import type { ConfigPath } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { findEntry, findNode, type Span } from '../document/tree.js';

/** Where something about a key is shown: on the key, or on `extends` when it is inherited. */
export function placeOf(document: ConfigDocument, path: ConfigPath): Span {
  const keySpan = path.length === 0 ? undefined : findEntry(document.tree, path)?.keySpan;
  const { start, end } = keySpan ??
    findNode(document.tree, ['extends']) ??
    findEntry(document.tree, ['extends'])?.keySpan ?? { start: 0, end: 1 };

  return { start, end };
}
