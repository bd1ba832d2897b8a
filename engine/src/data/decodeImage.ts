import { fail } from '@quantsmith/schemas';
import sharp, { type Sharp } from 'sharp';
import { halfEven } from './halfEven.js';
import { unchangedPlacement, type ImagePlacement } from './imagePlacement.js';
import type { Pixels, Preprocess } from './preprocess.js';
import type { Room } from './room.js';
import { resample, resampleFromFour } from './resample.js';

// The library keeps what it has decoded by the file's name, and would answer with it after the file has changed.
sharp.cache(false);

/** An image of more pixels than this is refused: a file of a few bytes may claim any size. Decoded, 150 MB. */
const MAX_IMAGE_PIXELS = 50_000_000;

/** Bytes with three channels, or one, and where the original image lies among them. */
export interface PlacedPixels extends Pixels {
  readonly placement: ImagePlacement;
}

/** The bytes of an image file, and its path for messages: the decoder would open whatever the path leads to. */
interface EncodedImage {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/**
 * Decodes an image (16-bit and CMYK ones too, as 8-bit RGB), turns it where `orient` asks for it, scales and crops it. Colour
 * profiles and, otherwise, orientation tags are not applied: the usual training loaders do neither. Throws `image-too-large` where
 * it would come to more than `maxPixels` on the way, and what the decoder throws. Instead of a file, pixels that are decoded already.
 * `inRoom` decides when a whole decoded image may be held.
 */
export async function decodeImage(
  source: EncodedImage | Pixels,
  preprocess: Preprocess,
  maxPixels: number,
  inRoom: Room = (_, work) => work(),
): Promise<PlacedPixels> {
  const options = {
    limitInputPixels: MAX_IMAGE_PIXELS,
    failOn: 'error',
    autoOrient: preprocess.orient === true,
    ignoreIcc: true,
  } as const;

  const file = 'file' in source ? source.file : 'the image';
  const image =
    'file' in source ? sharp(source.bytes, options) : sharp(source.data, { ...options, raw: rawOf(source) });
  const { autoOrient, width, height, space } = await image.metadata();
  const size = preprocess.orient === true ? autoOrient : { width, height };
  const scaling = scalingOf(size, preprocess);
  for (const [key, size] of sizesOnTheWay(scaling, preprocess)) checkPixels(file, key, size, maxPixels);

  const scaled = await inRoom(4 * width * height, async () => {
    const decoded = space === 'cmyk' ? fromInks(await inksOf(image)) : await lightOf(image);
    return scaling === null ? decoded : scaledTo(decoded, scaling, preprocess);
  });
  const colored = preprocess.color === 'gray' ? toGray(scaled) : withChannels(scaled, 3);
  const placed = place(colored, size, scaling, preprocess);

  return preprocess.center_crop === null || preprocess.center_crop === undefined
    ? placed
    : cropPlaced(placed, preprocess.center_crop);
}

/** Red, green and blue, or gray. */
const lightOf = (image: Sharp) => bytesOf(image.removeAlpha().toColourspace('srgb'));

/** Cyan, magenta, yellow and black, as they are in the file. */
const inksOf = (image: Sharp) => bytesOf(image.pipelineColourspace('cmyk').toColourspace('cmyk'));

async function bytesOf(image: Sharp): Promise<Pixels> {
  const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels };
}

/** Red = white − cyan, less black, as Pillow's `convert("RGB")` has it: a colour profile is not asked. */
function fromInks({ data, width, height }: Pixels): Pixels {
  const result = new Uint8Array(3 * width * height);
  for (let read = 0, write = 0; write < result.length; read += 4, write += 3) {
    const light = 255 - data[read + 3]!;
    for (let ink = 0; ink < 3; ink++) {
      result[write + ink] = Math.max(0, light - dividedBy255(data[read + ink]! * light));
    }
  }

  return { data: result, width, height, channels: 3 };
}

/** The nearest whole number to x / 255, in whole numbers. */
function dividedBy255(x: number): number {
  const sum = x + 128;
  return ((sum >> 8) + sum) >> 8;
}

function scaledTo(pixels: Pixels, size: Size, { antialias, interpolation }: Preprocess): Pixels {
  return antialias === false
    ? resampleFromFour(pixels, size)
    : resample(pixels, { width: size.width, height: size.height }, interpolation ?? 'bilinear');
}

/** Luma of ITU-R 601, in the whole numbers that Pillow's `convert("L")` takes. */
function toGray(pixels: Pixels): Pixels {
  if (pixels.channels === 1) return pixels;
  const { data, width, height } = pixels;
  const gray = new Uint8Array(width * height);
  for (let i = 0, read = 0; i < gray.length; i++, read += 3)
    gray[i] = (19595 * data[read]! + 38470 * data[read + 1]! + 7471 * data[read + 2]! + 0x8000) >> 16;

  return { data: gray, width, height, channels: 1 };
}

