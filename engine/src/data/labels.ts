import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { fail } from '@quantsmith/schemas';
import { readArrayFile } from '@quantsmith/model/arrays';
import type { DataContext } from './types.js';

/** Labels from a file: a .csv with file and label, or a .npy with one integer for each sample, in order. */
export async function readLabels(
  labels: string,
  names: readonly string[],
  context: DataContext,
): Promise<number[]> {
  const path = resolve(context.baseDir, labels);
  const where = { file: path, configPath: [...context.configPath, 'labels'] };
  if (path.endsWith('.npy')) return arrayLabels(path, names.length, where);
  const text = await readFile(path, 'utf8').catch(() =>
    fail('labels-not-found', `The label file ${path} does not exist.`, where),
  );
  return csvLabels(text, path, names, where);
}

interface Where {
  readonly file: string;
  readonly configPath: (string | number)[];
}

function arrayLabels(path: string, count: number, where: Where): number[] {
  const array = readArrayFile(path, where.configPath);
  if (array.shape[0] !== count) {
    fail('labels-count', `${path} holds ${array.shape[0]} labels for ${count} samples.`, where);
  }
  const values = array.rows(0, count);
  if (Array.isArray(values) || values.length !== count)
    fail('labels-count', `${path} holds more than one number a sample.`, where);
  return Array.from(values as Float32Array, Number).map((value, index) =>
    integerLabel(value, `${path}, entry ${index}`, where),
  );
}

function integerLabel(value: number, place: string, where: Where): number {
  if (Number.isInteger(value) && value >= 0) return value;
  return fail('label-invalid', `${place}: "${value}" is no class number.`, where);
}

/** `file,label` lines; a header, quotes, CRLF and a byte-order mark are fine. Files may be paths or plain names. */
function csvLabels(text: string, path: string, names: readonly string[], where: Where): number[] {
  const byName = new Map(names.map((name, index) => [name, index]));
  const byBase = new Map(names.map((name, index) => [basename(name), index]));
  const labels = new Array<number | undefined>(names.length);
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  lines.forEach((line, number) => {
    if (line.trim() === '') return;
    const [file = '', label = ''] = splitCsv(line);
    if (number === 0 && !/^\s*\d+\s*$/.test(label)) return;
    const place = `${path}, line ${number + 1}`;
    if (!/^\s*\d+\s*$/.test(label)) fail('label-invalid', `${place}: "${label}" is no class number.`, where);
    const index = byName.get(file) ?? byBase.get(file);
    if (index === undefined)
      fail('label-unknown-file', `${place}: "${file}" is no image of the data folder.`, where);
    labels[index] = Number(label);
  });
  const missing = labels.findIndex((label) => label === undefined);
  const first = names[missing];
  if (first !== undefined) fail('label-missing', `${path} has no label for "${first}".`, where);
  return labels as number[];
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

/** Class folders: the first folder of each name, sorted, numbered from 0; all-numeric names are the numbers. null: no folders. */
export function classFolderLabels(names: readonly string[]): number[] | null {
  const folders = names.map((name) => (name.includes('/') ? name.slice(0, name.indexOf('/')) : null));
  if (folders.some((folder) => folder === null)) return null;
  const classes = [...new Set(folders as string[])].sort();
  const numeric = classes.every((name) => /^\d+$/.test(name));
  return (folders as string[]).map((folder) => (numeric ? Number(folder) : classes.indexOf(folder)));
}
