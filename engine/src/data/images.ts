import { createHash } from 'node:crypto';
import { readFile, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import sharp from 'sharp';
import { fail, IMAGE_TYPES, isImagePath, type TensorSignature } from '@quantsmith/schemas';
import { classFolderLabels, readLabels } from './labels.js';
import { toInput, type Pixels, type Preprocess } from './preprocess.js';
import type { DataContext, DataSection, SampleSource } from './types.js';

/** Decoded and cropped images are kept up to this many bytes, so that later passes do not decode again. */
const CACHE_BYTES = 256 * 1024 * 1024;
/** An image of more pixels than this is refused instead of filling the memory. */
const LARGEST_IMAGE = 268_402_689;

/** Images of a folder (searched through, sorted by path) or one file. */
export async function openImages(
  path: string,
  section: DataSection,
  context: DataContext,
): Promise<SampleSource> {
  const files = await listImages(path, context);
  const root = files.length === 1 && files[0] === path ? dirname(path) : path;
  const names = files.map((file) => relative(root, file).split(sep).join('/'));
  const labels = await labelsOf(names, section, context);
  const input = singleInput(context);
  const preprocess = section.preprocess ?? {};
  const decode = cachedDecoder(files, preprocess, context);
  return {
    count: files.length,
    hasLabels: labels !== null,
    async get(index) {
      const tensor = toInput(await decode(index), preprocess, input.type);
      return { name: names[index]!, feeds: { [input.name]: tensor }, label: labels?.[index] ?? null };
    },
    async fingerprint() {
      const hash = createHash('sha256').update(JSON.stringify({ preprocess, names, labels }));
      for (const file of files) hash.update(await readFile(file));
      return hash.digest('hex');
    },
  };
}

async function labelsOf(
  names: readonly string[],
  section: DataSection,
  context: DataContext,
): Promise<number[] | null> {
  if (section.labels !== undefined && section.labels !== null)
    return readLabels(section.labels, names, context);
  return 'labels' in section || context.configPath.at(-1) === 'validation' ? classFolderLabels(names) : null;
}

async function listImages(path: string, context: DataContext): Promise<string[]> {
  const where = { file: path, configPath: [...context.configPath, 'images'] };
  const info = await stat(path).catch(() => null);
  if (info === null) return fail('data-not-found', `The image folder ${path} does not exist.`, where);
  if (info.isFile()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && isImagePath(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  if (files.length === 0) {
    fail('data-empty', `${path} holds no ${IMAGE_TYPES} image.`, where);
  }
  // Byte order, the same on every system.
  return files.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
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
): (index: number) => Promise<Pixels> {
  const cache = new Map<number, Pixels>();
  let bytes = 0;
  return async (index) => {
    const known = cache.get(index);
    if (known !== undefined) return known;
    const pixels = await decodeImage(files[index]!, preprocess, context);
    if (bytes + pixels.data.length <= CACHE_BYTES && !cache.has(index)) {
      cache.set(index, pixels);
      bytes += pixels.data.length;
    }
    return pixels;
  };
}

/** Decodes, resizes and crops one image. Orientation tags are not applied (the usual training loaders do not either). */
async function decodeImage(file: string, preprocess: Preprocess, context: DataContext): Promise<Pixels> {
  try {
    const gray = preprocess.color === 'gray';
    const image = sharp(file, { limitInputPixels: LARGEST_IMAGE, failOn: 'error', autoOrient: false });
    const { width, height } = await image.metadata();
    const pipeline = gray
      ? image.removeAlpha().toColourspace('b-w')
      : image.removeAlpha().toColourspace('srgb');
    const size = resizedSize(width, height, preprocess.resize ?? null);
    if (size !== null)
      pipeline.resize({
        width: size[1],
        height: size[0],
        fit: 'fill',
        kernel: 'linear',
        fastShrinkOnLoad: false,
      });
    const { data, info } = await pipeline.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    const pixels = { data, width: info.width, height: info.height, channels: info.channels };
    const wanted = withChannels(pixels, gray ? 1 : 3);
    return preprocess.center_crop === null || preprocess.center_crop === undefined
      ? wanted
      : centerCrop(wanted, preprocess.center_crop);
  } catch (error) {
    // The decoder says everything several times.
    const [reason = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
    return fail('image-undecodable', `${file} cannot be decoded as an image: ${reason}.`, {
      file,
      configPath: [...context.configPath, 'images'],
      data: { name: basename(file) },
    });
  }
}

/** [height, width] after resizing: a number is the new short side, the other side is rounded down. */
function resizedSize(
  width: number,
  height: number,
  resize: Preprocess['resize'] | null,
): [number, number] | null {
  if (resize === null || resize === undefined) return null;
  if (typeof resize !== 'number') return [resize[0]!, resize[1]!];
  return width <= height
    ? [Math.floor((resize * height) / width), resize]
    : [resize, Math.floor((resize * width) / height)];
}

function withChannels(pixels: Pixels, channels: number): Pixels {
  if (pixels.channels === channels) return pixels;
  const count = pixels.width * pixels.height;
  const data = new Uint8Array(count * channels);
  for (let i = 0; i < count; i++) {
    for (let c = 0; c < channels; c++)
      data[i * channels + c] = pixels.data[i * pixels.channels + Math.min(c, pixels.channels - 1)]!;
  }
  return { ...pixels, data, channels };
}

/** The middle of the image; positions are rounded half to even, as the usual transforms do. Smaller images get a black border. */
export function centerCrop(pixels: Pixels, crop: NonNullable<Preprocess['center_crop']>): Pixels {
  const [height, width] = typeof crop === 'number' ? [crop, crop] : [crop[0]!, crop[1]!];
  if (height === pixels.height && width === pixels.width) return pixels;
  const top = halfEven((pixels.height - height) / 2);
  const left = halfEven((pixels.width - width) / 2);
  const { channels } = pixels;
  const data = new Uint8Array(width * height * channels);
  for (let row = 0; row < height; row++) {
    const source = row + top;
    if (source < 0 || source >= pixels.height) continue;
    const from = Math.max(0, -left);
    const to = Math.min(width, pixels.width - left);
    if (to <= from) continue;
    const start = (source * pixels.width + left + from) * channels;
    data.set(pixels.data.subarray(start, start + (to - from) * channels), (row * width + from) * channels);
  }
  return { data, width, height, channels };
}

function halfEven(x: number): number {
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** The version of the library that decodes images. */
export function imageLibraryVersion(): string {
  return sharp.versions.sharp ?? 'unknown';
}
