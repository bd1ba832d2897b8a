import type { Range, TextEdit } from 'vscode-languageserver-types';
import type { ConfigPath } from '@quantsmith/schemas';

/** What is being typed. */
export interface Cursor {
  /** key: a key of the mapping at `path`; value: the value at `path`; comment: a word of a comment. */
  readonly kind: 'key' | 'value' | 'comment';
  readonly path: ConfigPath;
  /** The text that a completion replaces. */
  readonly word: string;
  readonly range: Range;
  /** What has to stand before and after the completed text: a missing space, `- `, a comma. */
  readonly prefix: string;
  readonly suffix: string;
  /** Keys on the lines around that belong to the same mapping, as far as the tree may not have them. */
  readonly siblings: readonly string[];
  /** White space before the key; of a value, before its own key. */
  readonly indent: string;
  /** One level of indentation in this document; empty where everything stays on the line. */
  readonly step: string;
  /** Whether a colon follows the key already. */
  readonly hasColon: boolean;
  /** The quote that texts stand in, empty for none. */
  readonly quote: '' | '"' | "'";
  /** What else must change, e.g. indentation that would put the key into another mapping. */
  readonly repairs: readonly TextEdit[];
}
