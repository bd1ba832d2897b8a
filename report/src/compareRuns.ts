import { largest, smallest, type SettingDifference } from '@quantsmith/schemas';
import { notesOf } from './compare.js';
import { pairedTest, type PairedTest } from './pairedTest.js';
import type { Subject } from './subject.js';

/** Three or more subjects side by side, in the order in which they were named. */
export interface RunsComparison {
  /** In what their configs differ, a value for each; null: not all of them are known. */
  readonly settings: readonly SettingDifference[] | null;
  readonly runs: readonly ComparedSubject[];
  /** Why figures are not like for like, in sentences. */
  readonly notes: readonly string[];
  /** Layers whose SQNR, or form, differs between the runs, the widest span first. */
  readonly layers: readonly LayerOfRuns[];
  /** Layers that are alike in all. */
  readonly same_layers: number;
}

interface ComparedSubject extends Subject {
  /** Whether its accuracy differs from the best one's by more than chance; null: it is the best, or that cannot be told. */
  readonly paired_test: PairedTest | null;
  readonly is_best: boolean;
}

export interface LayerOfRuns {
  readonly name: string;
  readonly op: string;
  /** Of each run; null: it has no layer of this name. */
  readonly states: readonly (string | null)[];
  readonly sqnr_db: readonly (number | null)[];
  /** Largest less smallest SQNR in dB; null: less than two are known. */
  readonly span_db: number | null;
}

/** What a report's tables would show as the same figure. */
const SAME_DB = 0.05;

/** Compares any number of subjects; layers are matched by name. */
export function compareRuns(
  subjects: readonly Subject[],
  settings: readonly SettingDifference[] | null = null,
): RunsComparison {
  const best = bestOf(subjects);
  const runs = subjects.map((subject) => ({
    ...subject,
    is_best: subject === best,
    paired_test: best === null || subject === best ? null : pairedTest(best, subject),
  }));
  const layers = layersOf(subjects);
  const different = layers.filter(differs);
  const [first, ...others] = subjects;
  const notes = first === undefined ? [] : others.flatMap((other) => notesOf(first, other));
  const span = ({ span_db: decibels }: LayerOfRuns) => decibels ?? -1;

  return {
    ...{ settings, runs, notes: [...new Set(notes)] },
    layers: different.sort((a, b) => span(b) - span(a)),
    same_layers: layers.length - different.length,
  };
}

/** The one with the best metric, the first of equal ones; null: none has a metric. */
function bestOf(subjects: readonly Subject[]): Subject | null {
  const goodness = ({ metric }: Subject) =>
    metric === null ? -Infinity : metric.higher_is_better ? metric.value : -metric.value;

  return subjects.reduce<Subject | null>(
    (best, subject) =>
      subject.metric !== null && (best === null || goodness(subject) > goodness(best)) ? subject : best,
    null,
  );
}

function layersOf(subjects: readonly Subject[]): LayerOfRuns[] {
  const tables = subjects.map(({ layers }) => new Map(layers.map((layer) => [layer.name, layer])));
  const names = [...new Set(subjects.flatMap(({ layers }) => layers.map(({ name }) => name)))];

  return names.map((name) => {
    const layers = tables.map((table) => table.get(name) ?? null);
    const sqnr_db = layers.map((layer) => layer?.sqnr_db ?? null);
    const known = sqnr_db.filter((decibels) => decibels !== null);

    return {
      ...{ name, op: layers.find((layer) => layer !== null)!.op },
      states: layers.map((layer) =>
        layer === null ? null : [layer.state, layer.weights].filter((part) => part !== '').join(', '),
      ),
      sqnr_db,
      span_db: known.length < 2 ? null : largest(known) - smallest(known),
    };
  });
}

const differs = ({ states, span_db: span }: LayerOfRuns) =>
  new Set(states).size > 1 || (span !== null && span >= SAME_DB);
