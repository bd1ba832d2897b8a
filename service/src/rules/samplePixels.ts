import type { QuantizationConfig, TensorSignature } from '@quantsmith/schemas';
import type { Written } from '../document/edit.js';
import type { ImageSize } from '../facts/facts.js';

export type Section = QuantizationConfig['data']['calibration'];
export type Preprocess = NonNullable<Section['preprocess']>;

/** Keys below a data section. */
export type Keys = readonly string[];

/** A sample that does not fit the model, and the key that would mend it. */
export interface Misfit {
  readonly message: string;
  /** Below the section: where it is shown, as far as it is written. */
  readonly key: Keys;
  /** What fits, at a path below the section. */
  readonly mend?: { readonly path: Keys; readonly value: Written };
}

/** A length that is not known is null. */
export type Dims = readonly (number | null)[];

interface Pixels {
  readonly height: number | null;
  readonly width: number | null;
  readonly channels: number;
}

/** Pixels against an input of four dimensions: the layout, then the colours, then the size. */
export function pixelMisfit(
  { height, width, channels }: Pixels,
  { layout = 'nchw', color = 'rgb' }: Preprocess,
  input: TensorSignature,
  /** What decides on the channels. */
  channelKey: Keys,
  onSize: (message: string, wanted: readonly [number, number] | null) => Misfit,
): Misfit | null {
  const dims = (order: string): Dims =>
    order === 'nhwc' ? [1, height, width, channels] : [1, channels, height, width];
  if (fits(dims(layout), input)) return null;

  const expects = `the input "${input.name}" expects ${shapeText(input.dims)}`;
  const other = layout === 'nchw' ? 'nhwc' : 'nchw';
  if (fits(dims(other), input) && isOneWay(input, other))
    return {
      key: ['preprocess', 'layout'],
      message: `Samples are laid out as ${shapeText(dims(layout))}, but ${expects}: write layout: ${other}.`,
      mend: { path: ['preprocess', 'layout'], value: other },
    };

  if (input.dims.length !== 4)
    return { key: ['preprocess'], message: `Samples are ${shapeText(dims(layout))}, but ${expects}.` };

  const [channelAxis, heightAxis, widthAxis] = layout === 'nhwc' ? [3, 1, 2] : [1, 2, 3];
  const wanted = input.dims[channelAxis];
  if (typeof wanted === 'number' && wanted > 0 && wanted !== channels) {
    const message = `Samples have ${channels === 1 ? 'one channel' : `${channels} channels`}, but ${expects}.`;
    const fitting = wanted === 1 ? 'gray' : wanted === 3 && color === 'gray' ? 'rgb' : null;
    const isSet = fitting !== null && channelKey.at(-1) === 'color';
    return { key: channelKey, message, ...(isSet ? { mend: { path: channelKey, value: fitting } } : {}) };
  }

  const [tall, wide] = [input.dims[heightAxis], input.dims[widthAxis]];
  const size = typeof tall === 'number' && typeof wide === 'number' ? ([tall, wide] as const) : null;

  return onSize(`Samples are ${shapeText(dims(layout))}, but ${expects}.`, size);
}

/** Whether only one of the two layouts can be meant: the channels of the other do not fit. */
function isOneWay({ dims }: TensorSignature, layout: string): boolean {
  const axis = layout === 'nhwc' ? 3 : 1;
  return dims.length === 4 && typeof dims[axis] === 'number' && dims[axis] <= 4;
}

/** [height, width] after preprocessing; null where that depends on images that are not known. */
export function sizeOf(
  { resize, letterbox, center_crop: crop, orient }: Preprocess,
  image: ImageSize | null,
): Dims {
  if (typeof crop === 'number') return [crop, crop];
  if (Array.isArray(crop)) return crop;
  if (letterbox !== null && letterbox !== undefined)
    return typeof letterbox.size === 'number' ? [letterbox.size, letterbox.size] : letterbox.size;
  if (Array.isArray(resize)) return resize;
  // A tag may turn the image.
  if (image === null || (orient === true && image.width !== image.height)) return [null, null];
  if (typeof resize !== 'number') return [image.height, image.width];
  const { width, height } = image;

  return width <= height
    ? [Math.floor((resize * height) / width), resize]
    : [resize, Math.floor((resize * width) / height)];
}

/** Whether a sample can be given to an input, as far as both are known. */
export function fits(dims: Dims, { dims: wanted, unranked }: TensorSignature): boolean {
  if (unranked === true) return true;
  if (dims.length !== wanted.length) return false;
  return wanted.every((dim, axis) => {
    const length = dims[axis] ?? null;
    return typeof dim !== 'number' || dim <= 0 || length === null || length === dim;
  });
}

export const shapeText = (dims: readonly (number | string | null)[]) =>
  `[${dims.map((dim) => dim ?? '?').join(', ')}]`;
