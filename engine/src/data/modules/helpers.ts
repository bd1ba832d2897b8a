import { resolve } from 'node:path';
import { readBytes } from '@quantsmith/model/files';
import { toInput } from '../preprocess.js';
import type { Helpers } from './contract.js';

/** An image that a module decodes may have so many pixels after scaling: as float32 in three channels, 192 MiB. */
const MAX_PIXELS = 2 ** 24;

/**
 * What is handed to a module. Libraries are loaded when they are first used. `onPath` is told every path that the module asks for.
 */
export function helpersFor(baseDir: string, onPath: (path: string) => void = () => undefined): Helpers {
  const absolute = (path: string) => {
    const asked = resolve(baseDir, path);
    onPath(asked);
    return asked;
  };

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
