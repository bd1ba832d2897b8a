import type { QuantizationConfig } from '@quantsmith/schemas';
import type { HostTensor } from '@quantsmith/model/arrays';

export type Preprocess = NonNullable<QuantizationConfig['data']['calibration']['preprocess']>;

/** An image as bytes, rows of pixels, channels innermost: red, green, blue, or gray alone. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/**
 * Bytes to the model's input, batch 1: (value / scale − mean) / std for each channel, in the layout asked for. A uint8
 * model input gets the bytes as they are. One table of 256 entries for each channel makes it a lookup.
 */
export function toInput(pixels: Pixels, preprocess: Preprocess, type: string): HostTensor {
  const { data, width, height, channels } = pixels;
  const nhwc = preprocess.layout === 'nhwc';
  const dims = nhwc ? [1, height, width, channels] : [1, channels, height, width];
  const plane = width * height;
  const order = channelOrder(channels, preprocess.color ?? 'rgb');
  const bytes = type === 'uint8';
  const result = bytes ? new Uint8Array(plane * channels) : new Float32Array(plane * channels);
  order.forEach((source, target) => {
    const table = bytes ? null : normalization(preprocess, target);
    const step = nhwc ? channels : 1;
    let write = nhwc ? target : target * plane;
    for (let read = source; read < data.length; read += channels, write += step) {
      result[write] = table === null ? data[read]! : table[data[read]!]!;
    }
  });

  return { type: bytes ? 'uint8' : 'float32', dims, data: result };
}

function channelOrder(channels: number, color: string): number[] {
  const order = Array.from({ length: channels }, (_, index) => index);
  return color === 'bgr' && channels === 3 ? order.reverse() : order;
}

/** The normalized value of each byte, in float32 steps as the usual libraries take them. */
function normalization(preprocess: Preprocess, channel: number): Float32Array {
  const named = namedNormalization(preprocess);
  // Names are in the order red, green, blue.
  const place = preprocess.color === 'bgr' ? 2 - channel : channel;
  const scale = preprocess.scale ?? named.scale;
  const mean = perChannel(preprocess.mean, channel, perChannel(named.mean, place, 0));
  const std = perChannel(preprocess.std, channel, perChannel(named.std, place, 1));

  return Float32Array.from({ length: 256 }, (_, byte) =>
    Math.fround(Math.fround(Math.fround(byte / scale) - mean) / std),
  );
}

interface Normalization {
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

const AS_IS: Normalization = { scale: 1, mean: [0], std: [1] };

/** Normalizations by name. Sources: torchvision, CLIP and the Inception models of TensorFlow Slim. */
const NORMALIZATIONS: Readonly<Record<string, Normalization>> = {
  imagenet: { scale: 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  clip: {
    scale: 255,
    mean: [0.48145466, 0.4578275, 0.40821073],
    std: [0.26862954, 0.26130258, 0.27577711],
  },
  inception: { scale: 127.5, mean: [1], std: [1] },
  yolo: { scale: 255, mean: [0], std: [1] },
  none: AS_IS,
};

const namedNormalization = ({ normalize }: Preprocess): Normalization =>
  NORMALIZATIONS[normalize ?? 'none'] ?? AS_IS;

function perChannel(
  value: number | readonly number[] | null | undefined,
  channel: number,
  fallback: number,
): number {
  if (value === null || value === undefined) return fallback;
  if (typeof value === 'number') return value;
  return value[channel] ?? value[0] ?? fallback;
}
