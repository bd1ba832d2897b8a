import type { LabelConflict, LabelFacts } from './facts.js';

// What label files say, as far as the editor tells it: the readers that runs use are the engine's.

/** Contradictions that are listed. */
const MAX_CONFLICTS = 20;

type ClassName = number | string;

/** Gathers what is said of each file, and where it is said again otherwise. */
interface Gathering {
  readonly add: (file: string, label: ClassName, line: number | null) => void;
  readonly facts: (about?: LabelFacts['about']) => LabelFacts;
}

export function gatherLabels(): Gathering {
  const seen = new Map<string, { label: ClassName; line: number | null }>();
  const conflicts = new Map<string, LabelConflict>();
  let count = 0;
  let highest: number | null = null;

  return {
    add(file, label, line) {
      count++;
      if (typeof label === 'number') highest = Math.max(highest ?? 0, label);
      const first = seen.get(file);
      if (first === undefined) {
        seen.set(file, { label, line });
        return;
      }

      if (first.label === label || (conflicts.size >= MAX_CONFLICTS && !conflicts.has(file))) return;
      const known = conflicts.get(file) ?? { file, labels: [first.label], lines: linesOf(first.line) };
      conflicts.set(file, {
        file,
        labels: [...known.labels, label],
        lines: [...known.lines, ...linesOf(line)],
      });
    },
    facts: (about = 'files') => ({ count, highest, conflicts: [...conflicts.values()], about }),
  };
}

const linesOf = (line: number | null) => (line === null ? [] : [line]);

/** Reads labels line by line, so that whoever calls can pause between them. */
export interface LabelLines {
  /** False: the line is none of labels, and the file is no such file. */
  readonly add: (line: string, index: number) => boolean;
  readonly facts: () => LabelFacts;
}

/** `file,label` lines, or with another separator. A header and quotes are fine. */
export function tableLines(separator: ',' | '\t'): LabelLines {
  const gathered = gatherLabels();
  const row =
    separator === ','
      ? /^\s*(?:"((?:[^"]|"")*)"|([^,]*)),\s*(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/
      : /^()([^\t]*)\t()([^\t]*)(?:\t|$)/;

  return {
    add(line, index) {
      const fields = row.exec(line);
      const file = fields?.[1]?.replaceAll('""', '"') || (fields?.[2] ?? '');
      const label = (fields?.[3] || fields?.[4])?.trim() ?? '';
      // The first line may name the columns.
      const isHeader = index === 0 && (label === '' || (!isNumber(label) && HEADER.test(file)));
      if (!isHeader && label !== '') gathered.add(file, classOf(label), index + 1);

      return isHeader || label !== '';
    },
    facts: gathered.facts,
  };
}

const HEADER = /^(file|path|image|name|audio)/i;

/** JSON objects with `file` and `label`. */
export function jsonLines(): LabelLines {
  const gathered = gatherLabels();
  return {
    add(line, index) {
      const row = parsed(line);
      if (!isObject(row)) return false;
      const { file, label } = row;
      // Texts and tokens are no classes, rows without a file cannot contradict each other.
      if (typeof label === 'number' || typeof label === 'string')
        gathered.add(typeof file === 'string' ? file : `row ${index + 1}`, label, index + 1);

      return true;
    },
    facts: gathered.facts,
  };
}

/** COCO's instances: contradictions are equal boxes of one image with several categories; null: it is no such file. */
export function cocoFacts(text: string): LabelFacts | null {
  const coco = parsed(text);
  if (!isObject(coco)) return null;
  const { images, annotations, categories } = coco;
  if (!Array.isArray(images) || !Array.isArray(annotations) || !Array.isArray(categories)) return null;

  const names = new Map(images.filter(isObject).map(({ id, file_name: name }) => [id, String(name)]));
  const sorted = categories
    .filter(isObject)
    .map(({ id }) => Number(id))
    .sort((a, b) => a - b);

  const classes = new Map(sorted.map((id, index) => [id, index]));
  const gathered = gatherLabels();
  for (const annotation of annotations.filter(isObject)) {
    const { image_id: image, category_id: category, bbox } = annotation;
    const name = names.get(image);
    const label = classes.get(Number(category));
    if (name === undefined || label === undefined || !Array.isArray(bbox)) continue;
    gathered.add(`${name} at ${bbox.join(', ')}`, label, null);
  }

  return { ...gathered.facts('boxes'), highest: sorted.length === 0 ? null : sorted.length - 1 };
}

/** A YOLO file: contradictions are equal boxes with several classes. */
export function addYoloLines(gathered: Gathering, file: string, text: string): void {
  for (const [index, line] of linesOfText(text).entries()) {
    const [label = '', ...box] = line.trim().split(/\s+/);
    if (/^\d+$/.test(label)) gathered.add(`${file} at ${box.join(' ')}`, Number(label), index + 1);
  }
}

/** The lines of a file, without a byte-order mark. */
export const linesOfText = (text: string) => text.replace(/^\uFEFF/, '').split(/\r?\n/);
const isNumber = (text: string) => /^\d+$/.test(text);
const classOf = (label: string): ClassName => (isNumber(label) ? Number(label) : label);
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
