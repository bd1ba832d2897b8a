import { resolve } from 'node:path';
import { readBytes } from '@quantsmith/model/files';
import { toInput } from '../preprocess.js';
import type { Helpers } from './contract.js';

/** An image that a module decodes may have so many pixels after scaling: as float32 in three channels, 192 MiB. */
const MAX_PIXELS = 2 ** 24;

/** What is handed to a module. Libraries are loaded when they are first used. */
export function helpersFor(baseDir: string): Helpers {
  const absolute = (path: string) => resolve(baseDir, path);
  const images = () => import('../decodeImage.js');

  return {
    resolve: absolute,
    async decodeImage(path, settings = {}) {
      const file = absolute(path);
      return (await images()).decodeImage({ file, bytes: await readBytes(file) }, settings, MAX_PIXELS);
    },
    letterbox: async (image, letterbox) =>
      (await images()).decodeImage(
        image,
        { letterbox, color: image.channels === 1 ? 'gray' : 'rgb' },
        MAX_PIXELS,
      ),
    preprocess: (image, settings = {}, type = 'float32') => toInput(image, settings, type),
    tokenizer: async (path) => (await import('../tokenizer.js')).openTokenizer(absolute(path)),
  };
}
