/** What an input takes of a tokenized text. */
export type TextRole = 'ids' | 'mask' | 'types' | 'positions';

/** What each input takes of a text, by its name; null: they are no inputs of texts, which have one of token ids. */
export function textRoles(names: readonly string[]): ReadonlyMap<string, TextRole> | null {
  const roles = new Map(names.map((name) => [name, roleOf(name)]));
  const ids = [...roles.values()].filter((role) => role === 'ids');

  return ids.length === 1 ? roles : null;
}

function roleOf(name: string): TextRole {
  if (/mask/i.test(name)) return 'mask';
  if (/type|segment/i.test(name)) return 'types';
  return /position/i.test(name) ? 'positions' : 'ids';
}

/** Why inputs are none of texts. */
export const textInputsText = (names: readonly string[]): string =>
  `Texts can feed one input of token ids, plus a mask, token types and positions; the model's inputs are ${names.slice(0, 8).join(', ')}.`;
