import { isImagePath } from '@quantsmith/schemas';
import { join } from 'node:path';
import { arrayHeader } from '../sources/arrays.js';
import { bytesOf, withFile } from '@quantsmith/model/files';
import type { Candidate } from './candidates.js';
import { isLabelName, nameOf, roleIn, stemOf, wordsOf } from './names.js';
import { linesOf } from './text.js';
import type { FoundFolder } from './tree.js';

/** Files that are opened to see whether they are labels. */
const MAX_OPENED = 40;
/** Bytes of a COCO file that are looked at for names of images. */
const MAX_JSON_HEAD = 1024 ** 2;
/** Lines of a table that are looked at. */
const MAX_LINES = 50;
/** Share of the samples that must have labels. */
const MIN_SHARE = 0.5;

/** What may hold the labels of a source, the nearer first. Paths are relative to `dir`. */
export async function labelFilesFor(
  dir: string,
  tree: readonly FoundFolder[],
  source: Candidate,
): Promise<string[]> {
  const near = (path: string) => -commonParts(path, source.path);
  const role = roleIn(source.path);
  // The labels of the training set are not those of the validation set.
  const isForSame = (path: string) => role === null || [role, null].includes(roleIn(path));
  const files = tree
    .flatMap(({ path, files: names }) => names.map((name) => joined(path, name)))
    .filter((path) => /\.(csv|tsv|jsonl|json|npy)$/i.test(path) && path !== source.path)
    .filter(isForSame)
    .sort((a, b) => near(a) - near(b) || Number(isNamed(b)) - Number(isNamed(a)))
    .slice(0, MAX_OPENED);

  const paths: string[] = [];
  for (const path of files) if (await isLabelFile(join(dir, path), path, source)) paths.push(path);
  for (const folder of source.kind === 'images' ? tree : [])
    if (isForSame(folder.path) && (await isLabelFolder(dir, folder, source))) paths.push(folder.path);
  return paths.sort((a, b) => near(a) - near(b));
}

const joined = (folder: string, name: string) => (folder === '' ? name : `${folder}/${name}`);
const isNamed = (path: string) => wordsOf(path).some(isLabelName);

/** Folders and words that two paths share: the labels of a set lie beside it, or are named like it. */
function commonParts(path: string, other: string): number {
  const words = new Set(wordsOf(other));
  return wordsOf(path).filter((word) => words.has(word)).length;
}

async function isLabelFile(file: string, path: string, source: Candidate): Promise<boolean> {
  if (/\.npy$/i.test(path)) {
    const header = await arrayHeader(file).catch(() => null);
    const rank = header?.shape.length ?? 0;
    return header?.shape[0] === source.count && (isNamed(path) || (rank === 1 && /int/.test(header.type)));
  }

  if (/\.json$/i.test(path)) return source.kind === 'images' && namesImages(await headOf(file), source);
  const lines = (await linesOf(file))?.filter((line) => line.trim() !== '');
  if (lines === undefined || lines.length === 0) return false;
  if (source.files.length > 0 && namesMost(lines, source)) return true;
  // Rows without names are in the order of the samples.
  return (
    !/\.csv$/i.test(path) && lines.length === source.count && (source.files.length === 0 || isNamed(path))
  );
}

async function headOf(file: string): Promise<string> {
  const read = withFile(file, async (handle, size) =>
    new TextDecoder().decode(await bytesOf(handle, 0, Math.min(size, MAX_JSON_HEAD))),
  );

  return read.catch(() => '');
}

/** Whether a COCO file names one of the images. */
function namesImages(head: string, { files }: Candidate): boolean {
  const names = new Set(files.map(nameOf));
  return [...head.matchAll(/"file_name"\s*:\s*"([^"]+)"/g)].some(([, name = '']) => names.has(nameOf(name)));
}

/** Whether most of a table's first rows begin with the name of an image. */
function namesMost(lines: readonly string[], { files }: Candidate): boolean {
  const names = new Set(files.map(nameOf));
  const rows = lines.slice(0, MAX_LINES);
  const named = rows.filter((row) => names.has(nameOf(fileIn(row))));
  return named.length >= MIN_SHARE * (rows.length - 1) && named.length > 0;
}

/** The file that a row of a .csv, .tsv or .jsonl names. */
function fileIn(row: string): string {
  const inJson = /"file"\s*:\s*"([^"]+)"/.exec(row)?.[1];
  return inJson ?? /^"?([^",\t]*)/.exec(row)?.[1] ?? '';
}

/** Whether a folder has a YOLO text, or a mask, for most of the images. */
async function isLabelFolder(dir: string, { path, files }: FoundFolder, source: Candidate): Promise<boolean> {
  const stems = new Set(source.files.map(stemOf));
  const texts = files.filter((name) => name.endsWith('.txt') && stems.has(stemOf(name)));
  const [first] = texts;
  if (first !== undefined) {
    // An image that shows nothing may have an empty file.
    const lines = await Promise.all(texts.slice(0, MAX_LINES).map((name) => linesOf(join(dir, path, name))));
    return lines
      .flatMap((texts) => texts ?? [])
      .some((line) => /^\s*\d+(\s+-?[\d.eE+-]+){4,}\s*$/.test(line));
  }

  const masks =
    path === source.path ? [] : files.filter((name) => /\.png$/i.test(name) && stems.has(stemOf(name)));
  const others = source.files.some((name) => isImagePath(name) && !/\.png$/i.test(name));
  return masks.length >= MIN_SHARE * source.count && (others || isNamed(path));
}
