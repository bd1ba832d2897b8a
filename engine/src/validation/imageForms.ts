import type { HostTensor } from '@quantsmith/model/arrays';
import type { Feeds } from '../runtime/batch.js';

/** The one image of a sample in another form than the config gives it; null: there is no such form of it. */
export interface OtherForm {
  readonly change: (image: HostTensor) => HostTensor | null;
  /** Completes "The float model answers better with …". */
  readonly form: string;
  readonly cause: string;
}

export const OTHER_FORMS: readonly OtherForm[] = [
  {
    change: withSwappedChannels,
    form: 'the color channels in reverse order',
    cause: 'preprocess.color does not match the model.',
  },
  {
    change: withLightAndDarkExchanged,
    form: 'inverted brightness',
    cause: 'The images, or preprocess, are the negative of what the model was trained on.',
  },
  {
    change: withRowsAndColumnsExchanged,
    form: 'the rows and columns of the images swapped',
    cause: 'The images are transposed: height and width were swapped when they were written.',
  },
];

/** Tried only where the float model answers badly, since each costs inferences. */
export const FORMS_OF_BAD_ANSWERS: readonly OtherForm[] = [
  {
    change: withRowsUpsideDown,
    form: 'the images upside down',
    cause: 'The rows of the images come last one first, as some file formats store them.',
  },
  {
    change: turnedByHalf,
    form: 'the images turned by 180 degrees',
    cause: 'The images do not stand upright.',
  },
  {
    change: timesFactor(1 / 255),
    form: 'all values divided by 255',
    cause:
      'preprocess.scale is missing or too small, or comes on top of values that the model scales itself.',
  },
  {
    change: timesFactor(255),
    form: 'all values multiplied by 255',
    cause: 'preprocess.scale divides values that the model expects as they are.',
  },
  {
    change: standardized,
    form: 'a mean of 0 and a deviation of 1 in each channel',
    cause: 'preprocess.mean, std or scale do not match the model.',
  },
];

/** The feeds with their one image changed; null: there is none, or several. */
export function changed(feeds: Feeds, change: OtherForm['change']): Feeds | null {
  const images = Object.entries(feeds).filter(
    ([, { dims, type }]) => type === 'float32' && (dims.length === 4 || dims.length === 3),
  );
  const [only] = images;
  if (only === undefined || images.length > 1) return null;
  const [name, image] = only;
  const other = change(image);

  return other === null ? null : { ...feeds, [name]: other };
}

/** How the values of an image lie: how many for each of its channels, and whether these come first. */
interface ImageLayout {
  readonly channels: number;
  readonly pixels: readonly [number, number];
  readonly channelsFirst: boolean;
}

function layoutOf(dims: readonly number[]): ImageLayout | null {
  const [batch = 1, a = 1, b = 1, c = 1] = dims.length === 3 ? [dims[0], 1, dims[1], dims[2]] : dims;
  if (batch !== 1) return null;
  if (a === 1 || a === 3) return { channels: a, pixels: [b, c], channelsFirst: true };
  return c === 1 || c === 3 ? { channels: c, pixels: [a, b], channelsFirst: false } : null;
}

/** The image with each value taken from another place: of channel, row and column. */
function rearranged(
  { data, dims, type }: HostTensor,
  { channels, pixels: [height, width], channelsFirst }: ImageLayout,
  from: (channel: number, row: number, column: number) => readonly [number, number, number],
): HostTensor {
  const values = data as Float32Array;
  const place = (channel: number, row: number, column: number) =>
    channelsFirst ? (channel * height + row) * width + column : (row * width + column) * channels + channel;
  const result = new Float32Array(values.length);
  for (let channel = 0; channel < channels; channel++)
    for (let row = 0; row < height; row++)
      for (let column = 0; column < width; column++)
        result[place(channel, row, column)] = values[place(...from(channel, row, column))]!;

  return { type, dims, data: result };
}

function withSwappedChannels(image: HostTensor): HostTensor | null {
  const layout = layoutOf(image.dims);
  if (layout?.channels !== 3) return null;
  return rearranged(image, layout, (channel, row, column) => [2 - channel, row, column]);
}

function withRowsAndColumnsExchanged(image: HostTensor): HostTensor | null {
  const layout = layoutOf(image.dims);
  if (layout === null || layout.pixels[0] !== layout.pixels[1] || layout.pixels[0] < 2) return null;
  return rearranged(image, layout, (channel, row, column) => [channel, column, row]);
}

function withRowsUpsideDown(image: HostTensor): HostTensor | null {
  const layout = layoutOf(image.dims);
  if (layout === null || layout.pixels[0] < 2) return null;
  const last = layout.pixels[0] - 1;
  return rearranged(image, layout, (channel, row, column) => [channel, last - row, column]);
}

function turnedByHalf(image: HostTensor): HostTensor | null {
  const layout = layoutOf(image.dims);
  if (layout === null || layout.pixels[0] < 2) return null;
  const [lastRow, lastColumn] = layout.pixels.map((size) => size - 1) as [number, number];
  return rearranged(image, layout, (channel, row, column) => [channel, lastRow - row, lastColumn - column]);
}

function timesFactor(factor: number): OtherForm['change'] {
  return (image) =>
    layoutOf(image.dims) === null
      ? null
      : { ...image, data: (image.data as Float32Array).map((value) => value * factor) };
}

/** The channel of each value. */
function channelsOf({ channels, pixels, channelsFirst }: ImageLayout): (index: number) => number {
  const area = pixels[0] * pixels[1];
  return (index) => (channelsFirst ? Math.floor(index / area) : index % channels);
}

function standardized(image: HostTensor): HostTensor | null {
  const layout = layoutOf(image.dims);
  if (layout === null) return null;
  const values = image.data as Float32Array;
  const channelOf = channelsOf(layout);
  const area = layout.pixels[0] * layout.pixels[1];
  const sums = Array.from({ length: layout.channels }, () => ({ sum: 0, squares: 0 }));
  values.forEach((value, i) => {
    const channel = sums[channelOf(i)]!;
    channel.sum += value;
    channel.squares += value * value;
  });
  const facts = sums.map(({ sum, squares }) => {
    const mean = sum / area;
    return { mean, deviation: Math.sqrt(Math.max(0, squares / area - mean * mean)) };
  });
  // A channel of one value has no deviation.
  const standard = (value: number, { mean, deviation }: (typeof facts)[number]) =>
    deviation === 0 ? 0 : (value - mean) / deviation;

  return { ...image, data: values.map((value, i) => standard(value, facts[channelOf(i)]!)) };
}

/** Of each channel the lightest becomes the darkest. */
function withLightAndDarkExchanged(image: HostTensor): HostTensor | null {
  const layout = layoutOf(image.dims);
  if (layout === null) return null;
  const values = image.data as Float32Array;
  const channelOf = channelsOf(layout);
  const sums = Array.from({ length: layout.channels }, () => [Infinity, -Infinity] as [number, number]);
  values.forEach((value, i) => {
    const range = sums[channelOf(i)]!;
    range[0] = Math.min(range[0], value);
    range[1] = Math.max(range[1], value);
  });

  return {
    ...image,
    data: values.map((value, i) => {
      const [low, high] = sums[channelOf(i)]!;
      return low + high - value;
    }),
  };
}
