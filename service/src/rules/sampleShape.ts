import {
  below,
  writtenPath,
  type ConfigPath,
  type ModelSummary,
  type QuantizationConfig,
  type TensorSignature,
} from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { setValue, type Written } from '../document/edit.js';
import { findEntry, findNode } from '../document/tree.js';
import type { ArrayHeader, ImageSize, SectionFacts } from '../facts/facts.js';
import type { Finding } from '../findings/finding.js';
import { fix, type FixTable } from '../findings/fix.js';
import { placeOf } from './place.js';
import { defineRule, type RuleInput } from './rule.js';

type Section = QuantizationConfig['data']['calibration'];
type Preprocess = NonNullable<Section['preprocess']>;

/** Keys below a data section. */
type Keys = readonly string[];

/** A sample that does not fit the model, and the key that would mend it. */
interface Misfit {
  readonly message: string;
  /** Below the section: where it is shown, as far as it is written. */
  readonly key: Keys;
  /** What fits, at a path below the section. */
  readonly mend?: { readonly path: Keys; readonly value: Written };
}

/** A length that is not known is null. */
type Dims = readonly (number | null)[];

/** `sample-shape`: samples that a run will not be able to give to the model, by what headers and settings say. */
function shapeFindings({ document, config, model, facts }: RuleInput): Finding[] {
  if (config === null || model === null) return [];
  return (['calibration', 'validation'] as const).flatMap((name) => {
    const section = config.data[name];
    const misfit = section === undefined ? null : misfitOf(section, facts[name], model);
    if (misfit === null) return [];
    const path = below(['data', name], ...misfit.key);
    const source = below(['data', name], section?.images === undefined ? 'arrays' : 'images');
    const { start, end } =
      shownAt(document, path) ?? findNode(document.tree, source) ?? placeOf(document, source);
    const { mend } = misfit;
    const data =
      mend === undefined ? {} : { mend: { path: below(['data', name], ...mend.path), value: mend.value } };

    return [
      {
        code: 'sample-shape' as const,
        severity: 'error' as const,
        message: misfit.message,
        start,
        end,
        path,
        data,
      },
    ];
  });
}

/** The value at a path below a section, or the key above it; null: neither is written here. */
function shownAt(document: ConfigDocument, path: ConfigPath) {
  for (let length = path.length; length > 2; length--) {
    const node = findNode(document.tree, writtenPath(path.slice(0, length)));
    if (node !== null && (length === path.length || node.kind === 'scalar')) return node;
    if (node !== null) break;
  }

  return findEntry(document.tree, writtenPath(path.slice(0, 3)))?.keySpan ?? null;
}

function misfitOf(section: Section, facts: SectionFacts, { inputs }: ModelSummary): Misfit | null {
  const [input, ...others] = inputs;
  if (input === undefined) return null;
  if (section.images !== undefined)
    return others.length > 0 ? null : imageMisfit(section, facts.image, input);
  if (facts.arrayProblem !== null)
    return { key: ['arrays'], message: `"${section.arrays}" cannot be read: ${facts.arrayProblem}.` };
  if (facts.array !== null) return others.length > 0 ? null : arrayMisfit(section, facts.array, input);

  return facts.members === null ? null : archiveMisfit(section, facts.members, inputs);
}

function archiveMisfit(
  section: Section,
  members: NonNullable<SectionFacts['members']>,
  inputs: readonly TensorSignature[],
): Misfit | null {
  const counts = new Set([...members.values()].flatMap((header) => header?.shape[0] ?? []));
  if (counts.size > 1)
    return {
      key: ['arrays'],
      message: `The arrays of "${section.arrays}" have different numbers of samples: ${[...counts].join(', ')}.`,
    };

  for (const input of inputs) {
    const header = members.get(input.name) ?? null;
    const misfit = header === null ? null : arrayMisfit(section, header, input);
    if (misfit !== null) return misfit;
  }

  return null;
}

// Images

function imageMisfit(section: Section, image: ImageSize | null, input: TensorSignature): Misfit | null {
  const preprocess = section.preprocess ?? {};
  if (!/^(float32|uint8)$/.test(input.type))
    return {
      key: ['images'],
      message: `Images are given as float32 or uint8; the input "${input.name}" wants ${input.type}. Save the samples as arrays.`,
    };

  const channels = preprocess.color === 'gray' ? 1 : 3;
  const [height = null, width = null] = sizeOf(preprocess, image);

  return pixelMisfit(
    { height, width, channels },
    preprocess,
    input,
    ['preprocess', 'color'],
    (message, mended) => sizeMisfit(section, image, message, mended),
  );
}

