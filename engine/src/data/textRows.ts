import { fail, type ConfigPath, reasonOf } from '@quantsmith/schemas';
import type { Label } from './labels/label.js';

/** One sample of a file of texts. */
export interface TextRow {
  readonly text: string;
  /** The second text of a pair; null: there is none. */
  readonly pair: string | null;
  readonly label: Label;
  /** "line 3". */
  readonly name: string;
}

interface TextFile {
  readonly path: string;
  /** Names of classes, in the order of the model's outputs; null: there is no list. */
  readonly classes: readonly string[] | null;
  readonly configPath: ConfigPath;
}

/**
 * Rows of a file of texts, blank lines left out: .jsonl has objects with `text`, and perhaps `pair` and `label`; .tsv has the columns
 * text, pair and label by a header, or without one text, label, or text, pair, label; any other file has a text a line.
 * Throws `text-invalid` with the line.
 */
export function readTextRows(content: string, file: TextFile): TextRow[] {
  const lines = content.replace(/^\uFEFF/, '').split(/\r?\n/);
  const numbered = lines.flatMap((line, index) => (line.trim() === '' ? [] : [{ line, number: index + 1 }]));
  const { path } = file;
  if (path.endsWith('.jsonl')) return numbered.map(({ line, number }) => jsonRow(line, number, file));
  if (path.endsWith('.tsv')) return tableRows(numbered, file);
  return numbered.map(({ line, number }) => ({
    text: line,
    pair: null,
    label: null,
    name: `line ${number}`,
  }));
}

function jsonRow(line: string, number: number, file: TextFile): TextRow {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (error) {
    return refuse(file, number, reasonOf(error));
  }

  if (typeof row !== 'object' || row === null || !('text' in row) || typeof row.text !== 'string')
    return refuse(file, number, 'it is not an object with a "text"');
  const pair: unknown = 'pair' in row ? row.pair : null;
  if (typeof pair !== 'string' && pair !== null) return refuse(file, number, '"pair" is not a string');
  const label: unknown = 'label' in row ? row.label : null;

  return { text: row.text, pair, label: jsonLabel(label, number, file), name: `line ${number}` };
}

/** A list of numbers is one class a token. */
function jsonLabel(label: unknown, number: number, file: TextFile): Label {
  if (typeof label === 'string') return labelOf(label, number, file);
  if (label === null || typeof label === 'number') return label;
  if (Array.isArray(label) && label.every((item) => Number.isInteger(item)))
    return { dims: [label.length], data: Int32Array.from(label as number[]) };
  return refuse(file, number, '"label" is neither a number, a string nor a list of integers');
}

type Column = 'text' | 'pair' | 'label';

function tableRows(
  lines: readonly { readonly line: string; readonly number: number }[],
  file: TextFile,
): TextRow[] {
  const [first] = lines;
  if (first === undefined) return [];
  const cells = first.line.split('\t');
  const named = cells.map((cell) => cell.trim().toLowerCase());
  const hasHeader = named.includes('text');
  const columns: readonly string[] = hasHeader
    ? named
    : cells.length >= 3
      ? ['text', 'pair', 'label']
      : ['text', 'label'];
  const indexOf = (column: Column) => columns.indexOf(column);

  return lines.slice(hasHeader ? 1 : 0).map(({ line, number }) => {
    const values = line.split('\t');
    if (values.length < Math.min(cells.length, columns.length))
      return refuse(file, number, `it has ${values.length} columns, and the first line has ${cells.length}`);
    const label = values[indexOf('label')];
    return {
      text: values[indexOf('text')]!,
      pair: values[indexOf('pair')] ?? null,
      label: label === undefined ? null : labelOf(label, number, file),
      name: `line ${number}`,
    };
  });
}

function labelOf(label: string, number: number, file: TextFile): Label {
  const index = file.classes?.indexOf(label) ?? -1;
  if (index >= 0) return index;
  if (label.trim() !== '' && Number.isFinite(Number(label))) return Number(label);
  return file.classes === null ? label : refuse(file, number, `"${label}" is not one of the classes`);
}

function refuse({ path, configPath }: TextFile, number: number, reason: string): never {
  return fail('text-invalid', `${path}, line ${number}: ${reason}.`, {
    file: path,
    configPath,
    data: { line: number },
  });
}
