import { audioDraft, imageInput, textRoles } from '@quantsmith/model/tasks';
import { isAudioPath, isImagePath, type ModelSummary, type TensorSignature } from '@quantsmith/schemas';
import { join } from 'node:path';
import { arrayHeader, memberNames } from '../sources/arrays.js';
import { isLabelName, nameOf, roleOf, wordsOf } from './names.js';
import { linesOf } from './text.js';
import { filesIn, type FoundFolder } from './tree.js';

/** Where samples may come from. */
export interface Candidate {
  /** Relative to the folder that was looked through. */
  readonly path: string;
  readonly kind: 'images' | 'arrays' | 'tensors' | 'audio' | 'texts';
  /** Images and audio relative to `path`; of others none. */
  readonly files: readonly string[];
  readonly count: number;
  readonly isClassed: boolean;
  /** Of texts. */
  readonly tokenizer?: string;
}

/** Everything below a folder that a model could take as samples. */
export async function candidatesIn(
  dir: string,
  tree: readonly FoundFolder[],
  model: ModelSummary,
): Promise<Candidate[]> {
  return [
    ...(imageInput(model.inputs) === null ? [] : fileCandidates(tree, 'images', isImagePath)),
    ...(await arrayCandidates(dir, tree, model)),
    ...tensorCandidates(tree),
    ...(audioDraft(model) === null ? [] : fileCandidates(tree, 'audio', isAudioPath)),
    ...(await textCandidates(dir, tree, model)),
  ];
}

/** Folders of files that are samples each. */
function fileCandidates(
  tree: readonly FoundFolder[],
  kind: 'images' | 'audio',
  isSampleFile: (name: string) => boolean,
): Candidate[] {
  const samples = new Map(tree.map(({ path, files }) => [path, files.filter(isSampleFile)]));
  const isRole = (name: string) => wordsOf(name).some((word) => isLabelName(word) || roleOf(word) !== null);
  const classed = tree.filter(({ path, folders }) => {
    const full = folders.filter(
      (name) => (samples.get(path === '' ? name : `${path}/${name}`) ?? []).length > 0,
    );
    return (
      full.length >= 2 && full.length === folders.length && !full.some(isRole) && !/^images?$/.test(full[0]!)
    );
  });
  const inClass = (path: string) =>
    classed.some(({ path: parent }) => (parent === '' ? path !== '' : path.startsWith(`${parent}/`)));
  const candidates = tree.flatMap(({ path, folders }): Candidate[] => {
    if (inClass(path) || (path !== '' && isLabelName(wordsOf(path)[0]!))) return [];
    const direct = samples.get(path)!;
    const isClassed = classed.some((folder) => folder.path === path);
    const files = isClassed
      ? folders.flatMap((name) =>
          samples.get(path === '' ? name : `${path}/${name}`)!.map((file) => `${name}/${file}`),
        )
      : direct;
    return files.length === 0 ? [] : [{ path, kind, files, count: files.length, isClassed }];
  });

  return candidates.sort((a, b) => Number(b.path !== '') - Number(a.path !== ''));
}

async function arrayCandidates(
  dir: string,
  tree: readonly FoundFolder[],
  model: ModelSummary,
): Promise<Candidate[]> {
  const candidates: Candidate[] = [];
  for (const path of filesIn(tree, /\.np[yz]$/)) {
    if (wordsOf(path.slice(path.lastIndexOf('/') + 1)).some(isLabelName)) continue;
    const count = path.endsWith('.npz')
      ? await archiveFits(join(dir, path), model)
      : await arrayFits(join(dir, path), model);
    if (count !== null) candidates.push({ path, kind: 'arrays', files: [], count, isClassed: false });
  }

  return candidates;
}

/** Samples of an array that the model's only input takes; null: it does not. */
async function arrayFits(file: string, { inputs }: ModelSummary): Promise<number | null> {
  const [input, ...others] = inputs;
  const header = await arrayHeader(file).catch(() => null);
  if (header === null || input === undefined || others.length > 0) return null;
  const [count = 0, ...shape] = header.shape;
  const fits = isSample(shape, input) || (header.type === 'uint8' && isPicture(shape, input));
  const isInteger = /^u?int/.test(input.type);
  return count > 0 && fits && isInteger === (isInteger && /^u?int/.test(header.type)) ? count : null;
}

/** Whether one row has the input's shape, with or without the batch. */
function isSample(shape: readonly number[], { dims }: TensorSignature): boolean {
  const agrees = (wanted: readonly (number | string)[]) =>
    wanted.length === shape.length &&
    wanted.every((dim, axis) => typeof dim === 'string' || dim <= 0 || dim === shape[axis]);
  return agrees(dims.slice(1)) || agrees(dims);
}

/** Whether bytes of an image have as many values as the input, whatever their order. */
function isPicture(shape: readonly number[], { dims }: TensorSignature): boolean {
  const size = (values: readonly (number | string)[]) =>
    values.reduce<number>((all, value) => all * (typeof value === 'number' ? value : Number.NaN), 1);
  return shape.length >= 2 && shape.length <= 3 && size(shape) === size(dims.slice(1));
}

/** Names of what lies beside a tokenizer, and of lists that are no texts to classify. */
const NO_TEXTS =
  /^(readme|license|requirements|merges|vocab|special_tokens|classes|labels?|alphabet|.*names|.*keys)\b/i;

/** Files of texts where there is a tokenizer, and the model takes tokens. */
async function textCandidates(
  dir: string,
  tree: readonly FoundFolder[],
  { inputs }: ModelSummary,
): Promise<Candidate[]> {
  const takesTokens =
    textRoles(inputs.map(({ name }) => name)) !== null &&
    inputs.every(({ type, dims }) => /^int(32|64)$/.test(type) && dims.length === 2);
  const [tokenizer] = filesIn(tree, /(^|\/)tokenizer\.json$/);
  if (!takesTokens || tokenizer === undefined) return [];
  const texts: Candidate[] = [];
  for (const path of filesIn(tree, /\.(tsv|jsonl|txt)$/i)) {
    if (NO_TEXTS.test(nameOf(path))) continue;
    const lines = (await linesOf(join(dir, path)))?.filter((line) => line.trim() !== '') ?? [];
    const isTexts = lines.length > 0 && (!/\.jsonl$/i.test(path) || /"text"\s*:/.test(lines[0]!));
    if (isTexts)
      texts.push({ path, kind: 'texts', files: [], count: lines.length, isClassed: false, tokenizer });
  }

  return texts;
}

async function archiveFits(file: string, { inputs }: ModelSummary): Promise<number | null> {
  const members = await memberNames(file).catch(() => null);
  return members !== null && inputs.every(({ name }) => members.includes(name)) ? 1 : null;
}

function tensorCandidates(tree: readonly FoundFolder[]): Candidate[] {
  return tree.flatMap(({ path, folders }): Candidate[] => {
    const count = folders.filter((name) => /^test_data_set_\d+$/.test(name)).length;
    return count === 0 ? [] : [{ path, kind: 'tensors', files: [], count, isClassed: false }];
  });
}
