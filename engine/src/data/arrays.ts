import { unzipSync } from 'fflate';
import { createHash } from 'node:crypto';
import { type TensorSignature, fail, reasonOf } from '@quantsmith/schemas';
import {
  type HostTensor,
  type RowArray,
  type TensorTypeName,
  halfToFloat,
  readArrayBytes,
  readArrayFile,
} from '@quantsmith/model/arrays';
import { centerCrop } from './decodeImage.js';
import { hashInput, readInput } from './input.js';
import { placementOfFeeds } from './imagePlacement.js';
import { openSectionLabels } from './labels/section.js';
import { toInput, type Preprocess } from './preprocess.js';
import { convertTo } from './convert.js';
import type { DataContext, DataSection, SampleSource } from './types.js';

/** An archive may unpack to at most this many bytes. */
const LARGEST_ARCHIVE = 4 * 1024 ** 3;

/** A .npy (one input) or .npz (array names are the inputs); the first axis is the samples. */
export async function openArrays(
  path: string,
  section: DataSection,
  context: DataContext,
): Promise<SampleSource> {
  const arrays = path.endsWith('.npz') ? await openArchive(path, context) : single(path, context);
  const counts = new Set([...arrays.values()].map((array) => array.shape[0]!));
  if (counts.size > 1) {
    fail(
      'array-invalid',
      `The arrays of ${path} have different numbers of samples: ${[...counts].join(', ')}.`,
      {
        file: path,
        configPath: [...context.configPath, 'arrays'],
      },
    );
  }

  const [count = 0] = [...counts];
  const names = Array.from({ length: count }, (_, index) => `#${index}`);
  const labels = await openSectionLabels(section, names, context);
  const bytes = [...arrays.values()].some((array) => array.type === 'uint8');
  const hint =
    bytes && section.preprocess === undefined
      ? { hint: 'The layout of uint8 images is set by preprocess: `preprocess: {layout: nchw}`.' }
      : {};

  return {
    count,
    hasLabels: labels !== null,
    classes: labels?.classes ?? null,
    async get(index) {
      const feeds = Object.fromEntries(
        context.inputs.flatMap((input) => {
          const array = arrays.get(input.name);
          return array === undefined
            ? []
            : [[input.name, feedOf(array, index, input, section, context)] as const];
        }),
      );

      const label = (await labels?.at(index, placementOfFeeds(feeds))) ?? null;
      return { name: names[index]!, feeds, label, ...hint };
    },
    async fingerprint() {
      const hash = createHash('sha256').update(
        JSON.stringify({ ...section, labels: (await labels?.content()) ?? null }),
      );

      const configPath = [...context.configPath, 'arrays'] as const;
      await hashInput(hash, { path, what: 'The array file', code: 'data-not-found', configPath });
      return hash.digest('hex');
    },
  };
}

function single(path: string, context: DataContext): Map<string, RowArray> {
  const configPath = [...context.configPath, 'arrays'] as const;
  const array = readArrayFile(path, configPath);
  const [only, ...others] = context.inputs;
  if (only === undefined || others.length > 0) {
    fail(
      'data-inputs',
      `The model has ${context.inputs.length} inputs; a .npy can feed only one. Use a .npz whose array names are the inputs.`,
      {
        file: path,
        configPath,
      },
    );
  }

  return new Map([[only.name, array]]);
}

async function openArchive(path: string, context: DataContext): Promise<Map<string, RowArray>> {
  const configPath = [...context.configPath, 'arrays'] as const;
  const where = { file: path, configPath };
  const archive = await readInput({ path, what: 'The array file', code: 'data-not-found', configPath });
  let total = 0;
  let members: Record<string, Uint8Array>;
  try {
    members = unzipSync(archive, {
      filter(member) {
        total += member.originalSize;
        if (total > LARGEST_ARCHIVE) throw new Error(`it unpacks to more than ${LARGEST_ARCHIVE} bytes`);
        return member.name.endsWith('.npy');
      },
    });
  } catch (error) {
    const reason = reasonOf(error);
    return fail('array-invalid', `${path} is not a readable .npz archive: ${reason}.`, where);
  }

  return new Map(
    Object.entries(members).map(([name, bytes]) => [
      name.replace(/\.npy$/, ''),
      readArrayBytes(`${path}/${name}`, bytes, configPath),
    ]),
  );
}

/** One row as the model's input: an image is preprocessed, anything else gets a batch axis where the model has one. */
function feedOf(
  array: RowArray,
  index: number,
  input: TensorSignature,
  section: DataSection,
  context: DataContext,
): HostTensor {
  const stored = array.rows(index, index + 1);
  const halves = array.type === 'float16';
  const row = halves ? Float32Array.from(stored as Uint16Array, halfToFloat) : stored;
  const shape = array.shape.slice(1);
  if (array.type === 'uint8' && section.preprocess !== undefined) {
    return imageInput(row as Uint8Array, shape, section.preprocess, section.input_layout ?? 'nhwc', input);
  }

  const where = { name: `sample #${index}`, configPath: [...context.configPath, 'arrays'] as const };
  const isComplete = input.unranked === true || shape.length === input.dims.length;
  const dims = isComplete ? shape : [1, ...shape];
  // Not by way of numbers, so that no bit changes.
  const data = halves && input.type === 'float16' ? stored : convertTo(input.type, row, where);

  return { type: input.type as TensorTypeName, dims, data };
}

function imageInput(
  row: Uint8Array,
  shape: readonly number[],
  preprocess: Preprocess,
  layout: 'nhwc' | 'nchw',
  input: TensorSignature,
): HostTensor {
  const channelsFirst = layout === 'nchw' && shape.length === 3;
  const [height = 1, width = 1] = channelsFirst ? shape.slice(1) : shape;
  const channels = shape.length === 3 ? (channelsFirst ? shape[0]! : shape[2]!) : 1;
  const data = channelsFirst ? interleave(row, channels, width * height) : row;
  const pixels = { data, width, height, channels };
  const cropped =
    preprocess.center_crop === null || preprocess.center_crop === undefined
      ? pixels
      : centerCrop(pixels, preprocess.center_crop);

  const tensor = toInput(cropped, preprocess, input.type);
  // Flat inputs ([N, 784] or [N, 784, 1]) take the pixels in the same order.
  const flat = input.dims.length !== 4;

  return flat
    ? { ...tensor, dims: [1, ...input.dims.slice(1).map((dim) => (typeof dim === 'number' ? dim : 1))] }
    : tensor;
}

function interleave(planes: Uint8Array, channels: number, plane: number): Uint8Array {
  const pixels = new Uint8Array(planes.length);
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < plane; i++) pixels[i * channels + c] = planes[c * plane + i]!;
  return pixels;
}