/** [height, width] after preprocessing; null where that depends on images that are not known. */
function sizeOf({ resize, letterbox, center_crop: crop, orient }: Preprocess, image: ImageSize | null): Dims {
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

interface Pixels {
  readonly height: number | null;
  readonly width: number | null;
  readonly channels: number;
}

/** Pixels against an input of four dimensions: the layout, then the colours, then the size. */
function pixelMisfit(
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

  const wants = `the input "${input.name}" wants ${shapeText(input.dims)}`;
  const other = layout === 'nchw' ? 'nhwc' : 'nchw';
  if (fits(dims(other), input) && isOneWay(input, other))
    return {
      key: ['preprocess', 'layout'],
      message: `Samples are laid out as ${shapeText(dims(layout))}, but ${wants}: write layout: ${other}.`,
      mend: { path: ['preprocess', 'layout'], value: other },
    };

  if (input.dims.length !== 4)
    return { key: ['preprocess'], message: `Samples are ${shapeText(dims(layout))}, but ${wants}.` };

  const [channelAxis, heightAxis, widthAxis] = layout === 'nhwc' ? [3, 1, 2] : [1, 2, 3];
  const wanted = input.dims[channelAxis];
  if (typeof wanted === 'number' && wanted > 0 && wanted !== channels) {
    const message = `Samples have ${channels === 1 ? 'one channel' : `${channels} channels`}, but ${wants}.`;
    const fitting = wanted === 1 ? 'gray' : wanted === 3 && color === 'gray' ? 'rgb' : null;
    const isSet = fitting !== null && channelKey.at(-1) === 'color';
    return { key: channelKey, message, ...(isSet ? { mend: { path: channelKey, value: fitting } } : {}) };
  }

  const [tall, wide] = [input.dims[heightAxis], input.dims[widthAxis]];
  const size = typeof tall === 'number' && typeof wide === 'number' ? ([tall, wide] as const) : null;

  return onSize(`Samples are ${shapeText(dims(layout))}, but ${wants}.`, size);
}

/** Whether only one of the two layouts can be meant: the channels of the other do not fit. */
function isOneWay({ dims }: TensorSignature, layout: string): boolean {
  const axis = layout === 'nhwc' ? 3 : 1;
  return dims.length === 4 && typeof dims[axis] === 'number' && dims[axis] <= 4;
}

/** An image of the wrong size: shown where the size is set, mended by what the model wants. */
function sizeMisfit(
  { preprocess = {} }: Section,
  image: ImageSize | null,
  message: string,
  wanted: readonly [number, number] | null,
): Misfit {
  const { center_crop: crop, letterbox, resize } = preprocess;
  const value = wanted === null ? null : wanted[0] === wanted[1] ? wanted[0] : wanted;
  const misfit = (key: Keys, mended: Written | null, path = key, why = ''): Misfit => ({
    key: ['preprocess', ...key],
    message: `${why}${message}`,
    ...(mended === null ? {} : { mend: { path: ['preprocess', ...path], value: mended } }),
  });

  if (crop !== null && crop !== undefined) return misfit(['center_crop'], value);
  if (letterbox !== null && letterbox !== undefined) return misfit(['letterbox', 'size'], value);
  if (Array.isArray(resize)) return misfit(['resize'], wanted);
  if (typeof resize === 'number') {
    const why = `resize: ${resize} scales the short side only. `;
    const isEnough = wanted !== null && wanted[0] === wanted[1] && resize >= wanted[0];
    return isEnough
      ? misfit(['resize'], value, ['center_crop'], why)
      : misfit(['resize'], wanted, ['resize'], why);
  }

  const size = image === null ? '' : `The first image has ${image.width}×${image.height} pixels. `;

  return misfit(['resize'], wanted, ['resize'], size);
}

// Arrays

function arrayMisfit(
  section: Section,
  { shape, type, fractional }: ArrayHeader,
  input: TensorSignature,
): Misfit | null {
  const row = shape.slice(1);
  const { preprocess } = section;
  if (type === 'uint8' && preprocess !== undefined) return byteMisfit(section, row, preprocess, input);

  const wants = `the input "${input.name}" wants ${input.type} ${shapeText(input.dims)}`;
  if (fractional === true && /int|bool/.test(input.type))
    return { key: ['arrays'], message: `The values of "${section.arrays}" are fractional, but ${wants}.` };

  const isWhole = input.unranked === true || row.length === input.dims.length;
  const dims = isWhole ? row : [1, ...row];
  if (fits(dims, input)) return null;
  const message = `"${section.arrays}" holds samples of ${type} ${shapeText(row)}, but ${wants}.`;
  const layout = type === 'uint8' && input.dims.length === 4 ? layoutThatFits(row, input) : null;

  return layout === null
    ? { key: ['arrays'], message }
    : {
        key: ['arrays'],
        message: `${message} Bytes are laid out by preprocess.`,
        mend: { path: ['preprocess'], value: { layout } },
      };
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
  const message = `${shown}, ${values} values, but the input "${input.name}" wants ${shapeText(input.dims)}.`;
  return { key: ['arrays'], message };
}

/** Whether a sample can be given to an input, as far as both are known. */
function fits(dims: Dims, { dims: wanted, unranked }: TensorSignature): boolean {
  if (unranked === true) return true;
  if (dims.length !== wanted.length) return false;
  return wanted.every((dim, axis) => {
    const length = dims[axis] ?? null;
    return typeof dim !== 'number' || dim <= 0 || length === null || length === dim;
  });
}

const shapeText = (dims: readonly (number | string | null)[]) =>
  `[${dims.map((dim) => dim ?? '?').join(', ')}]`;

const sampleFixes: FixTable = {
  'sample-shape': (document, { data }) => {
    const mend = data['mend'] as { path: ConfigPath; value: Written } | undefined;
    if (mend === undefined) return [];
    const title = `Set ${mend.path.slice(2).join('.')} to ${JSON.stringify(mend.value)}`;
    return fix(title, setValue(document, mend.path, mend.value), true);
  },
};

export const rule = defineRule({
  codes: ['sample-shape'],
  needs: 'config',
  check: shapeFindings,
  fixes: sampleFixes,
  suppressible: true,
  sections: {
    'sample-shape':
      'Severity: error.\n\nA run will not be able to give the samples to the model: their size, channels, layout or element type does not fit its input. It is told from the settings, the header of the first image and the headers of arrays; what these do not tell is left to the run.',
  },
  examples: [
    {
      code: 'sample-shape',
      before:
        'model: model.onnx\ndata: {calibration: {images: ./train, preprocess: {resize: 256, center_crop: 192}}}\n',
      after:
        'model: model.onnx\ndata: {calibration: {images: ./train, preprocess: {resize: 256, center_crop: 224}}}\n',
    },
  ],
});
