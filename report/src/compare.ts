import { pairedTest, type PairedTest } from './pairedTest.js';
import type { Subject, SubjectLayer } from './subject.js';

/** Two subjects side by side. */
export interface Comparison {
  readonly a: Subject;
  readonly b: Subject;
  /** Why figures of the two are not like for like, in sentences. */
  readonly notes: readonly string[];
  /** Whether their accuracies differ by more than chance; null: it cannot be told sample by sample. */
  readonly paired_test: PairedTest | null;
  /** Counts that differ, the largest difference first; empty if the two count different things. */
  readonly operators: readonly { readonly op: string; readonly a: number; readonly b: number }[];
  /** Layers that differ: the largest loss of SQNR from a to b first, then those that cannot be ranked. */
  readonly layers: readonly LayerPair[];
  /** Layers that are alike. */
  readonly same_layers: number;
}

/** A layer of both; null on the side that has none of this name. */
export interface LayerPair {
  readonly name: string;
  readonly a: SubjectLayer | null;
  readonly b: SubjectLayer | null;
  /** SQNR of b less that of a in dB; null where one is not known. */
  readonly sqnr_change_db: number | null;
}

/** What a report's tables would show as the same figure. */
const SAME_DB = 0.05;

/** Compares two subjects; layers are matched by name. */
export function compare(a: Subject, b: Subject): Comparison {
  const pairs = layerPairs(a.layers, b.layers);
  const different = pairs.filter(differs);
  const rank = ({ sqnr_change_db: change }: LayerPair) => change ?? Number.POSITIVE_INFINITY;

  return {
    a,
    b,
    notes: notesOf(a, b),
    paired_test: pairedTest(a, b),
    operators: operatorDifferences(a, b),
    // Equal ranks keep the order of the graph; infinities must not be subtracted.
    layers: different.sort((a, other) => (rank(a) === rank(other) ? 0 : rank(a) - rank(other))),
    same_layers: pairs.length - different.length,
  };
}

function layerPairs(first: readonly SubjectLayer[], second: readonly SubjectLayer[]): LayerPair[] {
  const inSecond = new Map(second.map((layer) => [layer.name, layer]));
  const inFirst = new Set(first.map((layer) => layer.name));
  const pair = (a: SubjectLayer | null, b: SubjectLayer | null): LayerPair => {
    const known = a !== null && b !== null && a.sqnr_db !== null && b.sqnr_db !== null;
    return { name: (a ?? b)!.name, a, b, sqnr_change_db: known ? b.sqnr_db - a.sqnr_db : null };
  };

  return [
    ...first.map((layer) => pair(layer, inSecond.get(layer.name) ?? null)),
    ...second.filter((layer) => !inFirst.has(layer.name)).map((layer) => pair(null, layer)),
  ];
}

function differs({ a, b, sqnr_change_db: change }: LayerPair): boolean {
  if (a === null || b === null || a.state !== b.state || a.weights !== b.weights) return true;
  return change === null ? a.sqnr_db !== b.sqnr_db : Math.abs(change) >= SAME_DB;
}

function operatorDifferences(a: Subject, b: Subject): Comparison['operators'] {
  if (a.operators.of !== b.operators.of) return [];
  const [first, second] = [a.operators.counts, b.operators.counts];
  const count = (counts: Readonly<Record<string, number>>, op: string) =>
    Object.hasOwn(counts, op) ? counts[op]! : 0;

  return [...new Set([...Object.keys(first), ...Object.keys(second)])]
    .map((op) => ({ op, a: count(first, op), b: count(second, op) }))
    .filter((row) => row.a !== row.b)
    .sort((a, other) => Math.abs(other.b - other.a) - Math.abs(a.b - a.a));
}

/** Why figures of two subjects are not like for like, in sentences. */
export function notesOf(
  { measured_on: a, metric: first }: Subject,
  { measured_on: b, metric: second }: Subject,
): string[] {
  if (a === null || b === null) return [];
  const differ = (a: unknown, other: unknown, text: string) => (a === other ? [] : [text]);
  const bothMeasured = first !== null && second !== null;

  return [
    ...differ(a.model, b.model, 'They were made from different float models.'),
    ...(bothMeasured
      ? differ(a.validation, b.validation, 'Their accuracy was measured on different data.')
      : []),
    ...differ(
      `${a.cpu}, ${a.threads}`,
      `${b.cpu}, ${b.threads}`,
      `Their latency was measured differently: ${a.cpu} with ${a.threads} threads, ${b.cpu} with ${b.threads} threads.`,
    ),
  ];
}
