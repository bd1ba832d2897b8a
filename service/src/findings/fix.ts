import type { TextEdit } from 'vscode-languageserver-types';
import type { FindingData } from './finding.js';
import type { ConfigDocument } from '../document/document.js';
import type { ConfigPath } from '@quantsmith/schemas';
import type { Span } from '../document/tree.js';

/** A change that removes the cause of a finding. */
export interface Fix {
  /** States the change: `Change to mixed`. */
  readonly title: string;
  readonly edits: readonly TextEdit[];
  /** A command of the server, with the config's URI, instead of edits. */
  readonly command?: string;
  /** Whether it is the one right answer: clients apply it without asking which. */
  readonly preferred: boolean;
}

/** What a fix is made from: the place and data of a finding, as the client sends them back. */
export interface Fixable extends Span {
  readonly code: string;
  readonly path: ConfigPath;
  readonly data: FindingData;
}

/** Fixes by code. Each rule's file has the fixes of its codes. */
export type FixTable = Readonly<Record<string, (document: ConfigDocument, finding: Fixable) => Fix[]>>;

/** One fix, or none where its edits could not be made. */
export function fix(title: string, edits: readonly TextEdit[] | null, preferred = false): Fix[] {
  return edits === null || edits.length === 0 ? [] : [{ title, edits, preferred }];
}
