import { createHash } from 'node:crypto';
import { join, sep } from 'node:path';
import { decode } from 'fast-png';
import { fail, reasonOf } from '@quantsmith/schemas';
import { readInput } from '../input.js';
import { LABEL_KINDS, type LabelArray } from './label.js';
import type { Labels, LabelInput } from './labels.js';

/** A PNG for each image, of the same name, whose values (gray, or places in a palette) are the classes of the pixels. */
export function maskLabels(input: LabelInput, files: readonly string[]): Labels {
  if (input.kind !== null && input.kind !== 'mask' && input.kind !== 'tokens')
    return fail(
      'label-kind',
      `The metric needs ${LABEL_KINDS[input.kind].what} for each sample, and a folder of images holds masks. Images in class folders need no labels.`,
      input.where,
    );
  const masks = new Set(files.map((file) => file.split(sep).join('/')));
  const paths = input.names.map((name) => {
    const path = name.replace(/\.[^./]+$/, '.png');
    const base = path.slice(path.lastIndexOf('/') + 1);
    const mask = masks.has(path) ? path : masks.has(base) ? base : null;
    if (mask === null) return fail('label-missing', `${input.path} has no mask "${path}".`, input.where);
    return join(input.path, mask);
  });

  return {
    at: (index) => readMask(paths[index]!, input),
    async content() {
      const hash = createHash('sha256');
      for (const path of paths) hash.update(await maskBytes(path, input));
      return hash.digest('hex');
    },
    classes: input.classes?.length ?? null,
  };
}

/** More bytes than any mask of as many pixels as may be decoded. */
const MAX_MASK_BYTES = 2 ** 29;

const maskBytes = (path: string, { where: { configPath } }: LabelInput) =>
  readInput({ path, what: 'The mask', code: 'label-invalid', configPath, maxBytes: MAX_MASK_BYTES });

async function readMask(path: string, input: LabelInput): Promise<LabelArray> {
  const { where } = input;
  const bytes = await maskBytes(path, input);
  try {
    const { data, width, height, channels } = decode(bytes);
    if (channels === 1) return { dims: [height, width], data: data as Uint8Array | Uint16Array };
    return fail('label-invalid', `${path} has ${channels} channels; a mask has one, the class.`, {
      ...where,
      file: path,
    });
  } catch (error) {
    if (error instanceof Error && error.name === 'QuantsmithError') throw error;
    const reason = reasonOf(error);
    return fail('label-invalid', `${path} is not a PNG file: ${reason}.`, { ...where, file: path });
  }
}
