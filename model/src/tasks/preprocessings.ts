import type { Preprocess } from '@quantsmith/schemas';
import type { Decoder } from './decoders.js';
import type { TaskType } from './guessTask.js';
import type { ImageInput } from './imageInput.js';

/** How an image gets the model's size, or the values of its pixels: parts of a preprocessing. */
type Part = Readonly<Preprocess>;

/** What is known of an image model before anything was tried. */
export interface ImageModel {
  readonly input: ImageInput;
  /** Whether samples are arrays that have the model's size already. */
  readonly isSized: boolean;
  /** The largest value of arrays that use only a part of a byte's range, as drawings in 16 steps do; null: they are bytes. */
  readonly peak: number | null;
  /** A uint8 input takes bytes as they are. */
  readonly takesBytes: boolean;
  readonly type: TaskType | null;
  readonly decode: Decoder | null;
}

/** Sizes for models that take any. */
const FREE_SIZE = 224;
const FREE_DETECTOR = 640;
const FREE_LINE = 320;
/** Smaller inputs are never cut from larger images. */
const SMALL = 96;

const IMAGENET: Part = { normalize: 'imagenet' };
const UNIT: Part = { normalize: 'yolo' };
const SIGNED: Part = { normalize: 'inception' };
const BYTES: Part = {};
/** Of CIFAR-10 and MNIST, as their training scripts usually write them. */
const CIFAR: Part = { scale: 255, mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] };
const MNIST: Part = { scale: 255, mean: [0.1307], std: [0.3081] };

/** The usual ways to the model's size, the usual one first. */
export function geometries({ input, isSized, type, decode }: ImageModel): readonly Part[] {
  if (isSized) return [{}];
  const free = type === 'detection' || type === 'segmentation' ? FREE_DETECTOR : FREE_SIZE;
  const height = input.height ?? (type === 'ctc' ? 48 : free);
  const width = input.width ?? (type === 'ctc' ? FREE_LINE : free);
  const size: [number, number] = [height, width];
  const exact: Part = { resize: size };
  const box = height === width ? height : size;
  if (type === 'ctc') return [{ letterbox: { size, anchor: 'top_left', pad: 128 } }, exact];
  if (type === 'detection') {
    const corner: Part = { letterbox: { size: box, anchor: 'top_left' } };
    const middle: Part = { letterbox: { size: box } };
    const plain: Part = { ...corner, antialias: false };
    if (decode === 'yolox') return [corner, plain, middle, exact];
    return decode === 'yolov5' || decode === 'yolov8' || decode === 'nms_free'
      ? [middle, corner, exact]
      : [exact, middle, corner];
  }

  if (type === 'segmentation' || height !== width || height < SMALL) return [exact];
  const larger = Math.round((height * 256) / 224);

  return [
    { resize: larger, center_crop: height },
    exact,
    { resize: height, center_crop: height },
    { resize: larger, center_crop: height, interpolation: 'bicubic' },
  ];
}

/** The usual ranges of values and orders of colours, the usual ones first. */
export function values({ input, peak, takesBytes, type, decode }: ImageModel): readonly Part[] {
  const ofPeak = peak === null ? [] : [{ scale: peak }];
  if (input.channels === 1) {
    const ranges = takesBytes ? [BYTES] : [...ofPeak, UNIT, BYTES, SIGNED, MNIST];
    return ranges.map((range) => ({ color: 'gray' as const, ...range }));
  }

  const colors = decode === 'yolox' ? (['bgr', 'rgb'] as const) : (['rgb', 'bgr'] as const);
  const small = input.height !== null && input.height <= 64;
  const first =
    decode === 'yolox'
      ? BYTES
      : type === 'ctc'
        ? SIGNED
        : type === 'detection' && decode !== 'detr'
          ? UNIT
          : IMAGENET;
  const all = [...ofPeak, first, UNIT, ...(small ? [CIFAR] : []), IMAGENET, SIGNED, BYTES];
  const ranges = takesBytes ? [BYTES] : all.filter((range, index) => all.indexOf(range) === index);

  // A mean that is no name is in the order of red, green, blue.
  return colors.flatMap((color) =>
    ranges.filter((range) => range !== CIFAR || color === 'rgb').map((range) => ({ color, ...range })),
  );
}

/** A whole preprocessing of its parts. */
export function joined({ input }: ImageModel, geometry: Part, value: Part): Preprocess {
  return { ...geometry, ...value, layout: input.layout };
}

/** "256 → 224, imagenet, rgb". */
export function preprocessText({ resize, letterbox, center_crop: crop, ...rest }: Preprocess): string {
  const side = (size: number | readonly number[]) => (typeof size === 'number' ? `${size}` : size.join('×'));
  const whole = (size: number | readonly number[]) =>
    typeof size === 'number' ? `${size}×${size}` : side(size);
  const isSet = <T>(value: T | null | undefined): value is T => value !== null && value !== undefined;
  const geometry = isSet(letterbox)
    ? `letterbox ${whole(letterbox.size)} ${letterbox.anchor === 'top_left' ? 'top left' : 'centred'}`
    : isSet(resize)
      ? `${side(resize)}${isSet(crop) ? ` → ${side(crop)}` : ''}`
      : null;

  const mean = Array.isArray(rest.mean) ? `mean ${rest.mean.join(' ')}` : null;
  const range = rest.normalize ?? mean ?? (isSet(rest.scale) ? `÷ ${rest.scale}` : '0…255');
  const plain = rest.antialias === false ? ['no antialias'] : [];
  const interpolation = [...(rest.interpolation === undefined ? [] : [rest.interpolation]), ...plain];

  return [...(geometry === null ? [] : [geometry]), ...interpolation, range, rest.color ?? 'rgb'].join(', ');
}
