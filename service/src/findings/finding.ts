import type { Range } from 'vscode-languageserver-types';
import type { Path, Span } from '../document/tree.js';

export type Severity = 'error' | 'warning' | 'info' | 'hint';

/** Every code; each has a section of the same name in docs/diagnostics.md. */
export const CODES = [
  'syntax',
  'duplicate-key',
  'unknown-anchor',
  'config-unreadable',
  'extends-missing',
  'extends-cycle',
  'extends-invalid',
  'missing-key',
  'unknown-key',
  'wrong-type',
  'unknown-value',
  'out-of-range',
  'schema-version',
  'data-source',
  'data-inputs',
  'model-missing',
  'model-unreadable',
  'file-missing',
  'output-unusable',
  'output-shared',
  'unknown-node',
  'unknown-operator',
  'pattern-invalid',
  'pattern-unmatched',
  'pattern-matches-all',
  'subgraph-empty',
  'ignored-already',
  'dead-setting',
  'conflicting-settings',
  'metric-needs-labels',
  'validation-missing',
  'target-unreachable',
  'max-drop-of-float',
  'sample-count',
  'no-integer-kernel',
  'deprecated-value',
  'yaml-version',
  'accuracy-drop',
  'accuracy-restored',
  'accuracy-kept',
  'setting-cost',
  'overflow-risk',
  'run-warning',
  'report-stale',
] as const;
export type Code = (typeof CODES)[number];

/** A finding as data; positions are offsets, so that it does not depend on an editor. */
export interface Finding extends Span {
  readonly code: Code;
  readonly severity: Severity;
  /** One sentence. */
  readonly message: string;
  /** The keys and indexes that it is about. */
  readonly path: Path;
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
