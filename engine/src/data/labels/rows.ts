import { fail, reasonOf } from '@quantsmith/schemas';
import { complete, labelOf, placeByName, placedLabels } from './csv.js';
import type { Label } from './label.js';
import { listedLabels, type Labels, type LabelInput } from './labels.js';

interface Row {
  /** null: rows are in the order of the samples. */
  readonly file: string | null;
  readonly label: Label;
  readonly at: string;
}

/**
 * A .tsv of `file<TAB>label`, or a .jsonl of objects with `label` (or `text`, or `tokens`) and perhaps `file`. Rows without a
 * file are in the order of the samples.
 */
export function rowLabels(input: LabelInput, text: string): Labels {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const read = input.path.endsWith('.jsonl') ? jsonRow : tsvRow;
  const rows = lines.flatMap((line, number) =>
    line.trim() === '' ? [] : [read(line, input, `${input.path}, line ${number + 1}`)],
  );

  const place = placeByName(input);
  // A header names no sample.
  const [first] = rows;
  if (
    first !== undefined &&
    first.file !== null &&
    place(first.file) === undefined &&
    /^(file|path|audio|image)/i.test(first.file)
  )
    rows.shift();
  const placed = placedLabels(input);
  rows.forEach(({ file, label, at: linePlace }, order) => {
    const index = file === null ? order : place(file);
    if (index === undefined || index >= input.names.length)
      return fail(
        'label-unknown-file',
        `${linePlace}: "${file ?? `row ${order + 1}`}" is not a sample of the data.`,
        input.where,
      );
    placed.set(index, label, linePlace);
  });

  return listedLabels(complete(placed.labels, input));
}

function tsvRow(line: string, input: LabelInput, linePlace: string): Row {
  const [first = '', ...rest] = line.split('\t');
  if (rest.length === 0) return { file: null, label: labelOf(first, input, linePlace), at: linePlace };
  return { file: first, label: labelOf(rest[0]!, input, linePlace), at: linePlace };
}

function jsonRow(line: string, input: LabelInput, linePlace: string): Row {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (error) {
    const reason = reasonOf(error);
    return fail('label-invalid', `${linePlace} is not valid JSON: ${reason}.`, input.where);
  }

  const { file, label, text, tokens } = (row ?? {}) as Record<string, unknown>;
  const value = label ?? text ?? tokens;
  const parsed = typeof value === 'string' ? labelOf(value, input, linePlace) : jsonLabel(value);
  if (parsed === null)
    return fail('label-missing', `${linePlace} has no "label", "text" or "tokens".`, input.where);

  return { file: typeof file === 'string' ? file : null, label: parsed, at: linePlace };
}

function jsonLabel(value: unknown): Label {
  if (typeof value === 'number') return value;
  const numbers = Array.isArray(value) && value.every((item) => typeof item === 'number');
  if (numbers) return { dims: [value.length], data: Int32Array.from(value) };
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : null;
}
