import { imageInput } from '@quantsmith/model/tasks';
import { isImagePath, type ModelSummary, type TensorSignature } from '@quantsmith/schemas';
import { join } from 'node:path';
import { arrayHeader, memberNames } from '../sources/arrays.js';
import { isLabelName, roleOf, wordsOf } from './names.js';
import { filesIn, type FoundFolder } from './tree.js';

/** Where samples may come from. */
export interface Candidate {
  /** Relative to the folder that was looked through. */
  readonly path: string;
  readonly kind: 'images' | 'arrays' | 'tensors';
  /** Images relative to `path`; of arrays none. */
  readonly files: readonly string[];
  readonly count: number;
  readonly isClassed: boolean;
}

/** Everything below a folder that a model could take as samples. */
export async function candidatesIn(
  dir: string,
  tree: readonly FoundFolder[],
  model: ModelSummary,
): Promise<Candidate[]> {
  return [
    ...imageCandidates(tree, model),
    ...(await arrayCandidates(dir, tree, model)),
    ...tensorCandidates(tree),
  ];
}

function imageCandidates(tree: readonly FoundFolder[], model: ModelSummary): Candidate[] {
  if (imageInput(model.inputs) === null) return [];
  const images = new Map(tree.map(({ path, files }) => [path, files.filter(isImagePath)]));
  const isRole = (name: string) => wordsOf(name).some((word) => isLabelName(word) || roleOf(word) !== null);
  const classed = tree.filter(({ path, folders }) => {
    const full = folders.filter(
      (name) => (images.get(path === '' ? name : `${path}/${name}`) ?? []).length > 0,
    );
    return (
      full.length >= 2 && full.length === folders.length && !full.some(isRole) && !/^images?$/.test(full[0]!)
    );
  });
  const inClass = (path: string) =>
    classed.some(({ path: parent }) => (parent === '' ? path !== '' : path.startsWith(`${parent}/`)));
  const candidates = tree.flatMap(({ path, folders }): Candidate[] => {
    if (inClass(path) || (path !== '' && isLabelName(wordsOf(path)[0]!))) return [];
    const ownImages = images.get(path)!;
    const isClassed = classed.some((folder) => folder.path === path);
    const files = isClassed
      ? folders.flatMap((name) =>
          images.get(path === '' ? name : `${path}/${name}`)!.map((file) => `${name}/${file}`),
        )
      : ownImages;
    return files.length === 0 ? [] : [{ path, kind: 'images', files, count: files.length, isClassed }];
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
