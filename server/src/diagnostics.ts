import type { Path, Span } from './document/tree.js';

export type Severity = 'error' | 'warning' | 'info' | 'hint';

/** A finding as data; positions are offsets, so that it does not depend on an editor. */
export interface Finding extends Span {
  /** Stable; has a section in docs/diagnostics.md. */
  readonly code: string;
  readonly severity: Severity;
  /** One sentence. */
  readonly message: string;
  /** The keys and indexes that it is about. */
  readonly path: Path;
  readonly data?: FindingData;
  readonly related?: readonly { readonly file: string; readonly message: string }[];
}

/** What a quick fix needs, without reading the message. */
export interface FindingData {
  /** Replacements for the marked text, the best first. */
  readonly suggestions?: readonly string[];
  readonly [key: string]: unknown;
}
