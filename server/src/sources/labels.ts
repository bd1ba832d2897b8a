import { yoloProblem } from '@quantsmith/engine';
import {
  ARRAY_HEAD_BYTES,
  arrayLayout,
  arrayValues,
  readArrayBytes,
  type RowArray,
} from '@quantsmith/model/arrays';
import { QuantsmithError } from '@quantsmith/schemas';
import {
  addYoloLines,
  cocoFacts,
  gatherLabels,
  jsonLines,
  linesOfText,
  tableLines,
  type LabelFacts,
  type LabelLines,
} from '@quantsmith/service';
import { basename, join } from 'node:path';
import { contentHash } from './content.js';
import { filesBelow } from './folders.js';
import { bytesOf, withFile } from '@quantsmith/model/files';
import { entriesOf, textOf } from './look.js';

/** Larger label files are not looked into: reading them would hold up answers. Tables of 50,000 images are smaller. */
const MAX_BYTES = 3 * 1024 ** 2;
const MAX_JSON_BYTES = 1 * 1024 ** 2;
/** Label files of single images, or images in class folders: of more nothing is known. */
const MAX_FILES = 20_000;
/** Images of one name and size in several class folders that are compared by their contents. */
const MAX_COMPARED = 200;

/** After so many lines others get their turn. */
const LINES_AT_ONCE = 5000;

const READERS: readonly (readonly [RegExp, () => LabelLines])[] = [
  [/\.csv$/i, () => tableLines(',')],
  [/\.tsv$/i, () => tableLines('\t')],
  [/\.jsonl$/i, jsonLines],
];

/** What a label file says; null for kinds that are not looked into, and for what cannot be read. */
export async function readLabelFacts(path: string): Promise<LabelFacts | null> {
  if (/\.npy$/i.test(path)) return arrayLabels(path);
  if (/\.json$/i.test(path)) {
    const coco = await textOf(path, MAX_JSON_BYTES);
    return coco === null ? null : cocoFacts(coco);
  }

  const reader = READERS.find(([pattern]) => pattern.test(path))?.[1]();
  const text = reader === undefined ? null : await textOf(path, MAX_BYTES);
  return reader === undefined || text === null ? null : factsOfLines(text, reader);
}

async function factsOfLines(text: string, { add, facts }: LabelLines): Promise<LabelFacts | null> {
  for (const [index, line] of linesOfText(text).entries()) {
    if (index % LINES_AT_ONCE === LINES_AT_ONCE - 1) await new Promise((resolve) => setImmediate(resolve));
    if (line.trim() !== '' && !add(line, index)) return null;
  }

  return facts();
}

/** A label file or a list of classes, as an object that is another one when the file is. */
export interface LabelText {
  readonly text: string;
}

/** null: it is too large to be looked into. */
export async function readLabelText(path: string): Promise<LabelText | null> {
  const text = await textOf(path, MAX_BYTES);
  return text === null ? null : { text };
}

/** An array of labels, or why it is none, as a sentence; null: it is too large to be looked into. */
export type LabelArrayFile = { readonly array: RowArray } | { readonly problem: string };

/** An array of labels whose values are known; of one that is too large its header, and values that fit everywhere. */
export async function readLabelArray(path: string): Promise<LabelArrayFile> {
  const head = await withFile(path, (handle, size) => bytesOf(handle, 0, Math.min(size, MAX_BYTES)));
  const size = await withFile(path, (_, bytes) => Promise.resolve(bytes));
  const configPath = ['data', 'validation', 'labels'] as const;
  const name = basename(path);
  try {
    if (size <= MAX_BYTES) return { array: readArrayBytes(name, head, configPath) };
    const layout = arrayLayout(head, size);
    if (typeof layout === 'string') return { problem: `"${name}" is not a readable .npy array: ${layout}.` };
    const { shape, type, valueBytes } = layout;
    const values = shape.slice(1).reduce((product, dim) => product * dim, 1);
    const rows = () => arrayValues(type, new Uint8Array(values * valueBytes));

    return { array: { shape, type, rows } };
  } catch (error) {
    if (!(error instanceof QuantsmithError)) throw error;
    return { problem: error.problem.message };
  }
}

