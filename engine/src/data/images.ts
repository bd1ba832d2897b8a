import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, dirname, relative, sep } from 'node:path';
import {
  fail,
  IMAGE_TYPES,
  isImagePath,
  QuantsmithError,
  type TensorSignature,
  largest,
  reasonOf,
} from '@quantsmith/schemas';
import { countEntries } from './entryLimit.js';
import { decodeImage, type PlacedPixels } from './decodeImage.js';
import { folderLabels } from './labels/section.js';
import { hashInput, readInput, type InputFile } from './input.js';
import { listFiles } from './listFiles.js';
import { DECODING_BYTES, IMAGE_CACHE_BYTES } from './keep.js';
import { toInput, type Preprocess } from './preprocess.js';
import { openRoom, type Room } from './room.js';
import type { DataContext, DataSection, SampleSource } from './types.js';

/** Images of a folder (searched through, sorted by path) or one file. */
export async function openImages(
  path: string,
  section: DataSection,
  context: DataContext,
): Promise<SampleSource> {
  const files = await imageFiles(path, context);
  const root = files.length === 1 && files[0] === path ? dirname(path) : path;
  const names = files.map((file) => relative(root, file).split(sep).join('/'));
  const labels = await folderLabels(files, names, section, context, 'images');
  const input = singleInput(context);
  const preprocess = section.preprocess ?? {};
  const decode = cachedDecoder(files, preprocess, context);

  return {
    count: files.length,
    hasLabels: labels !== null,
    classes: labels?.classes ?? null,
    async get(index) {
      const pixels = await decode(index);
      const image = pixels.placement;
      const label = (await labels?.at(index, image)) ?? null;
      const feeds = { [input.name]: toInput(pixels, preprocess, input.type) };
      return { name: names[index]!, feeds, label, image };
    },
    async fingerprint() {
      const content = (await labels?.content()) ?? null;
      const hash = createHash('sha256').update(JSON.stringify({ preprocess, names, labels: content }));
      for (const file of files) await hashInput(hash, imageInput(file, context));

      return hash.digest('hex');
    },
  };
}

async function imageFiles(path: string, context: DataContext): Promise<string[]> {
  const where = { file: path, configPath: [...context.configPath, 'images'] as const };
  const info = await stat(path).catch(() => null);
  if (info === null) return fail('data-not-found', `The image folder ${path} does not exist.`, where);
  if (info.isFile()) return [path];
  if (!info.isDirectory())
    return fail('data-not-found', `${path} is neither a folder nor a regular file.`, where);
  const counted = countEntries(path, where.configPath);
  const files = await listFiles(path, isImagePath, counted).catch((error: unknown) => {
    if (error instanceof QuantsmithError) throw error;
    const reason = reasonOf(error);
    return fail('data-not-found', `The image folder ${path} cannot be read: ${reason}.`, where);
  });

  if (files.length === 0) fail('data-empty', `${path} contains no ${IMAGE_TYPES} image.`, where);

  return files;
}

/** Images feed a model with one input, or the one input that looks like an image. */
function singleInput(context: DataContext): TensorSignature {
  const [only, ...others] = context.inputs;
  if (only !== undefined && others.length === 0) return only;
  return fail(
    'data-inputs',
    `The model has ${context.inputs.length} inputs (${context.inputs.map((input) => input.name).join(', ')}); images can feed only one. Use arrays (.npz), tensors or a loader.`,
    { configPath: [...context.configPath, 'images'] },
  );
}

function cachedDecoder(
  files: readonly string[],
  preprocess: Preprocess,
  context: DataContext,
): (index: number) => Promise<PlacedPixels> {
  const cache = new Map<number, PlacedPixels>();
  const room = openRoom(DECODING_BYTES);
  let bytes = 0;
  return async (index) => {
    const known = cache.get(index);
    if (known !== undefined) return known;
    const pixels = await decodeFile(files[index]!, preprocess, context, room);
    if (bytes + pixels.data.length <= IMAGE_CACHE_BYTES && !cache.has(index)) {
      cache.set(index, pixels);
      bytes += pixels.data.length;
    }

    return pixels;
  };
}

/** Unless the model states a larger one, an input has at most so many pixels: as float32 in three channels, 96 MiB. */
const MAX_INPUT_PIXELS = 2 ** 23;

/** The most pixels that preprocessing may make of an image: what is scaled is cropped later, so that it may be larger. */
function pixelLimit({ inputs }: DataContext): number {
  const sizes = inputs.map(({ dims }) =>
    dims.reduce<number>((product, dim) => product * (typeof dim === 'number' && dim > 0 ? dim : 1), 1),
  );
  return Math.max(MAX_INPUT_PIXELS, largest(sizes));
}

/** More bytes than any image of as many pixels as may be decoded. */
const MAX_IMAGE_BYTES = 2 ** 29;

const imageInput = (path: string, { configPath }: DataContext): InputFile => ({
  ...{ path, what: 'The image', code: 'image-undecodable', maxBytes: MAX_IMAGE_BYTES },
  configPath: [...configPath, 'images'],
});

async function decodeFile(
  file: string,
  preprocess: Preprocess,
  context: DataContext,
  room: Room,
): Promise<PlacedPixels> {
  const bytes = await readInput(imageInput(file, context));
  try {
    return await decodeImage({ file, bytes }, preprocess, pixelLimit(context), room);
  } catch (error) {
    if (error instanceof QuantsmithError) throw error;
    // The decoder says everything several times.
    const [reason = ''] = reasonOf(error).split('\n');
    return fail('image-undecodable', `${file} cannot be decoded as an image: ${reason}.`, {
      file,
      configPath: [...context.configPath, 'images'],
      data: { name: basename(file) },
    });
  }
}
