import { join, sep } from 'node:path';
import { fail } from '@quantsmith/schemas';
import { readInputText } from '../input.js';
import { unchangedPlacement, type ImagePlacement } from '../imagePlacement.js';
import type { TruthBox } from './label.js';
import type { Labels, LabelInput } from './labels.js';

/** A shape in shares of the image's width and height. */
interface RelativeBox {
  readonly class: number;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * A text file for each image, of the same name: `class x y width height` (centre and size) or `class x1 y1 x2 y2 …` (an
 * outline), in shares of the image. An image without a file shows no object.
 */
export async function yoloLabels(input: LabelInput, files: readonly string[]): Promise<Labels> {
  const boxes = await Promise.all(
    textsOf(input, files).map(async (file) =>
      file === null ? [] : readBoxes(join(input.path, file), input),
    ),
  );

  return {
    at: (index, image) => boxes[index]!.map((box) => inPixels(box, image ?? unchangedPlacement(1, 1))),
    content: () => Promise.resolve(JSON.stringify(boxes)),
    classes: input.classes?.length ?? null,
  };
}

/** The text file of each sample among the files of a folder; null: it has none. Throws `labels-count` where none has one. */
export function textsOf(input: LabelInput, files: readonly string[]): (string | null)[] {
  const texts = new Set(files.map((file) => file.split(sep).join('/')));
  const fileOf = (name: string) => {
    const path = name.replace(/\.[^./]+$/, '.txt');
    const base = path.slice(path.lastIndexOf('/') + 1);
    return texts.has(path) ? path : texts.has(base) ? base : null;
  };

  const named = input.names.map(fileOf);
  if (named.every((file) => file === null)) {
    return fail(
      'labels-count',
      `No text file in ${input.path} has the name of an image: "${input.names[0]}" would need "${input.names[0]?.replace(/\.[^./]+$/, '.txt')}".`,
      input.where,
    );
  }

  return named;
}

async function readBoxes(path: string, { where, classes }: LabelInput): Promise<RelativeBox[]> {
  const { configPath } = where;
  // An image that shows nothing has an empty file.
  const file = { path, what: 'The label file', code: 'label-invalid', configPath, mayBeEmpty: true };
  return boxesIn(await readInputText(file), path, { where, classes });
}

/** Shares of an image end at 1, but for what rounding and boxes over its edge add. */
const MAX_SHARE = 2;

/** The boxes of one text. `path` is for messages. Throws `label-invalid` and `label-out-of-range` with the line. */
export function boxesIn(
  text: string,
  path: string,
  { where, classes }: Pick<LabelInput, 'where' | 'classes'>,
): RelativeBox[] {
  const lines = text.split(/\r?\n/);
  return lines.flatMap((line, number) => {
    if (line.trim() === '') return [];
    const [label, ...values] = line.trim().split(/\s+/).map(Number);
    const outline = values.length >= 6 && values.length % 2 === 0;
    const valid = [label, ...values].every(Number.isFinite) && Number.isInteger(label) && label! >= 0;
    if (!valid || (values.length !== 4 && !outline)) {
      return fail(
        'label-invalid',
        `${path}, line ${number + 1}: "${line}" is neither "class x y width height" nor an outline.`,
        { ...where, file: path },
      );
    }

    if (values.some((value) => Math.abs(value) > MAX_SHARE))
      return fail(
        'label-invalid',
        `${path}, line ${number + 1}: "${line}" is in pixels; YOLO files have fractions of the image's width and height, from 0 to 1.`,
        { ...where, file: path },
      );

    if (classes !== null && label! >= classes.length) {
      const message = `${path}, line ${number + 1}: class ${label} is beyond the list of ${classes.length} classes.`;
      return fail('label-out-of-range', message, { ...where, file: path });
    }

    return [outline ? boundsOf(label!, values) : centred(label!, values)];
  });
}

function centred(label: number, [x = 0, y = 0, width = 0, height = 0]: readonly number[]): RelativeBox {
  return { class: label, left: x - width / 2, top: y - height / 2, width, height };
}

function boundsOf(label: number, outline: readonly number[]): RelativeBox {
  const x = outline.filter((_, i) => i % 2 === 0);
  const y = outline.filter((_, i) => i % 2 === 1);
  const least = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b));
  const largest = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b));
  const [left, top] = [least(x), least(y)];
  return { class: label, left, top, width: largest(x) - left, height: largest(y) - top };
}

function inPixels(box: RelativeBox, { width, height }: ImagePlacement): TruthBox {
  const [w, h] = [box.width * width, box.height * height];
  return {
    box: [box.left * width, box.top * height, w, h],
    class: box.class,
    crowd: false,
    area: w * h,
  };
}