/** What the YOLO files of a folder say; null: there are none, or more than are looked at. */
export async function yoloFacts(folder: string, signal: AbortSignal): Promise<LabelFacts | null> {
  const entries = await entriesOf(folder, MAX_FILES);
  if (entries === null || entries.length >= MAX_FILES) return null;
  const gathered = gatherLabels();
  let problem: string | null = null;
  let bytes = 0;
  for (const { name, kind } of entries) {
    if (kind !== 'file' || !name.endsWith('.txt')) continue;
    if (signal.aborted) return null;
    const text = await textOf(join(folder, name), MAX_BYTES).catch(() => null);
    bytes += text?.length ?? MAX_BYTES;
    if (text === null || bytes > MAX_BYTES) return null;
    addYoloLines(gathered, name, text);
    problem ??= yoloProblem(text, `${basename(folder)}/${name}`);
  }

  const facts = gathered.facts('boxes');
  if (facts.count === 0 && problem === null) return null;
  return problem === null ? facts : { ...facts, problem };
}

/**
 * Class folders: the first folder below `root` is the class. A contradiction is one image in several of them. null: there are
 * none, or more files than are looked at.
 */
export async function classFolderFacts(root: string, signal: AbortSignal): Promise<LabelFacts | null> {
  const files = await filesBelow(root, MAX_FILES, signal);
  if (files === null || files.length === 0) return null;
  const placed = files.map(({ path, bytes }) => ({ path, bytes, parts: path.split('/') }));
  if (placed.some(({ parts }) => parts.length < 2)) return null;

  const folders = [...new Set(placed.map(({ parts }) => parts[0]!))].sort();
  const areNumbers = folders.every((name) => /^\d+$/.test(name));
  const highest = areNumbers
    ? folders.reduce((highest, name) => Math.max(highest, Number(name)), 0)
    : folders.length - 1;

  const groups = new Map<string, typeof placed>();
  for (const file of placed) {
    const key = `${file.parts.at(-1)!}/${file.bytes}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [file]);
    else group.push(file);
  }

  const gathered = gatherLabels();
  let compared = 0;
  for (const group of groups.values()) {
    if (new Set(group.map(({ parts }) => parts[0])).size < 2) continue;
    for (const { path, parts } of group) {
      if (++compared > MAX_COMPARED) break;
      const { sha256 } = (await contentHash(join(root, path))) ?? {};
      if (sha256 !== undefined) gathered.add(`${parts.at(-1)!}/${sha256}`, parts[0]!, null);
    }
  }

  const { conflicts } = gathered.facts();
  return {
    count: files.length,
    highest,
    conflicts: conflicts.map((conflict) => ({
      ...conflict,
      file: conflict.file.slice(0, conflict.file.lastIndexOf('/')),
    })),
    about: 'files',
  };
}

/** In masks, what belongs to no class. */
const UNLABELLED = 255;

/** What a .npy of labels says: how many there are, and the highest class of single ones, masks and tokens. */
async function arrayLabels(path: string): Promise<LabelFacts | null> {
  return withFile(path, async (handle, size) => {
    const layout = arrayLayout(await bytesOf(handle, 0, Math.min(size, ARRAY_HEAD_BYTES)), size);
    if (typeof layout === 'string') return null;
    const [count = 0, ...others] = layout.shape;
    const isSingle = others.every((dim) => dim === 1);
    const row = isSingle ? {} : { row: others };
    const bytes = count * others.reduce((product, dim) => product * dim, 1) * layout.valueBytes;
    if (count === 0 || bytes > MAX_BYTES)
      return { count, highest: null, conflicts: [], about: 'files', ...row };

    const end = layout.dataStart + bytes;
    const values = arrayValues(layout.type, await bytesOf(handle, layout.dataStart, end));
    let highest = Number.NEGATIVE_INFINITY;
    for (const value of values)
      if (isSingle || Number(value) !== UNLABELLED) highest = Math.max(highest, Number(value));
    const known = Number.isInteger(highest) ? highest : null;

    return { count, highest: known, conflicts: [], about: 'files', ...row };
  });
}
