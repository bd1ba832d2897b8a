import type { Code } from './codes.js';
import type { Range } from 'vscode-languageserver-types';
import type { ConfigPath } from '@quantsmith/schemas';
import type { Span } from '../document/tree.js';

export type Severity = 'error' | 'warning' | 'info' | 'hint';

export type { Code } from './codes.js';

/** A finding as data; positions are offsets, so that it does not depend on an editor. */
export interface Finding extends Span {
  readonly code: Code;
  readonly severity: Severity;
  /** One sentence. */
  readonly message: string;
  /** The keys and indexes that it is about. */
  readonly path: ConfigPath;
  readonly data?: FindingData;
  /** Places in other files; without a range, their beginning. */
  readonly related?: readonly { readonly file: string; readonly message: string; readonly range?: Range }[];
}

/** What a quick fix needs, without reading the message. */
export interface FindingData {
  /** Replacements for the marked text, the best first. */
  readonly suggestions?: readonly string[];
  readonly [key: string]: unknown;
}
