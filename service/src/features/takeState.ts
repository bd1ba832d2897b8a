import type { ConfigPath } from '@quantsmith/schemas';
import type { TextEdit } from 'vscode-languageserver-types';
import { inOrder } from '../document/compose.js';
import type { ConfigDocument } from '../document/document.js';
import { appendItems, setValue, type Written } from '../document/edit.js';
import { removeItem } from '../document/removeItem.js';
import { stringsAt } from '../knowledge/ignoredScope.js';

/** A state that restoration validated, as a config can state it. */
export interface RestorationState {
  /** Operators that are in float in it, beside those of the config. */
  readonly float: readonly string[];
  /** Operators that other states have in float, and this one not. */
  readonly integer: readonly string[];
  readonly settings: readonly { readonly path: ConfigPath; readonly value: Written }[];
}

const NAMES = ['quantization', 'ignored_scope', 'names'] as const;

/**
 * The edits that make a config ask for a state: its operators are excluded, those of states that were taken before are no more.
 * `ignored`: the names that are excluded now, inherited ones too. null where the text has no place for it.
 */
export function takeState(
  document: ConfigDocument,
  { float, integer, settings }: RestorationState,
  ignored: readonly string[],
): TextEdit[] | null {
  // A list of its own replaces an inherited one.
  const inherited = stringsAt(document, 'names').length === 0 ? ignored : [];
  const present = new Set(ignored);
  const missing = [...inherited, ...float.filter((name) => !present.has(name))];
  const isChanged = float.some((name) => !present.has(name));

  return inOrder(document, [
    ...settings.map(
      ({ path, value }) =>
        (current: ConfigDocument) =>
          setValue(current, path, value),
    ),
    // First what comes, then what goes: a list that becomes empty would go itself.
    ...(isChanged ? [(current: ConfigDocument) => appendItems(current, NAMES, missing)] : []),
    ...integer.filter((name) => present.has(name)).map((name) => without(name)),
  ]);
}

const without = (name: string) => (document: ConfigDocument) => {
  const item = stringsAt(document, 'names').find(({ value }) => value === name);
  return item === undefined ? [] : removeItem(document, item);
};
