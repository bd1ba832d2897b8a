import type { TensorSignature } from '@quantsmith/schemas';
import type { ArrayHeader } from '../facts/facts.js';
import {
  fits,
  pixelMisfit,
  shapeText,
  sizeOf,
  type Misfit,
  type Preprocess,
  type Section,
} from './samplePixels.js';

/** What does not fit of arrays: values as they are, or bytes that are preprocessed like images. */
export function arrayMisfit(
  section: Section,
  { shape, type, fractional }: ArrayHeader,
  input: TensorSignature,
): Misfit | null {
  const row = shape.slice(1);
  const { preprocess } = section;
  if (type === 'uint8' && preprocess !== undefined) return byteMisfit(section, row, preprocess, input);

  const expects = `the input "${input.name}" expects ${input.type} ${shapeText(input.dims)}`;
  if (fractional === true && /int|bool/.test(input.type))
    return { key: ['arrays'], message: `The values of "${section.arrays}" are fractional, but ${expects}.` };

  const isWhole = input.unranked === true || row.length === input.dims.length;
  const dims = isWhole ? row : [1, ...row];
  if (fits(dims, input)) return null;
  const message = `"${section.arrays}" holds samples of ${type} ${shapeText(row)}, but ${expects}.`;
  const layout = type === 'uint8' && input.dims.length === 4 ? layoutThatFits(row, input) : null;
  if (layout === null) return { key: ['arrays'], message: `${message}${transposed(row, input)}` };

  return {
    key: ['arrays'],
    message: `${message} Add preprocess with layout: ${layout}, which lays bytes out for the model.`,
    mend: { path: ['preprocess'], value: { layout } },
  };
}

/** How numpy brings the channels of an image to where the model has them, as a sentence; empty: that is not it. */
function transposed(row: readonly number[], input: TensorSignature): string {
  const [first = 0, second = 0, third = 0] = row;
  if (row.length !== 3 || input.dims.length !== 4) return '';
  const axes = fits([1, third, first, second], input)
    ? '0, 3, 1, 2'
    : fits([1, second, third, first], input)
      ? '0, 2, 3, 1'
      : null;
  return axes === null
    ? ''
    : ` The channels are on another axis: save it with numpy.transpose(x, (${axes})).`;
}

/** The layout in which an image [height, width, channels] or [height, width] fits; null: in none. */
function layoutThatFits(row: readonly number[], input: TensorSignature): 'nchw' | 'nhwc' | null {
  const [height = 1, width = 1, channels = 1] = row;
  if (row.length < 2 || row.length > 3) return null;
  if (fits([1, channels, height, width], input)) return 'nchw';
  return fits([1, height, width, channels], input) ? 'nhwc' : null;
}

/** Bytes that are preprocessed: images in rows of pixels, or in planes. */
function byteMisfit(
  section: Section,
  row: readonly number[],
  preprocess: Preprocess,
  input: TensorSignature,
): Misfit | null {
  const inPlanes = section.input_layout === 'nchw' && row.length === 3;
  const [tall = 1, wide = 1] = inPlanes ? row.slice(1) : row;
  const channels = row.length === 3 ? (inPlanes ? row[0]! : row[2]!) : 1;
  const crop = preprocess.center_crop ?? null;
  const [height = null, width = null] = crop === null ? [tall, wide] : sizeOf({ center_crop: crop }, null);
  const shown = `"${section.arrays}" holds images of ${shapeText(row)}`;

  // Flat inputs take the pixels in the same order.
  if (input.dims.length !== 4) return flatMisfit(shown, (height ?? 0) * (width ?? 0) * channels, input);

  // Channels in front are planes, whatever the config says.
  const swapped = inPlanes ? null : planesThatFit(row, crop, preprocess, input);
  if (swapped !== null)
    return {
      key: ['arrays'],
      message: `${shown}, channels first: write input_layout: nchw.`,
      mend: { path: ['input_layout'], value: 'nchw' },
    };

  return pixelMisfit({ height, width, channels }, preprocess, input, ['arrays'], (message, wanted) => {
    const isCropped = crop !== null;
    const isEnough = wanted !== null && tall >= wanted[0] && wide >= wanted[1];
    const value = wanted === null ? null : wanted[0] === wanted[1] ? wanted[0] : wanted;
    const key = isCropped ? ['preprocess', 'center_crop'] : ['arrays'];
    if (isEnough && wanted[0] === tall && wanted[1] === wide) return { key, message };
    return {
      key,
      message,
      ...(isEnough ? { mend: { path: ['preprocess', 'center_crop'], value: value } } : {}),
    };
  });
}

/** Whether a row [channels, height, width] would fit, and does not as [height, width, channels]. */
function planesThatFit(
  row: readonly number[],
  crop: Preprocess['center_crop'],
  { layout = 'nchw' }: Preprocess,
  input: TensorSignature,
): true | null {
  const [channels = 0, tall = 0, wide = 0] = row;
  if (row.length !== 3 || channels > 4) return null;
  const [height = null, width = null] =
    crop === null || crop === undefined ? [tall, wide] : sizeOf({ center_crop: crop }, null);

  const dims = layout === 'nhwc' ? [1, height, width, channels] : [1, channels, height, width];
  return fits(dims, input) ? true : null;
}

function flatMisfit(shown: string, values: number, input: TensorSignature): Misfit | null {
  const fixed = input.dims.slice(1);
  if (input.unranked === true || fixed.some((dim) => typeof dim !== 'number' || dim <= 0)) return null;
  const wanted = fixed.reduce<number>((product, dim) => product * Number(dim), 1);
  if (wanted === values) return null;
  const message = `${shown}, ${values} values, but the input "${input.name}" expects ${shapeText(input.dims)}.`;
  return { key: ['arrays'], message };
}