function rawOf({ width, height, channels, data }: Pixels) {
  if ((channels !== 1 && channels !== 3) || data.length !== width * height * channels) {
    fail(
      'image-undecodable',
      `${data.length} values are not an image of ${height} × ${width} × ${channels}.`,
    );
  }

  return { width, height, channels } as const;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

interface Scaling extends Size {
  readonly scaleX: number;
  readonly scaleY: number;
}

/** The sizes that an image takes by order of the config. */
function sizesOnTheWay(
  scaling: Scaling | null,
  { resize, letterbox, center_crop: crop }: Preprocess,
): [key: string, size: Size][] {
  const framed = [
    ['letterbox', letterbox?.size],
    ['center_crop', crop],
  ] as const;

  return [
    ...(scaling === null ? [] : [[resize === undefined ? 'letterbox' : 'resize', scaling] as [string, Size]]),
    ...framed.flatMap(([key, size]): [string, Size][] => {
      if (size === undefined || size === null) return [];
      const [height, width] = pair(size);
      return [[key, { width, height }]];
    }),
  ];
}

function checkPixels(file: string, key: string, { width, height }: Size, maxPixels: number): void {
  if (width * height <= maxPixels) return;
  fail(
    'image-too-large',
    `${key} makes ${height} × ${width} pixels of ${file}; for this model it may be ${maxPixels} at most.`,
    { file, data: { width, height, maxPixels } },
  );
}

/** What the image is scaled to, by `resize` or `letterbox`; null: nothing. */
function scalingOf(size: Size, { resize, letterbox }: Preprocess): Scaling | null {
  if (letterbox !== null && letterbox !== undefined) {
    const [height, width] = pair(letterbox.size);
    const factor = Math.min(height / size.height, width / size.width);
    const scale = letterbox.upscale === false ? Math.min(1, factor) : factor;
    const side = (length: number) => Math.max(1, Math.round(length * scale));
    return { width: side(size.width), height: side(size.height), scaleX: scale, scaleY: scale };
  }

  if (resize === null || resize === undefined) return null;
  const [height, width] = typeof resize === 'number' ? shortSide(size, resize) : pair(resize);

  return { width, height, scaleX: width / size.width, scaleY: height / size.height };
}

/** [height, width] with this short side; the other side is rounded down. */
function shortSide({ width, height }: Size, side: number): [number, number] {
  return width <= height
    ? [Math.floor((side * height) / width), side]
    : [side, Math.floor((side * width) / height)];
}

/** [height, width]. */
function pair(size: number | readonly number[]): [number, number] {
  return typeof size === 'number' ? [size, size] : [size[0]!, size[1]!];
}

function place(
  pixels: Pixels,
  original: Size,
  scaling: Scaling | null,
  { letterbox }: Preprocess,
): PlacedPixels {
  const placement = {
    ...unchangedPlacement(original.width, original.height),
    scaleX: scaling?.scaleX ?? 1,
    scaleY: scaling?.scaleY ?? 1,
    inputWidth: pixels.width,
    inputHeight: pixels.height,
  };

  if (letterbox === null || letterbox === undefined) return { ...pixels, placement };
  const [height, width] = pair(letterbox.size);
  const corner = letterbox.anchor === 'top_left';
  // Half a pixel too many goes to the right and the bottom.
  const offset = (room: number) => (corner ? 0 : Math.max(0, Math.round(room / 2 - 0.1)));
  const [left, top] = [offset(width - pixels.width), offset(height - pixels.height)];

  return {
    ...framed(pixels, { left, top, width, height }, letterbox.pad ?? 114),
    placement: { ...placement, offsetX: left, offsetY: top, inputWidth: width, inputHeight: height },
  };
}

/** The middle of a placed image. */
function cropPlaced(placed: PlacedPixels, crop: NonNullable<Preprocess['center_crop']>): PlacedPixels {
  const { placement } = placed;
  const [height, width] = pair(crop);
  return {
    ...centerCrop(placed, crop),
    placement: {
      ...placement,
      offsetX: placement.offsetX - halfEven((placed.width - width) / 2),
      offsetY: placement.offsetY - halfEven((placed.height - height) / 2),
      inputWidth: width,
      inputHeight: height,
    },
  };
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
  const [height, width] = pair(crop);
  if (height === pixels.height && width === pixels.width) return pixels;
  const top = -halfEven((pixels.height - height) / 2);
  const left = -halfEven((pixels.width - width) / 2);
  return framed(pixels, { left, top, width, height }, 0);
}

/** The image at (left, top) of a frame, cut where it does not fit; the rest of the frame is filled. */
function framed(
  pixels: Pixels,
  { left, top, width, height }: Size & { readonly left: number; readonly top: number },
  fill: number,
): Pixels {
  const { channels } = pixels;
  const data = new Uint8Array(width * height * channels).fill(fill);
  const from = Math.max(0, left);
  const to = Math.min(width, left + pixels.width);
  for (let row = Math.max(0, top); row < Math.min(height, top + pixels.height) && to > from; row++) {
    const start = ((row - top) * pixels.width + from - left) * channels;
    data.set(pixels.data.subarray(start, start + (to - from) * channels), (row * width + from) * channels);
  }

  return { data, width, height, channels };
}

/** The version of the library that decodes images. */
export function imageLibraryVersion(): string {
  return sharp.versions.sharp ?? 'unknown';
}
