import { basename } from 'node:path';
import { fail } from '@quantsmith/schemas';
import type { Label } from './label.js';
import { listedLabels, type Labels, type LabelInput } from './labels.js';

/** `file,label` lines; a header, quotes, CRLF and a byte-order mark are fine. Files may be paths or plain names. */
export function csvLabels(input: LabelInput, text: string): Labels {
  const place = placeByName(input);
  const placed = placedLabels(input);
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  lines.forEach((line, number) => {
    if (line.trim() === '') return;
    const [file = '', label = ''] = splitCsv(line);
    if (!line.includes(',') && input.kind !== 'text') return unsplit(line, number, input);
    // The first line is a header where it names no sample.
    if (number === 0 && place(file) === undefined && !isNumber(label)) return;
    const linePlace = `${input.path}, line ${number + 1}`;
    const value = labelOf(label, input, linePlace);
    const index = place(file);
    if (index === undefined)
      return fail(
        'label-unknown-file',
        `${linePlace}: "${file}" is not an image in the data folder.`,
        input.where,
      );
    placed.set(index, value, linePlace);
  });

  return listedLabels(complete(placed.labels, input), input.classes?.length ?? null);
}

/** A line without a comma: refused with what it has instead. */
function unsplit(line: string, number: number, { path, where }: LabelInput): never {
  const other = SEPARATORS.find(([separator]) => line.trim().includes(separator));
  const has =
    other === undefined
      ? '. Labels alone, one a line in the order of the samples, belong into a .tsv'
      : `, not by ${other[1]}`;
  const message = `${path}, line ${number + 1}: file and label must be separated by a comma${has}.`;
  return fail('label-invalid', message, where);
}

const SEPARATORS = [
  [';', 'a semicolon'],
  ['\t', 'a tab'],
  [' ', 'a space'],
] as const;

/** Labels by sample. `set` throws `labels-conflict` for a sample that has another label already. */
export function placedLabels({ names, where }: LabelInput) {
  const labels = new Array<Label | undefined>(names.length);
  const places = new Map<number, string>();
  return {
    labels,
    set(index: number, label: Label, linePlace: string): void {
      const known = labels[index];
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(label)) {
        const [first, second] = [known, label].map((text) => JSON.stringify(text));
        fail(
          'labels-conflict',
          `${linePlace} labels "${names[index]}" as ${second}, but ${places.get(index)} as ${first}.`,
          { ...where, data: { sample: names[index] } },
        );
      }

      labels[index] = label;
      places.set(index, linePlace);
    },
  };
}

/** Finds a sample by its path in the data folder, or by its plain name. */
export function placeByName({ names }: LabelInput): (file: string) => number | undefined {
  const byName = new Map(names.map((name, index) => [name, index]));
  const byBase = new Map(names.map((name, index) => [basename(name), index]));
  return (file) => byName.get(file) ?? byBase.get(file);
}

const isNumber = (text: string) => /^\s*-?\d+(\.\d+)?\s*$/.test(text);

/** The name of a class as its number, a number, or the text itself, as the metric needs it. */
export function labelOf(text: string, { classes, kind, where }: LabelInput, linePlace: string): Label {
  if (kind === 'text') return text;
  const known = classes?.indexOf(text.trim()) ?? -1;
  if (known >= 0) return known;
  if (kind === 'class' && !/^\s*\d+\s*$/.test(text)) {
    const list = classes === null ? '' : ' and is not in the list of classes';
    return fail('label-invalid', `${linePlace}: "${text}" is not a class number${list}.`, where);
  }

  if (kind === 'score' && !isNumber(text))
    return fail('label-invalid', `${linePlace}: "${text}" is not a number.`, where);

  return isNumber(text) ? Number(text) : text;
}

/** Throws `label-missing` for the first sample without a label. */
export function complete(
  labels: readonly (Label | undefined)[],
  { names, path, where }: LabelInput,
): Label[] {
  const missing = names.findIndex((_, index) => labels[index] === undefined);
  const first = names[missing];
  if (first !== undefined) fail('label-missing', `${path} has no label for "${first}".`, where);
  return labels as Label[];
}

/** The fields of one CSV line, with double quotes. */
function splitCsv(line: string): string[] {
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!;
    if (quoted) {
      if (char !== '"') field += char;
      else if (line[i + 1] === '"') field += line[i++]!;
      else quoted = false;
    } else if (char === '"' && field === '') quoted = true;
    else if (char === ',') {
      fields.push(field);
      field = '';
    } else field += char;
  }

  return [...fields, field];
}
