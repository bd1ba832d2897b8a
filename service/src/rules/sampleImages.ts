import type { TensorSignature } from '@quantsmith/schemas';
import type { Written } from '../document/edit.js';
import type { ImageSize } from '../facts/facts.js';
import { pixelMisfit, sizeOf, type Keys, type Misfit, type Section } from './samplePixels.js';

/** What does not fit of images. */
export function imageMisfit(
  section: Section,
  image: ImageSize | null,
  input: TensorSignature,
): Misfit | null {
  const preprocess = section.preprocess ?? {};
  if (!/^(float32|uint8)$/.test(input.type))
    return {
      key: ['images'],
      message: `Images are given as float32 or uint8; the input "${input.name}" expects ${input.type}. Save the samples as arrays.`,
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
