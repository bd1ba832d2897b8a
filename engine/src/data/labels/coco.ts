import { fail, reasonOf } from '@quantsmith/schemas';
import type { ImagePlacement } from '../imagePlacement.js';
import { placeByName } from './csv.js';
import type { TruthBox } from './label.js';
import type { Labels, LabelInput } from './labels.js';

interface CocoFile {
  readonly images: readonly {
    id: number | string;
    file_name: string;
    width?: number | null;
    height?: number | null;
  }[];
  readonly annotations: readonly {
    image_id: number | string;
    category_id: number;
    bbox: readonly [number, number, number, number];
    area?: number | null;
    iscrowd?: number;
  }[];
  readonly categories: readonly { id: number; name: string }[];
}

interface ImageBoxes {
  /** Of the image that was annotated, where the file tells. */
  readonly size: { readonly width: number; readonly height: number } | null;
  readonly boxes: readonly TruthBox[];
}

/**
 * COCO's instances: boxes by image, classes by category. Categories become classes in the order of their numbers, or by
 * name where there is a list of classes. Boxes follow the image where it was scaled since.
 */
export function cocoLabels(input: LabelInput, text: string): Labels {
  const coco = parse(input, text);
  const classOf = categoryClasses(coco, input);
  const place = placeByName(input);
  refuseTwice(coco, input);
  const indexOf = new Map(coco.images.map(({ id, file_name: file }) => [id, place(file)]));
  const sizes = new Map(coco.images.map(({ id, width, height }) => [indexOf.get(id), { width, height }]));
  const boxes = input.names.map((): TruthBox[] => []);
  for (const { image_id: image, category_id: category, bbox, area, iscrowd } of coco.annotations) {
    const index = indexOf.get(image);
    const label = classOf.get(category);
    if (index === undefined || label === undefined) continue;
    boxes[index]!.push({
      box: bbox,
      class: label,
      crowd: iscrowd === 1,
      area: area ?? bbox[2] * bbox[3],
    });
  }

  if (![...indexOf.values()].some((index) => index !== undefined))
    fail('labels-count', `${input.path} names none of the images.`, input.where);
  const images = boxes.map((ownBoxes, index): ImageBoxes => {
    const { width, height } = sizes.get(index) ?? {};
    return { size: sizeOf(width, height), boxes: ownBoxes };
  });

  return {
    at: (index, image) => scaled(images[index]!, image),
    content: () => Promise.resolve(JSON.stringify(images)),
    classes: new Set(classOf.values()).size,
  };
}

/** An id that means two images says nothing of either. */
function refuseTwice({ images }: CocoFile, { path, where }: LabelInput): void {
  const files = new Map<number | string, string>();
  for (const { id, file_name: file } of images) {
    const known = files.get(id) ?? file;
    if (known !== file)
      fail('labels-conflict', `${path}: the id ${id} is of "${known}" and of "${file}".`, where);
    files.set(id, file);
  }
}

function sizeOf(width?: number | null, height?: number | null): ImageBoxes['size'] {
  return typeof width === 'number' && typeof height === 'number' && width > 0 && height > 0
    ? { width, height }
    : null;
}

function parse({ path, where }: LabelInput, text: string): CocoFile {
  let value: Partial<CocoFile> | null;
  try {
    value = JSON.parse(text) as Partial<CocoFile> | null;
  } catch (error) {
    const reason = reasonOf(error);
    return fail('label-invalid', `${path} is not valid JSON: ${reason}.`, where);
  }

  const lists = [value?.images, value?.annotations, value?.categories];
  if (!lists.every(Array.isArray))
    return fail(
      'label-invalid',
      `${path} is not a COCO file: it needs images, annotations and categories.`,
      where,
    );
  const broken = Object.entries(ENTRIES).flatMap(([list, { is: isValid, wanted }]) => {
    const place = (value as Record<string, unknown[]>)[list]!.findIndex((entry) => !isValid(entry));
    return place < 0 ? [] : [`${path}: ${list}[${place}] needs ${wanted}.`];
  });

  if (broken[0] !== undefined) return fail('label-invalid', broken[0], where);

  return value as CocoFile;
}

const isObject = (entry: unknown): entry is Readonly<Record<string, unknown>> =>
  typeof entry === 'object' && entry !== null;
const isId = (value: unknown) => typeof value === 'string' || Number.isFinite(value);
const isSize = (value: unknown) => value === undefined || value === null || Number.isFinite(value);
const isBox = (value: unknown) =>
  Array.isArray(value) && value.length === 4 && value.every((side) => Number.isFinite(side));

/** What is read of the entries of each list. */
const ENTRIES = {
  images: {
    is: (entry: unknown) =>
      isObject(entry) &&
      isId(entry['id']) &&
      typeof entry['file_name'] === 'string' &&
      isSize(entry['width']) &&
      isSize(entry['height']),
    wanted: 'an id, a file_name, and numbers as width and height where it has them',
  },
  annotations: {
    is: (entry: unknown) =>
      isObject(entry) &&
      isId(entry['image_id']) &&
      Number.isInteger(entry['category_id']) &&
      isBox(entry['bbox']) &&
      isSize(entry['area']),
    wanted: 'an image_id, a category_id, a bbox of four numbers, and a number as area where it has one',
  },
  categories: {
    is: (entry: unknown) => isObject(entry) && Number.isInteger(entry['id']),
    wanted: 'an id',
  },
} as const;

function categoryClasses(
  { categories }: CocoFile,
  { classes, path, where }: LabelInput,
): Map<number, number> {
  if (classes === null) {
    const ids = categories.map(({ id }) => id).sort((a, b) => a - b);
    return new Map(ids.map((id, index) => [id, index]));
  }

  return new Map(
    categories.map(({ id, name }) => {
      const index = classes.indexOf(name);
      if (index < 0)
        fail('label-invalid', `${path}: the category "${name}" is not in the list of classes.`, where);
      return [id, index];
    }),
  );
}

function scaled({ size, boxes }: ImageBoxes, image: ImagePlacement | null): readonly TruthBox[] {
  if (size === null || image === null || (size.width === image.width && size.height === image.height))
    return boxes;
  const [x, y] = [image.width / size.width, image.height / size.height];
  return boxes.map(({ box: [left, top, width, height], area, ...rest }) => ({
    ...rest,
    box: [left * x, top * y, width * x, height * y] as const,
    area: area * x * y,
  }));
}
