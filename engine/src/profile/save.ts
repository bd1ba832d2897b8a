import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { encode } from 'fast-png';
import { folderState, placeKind, systemReason } from '@quantsmith/model/files';
import { fail } from '@quantsmith/schemas';
import { asFloat32, type HostTensor } from '@quantsmith/model/arrays';

/** Where the tensors of layers are kept until they are written. */
export interface TensorFolder {
  readonly keep: (layer: string, float: HostTensor, quantized: HostTensor) => void;
  /** Writes what was kept; the paths. */
  readonly written: () => Promise<string[]>;
}

/**
 * A folder for tensors: for each layer `NNN-name.float.npy` and `NNN-name.int8.npy`, of images `NNN-name.png` too (float,
 * int8, and their difference, each the mean over the channels). Throws `output-unusable` where there can be no new folder, before
 * anything is computed; `written` throws `write-failed`, and then leaves none.
 */
export async function openTensorFolder(dir: string): Promise<TensorFolder> {
  const kind = await placeKind(dir);
  const unusable = (why: string) => fail('output-unusable', `The folder ${dir} ${why}.`, { file: dir });
  if (kind !== 'absent' && kind !== 'folder') unusable('cannot be created: something else has its name');
  const present = kind === 'absent' ? [] : await readdir(dir).catch(() => unusable('cannot be read'));
  if (present.length > 0) unusable('is not empty: tensors are written into a folder of their own');
  const parent = await folderState(dirname(resolve(dir)));
  if (parent !== 'writable') unusable('cannot be created: its parent does not exist or is not writable');
  const files = new Map<string, Uint8Array>();
  let count = 0;

  return {
    keep(layer, float, quantized) {
      const name = `${String(count++).padStart(3, '0')}-${layer.replaceAll(/[^\w.-]+/g, '_').slice(0, 80)}`;
      files.set(`${name}.float.npy`, npyOf(float));
      files.set(`${name}.int8.npy`, npyOf(quantized));
      const image = comparedImage(float, quantized);
      if (image !== null) files.set(`${name}.png`, image);
    },
    async written() {
      const draft = `${resolve(dir)}~${process.pid}`;
      try {
        await mkdir(draft);
        for (const [name, bytes] of files) await writeFile(join(draft, name), bytes, { flag: 'wx' });
        await rename(draft, dir);
      } catch (error) {
        await rm(draft, { recursive: true, force: true });
        fail('write-failed', `${dir} cannot be written: ${systemReason(error)}.`, { file: dir });
      }

      return [...files.keys()].map((name) => join(dir, name));
    },
  };
}

/** Float32 in numpy's format, version 1. */
function npyOf(tensor: HostTensor): Uint8Array {
  const { data, dims } = asFloat32(tensor);
  const values = data as Float32Array;
  const shape = dims.length === 1 ? `${dims[0]!},` : dims.join(', ');
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape}), }`;
  const padded = `${header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11)}\n`;
  const head = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, padded.length & 255, padded.length >> 8]);

  return Buffer.concat([
    head,
    Buffer.from(padded),
    Buffer.from(values.buffer, values.byteOffset, values.byteLength),
  ]);
}

/** Feature maps side by side as grey images; null where the tensors are none. */
function comparedImage(float: HostTensor, quantized: HostTensor): Uint8Array | null {
  const [samples, , height = 0, width = 0] = float.dims;
  if (float.dims.length !== 4 || samples !== 1 || Math.min(height, width) < 4) return null;
  const [x, y] = [meanOverChannels(float), meanOverChannels(quantized)];
  const difference = x.map((value, i) => Math.abs(value - y[i]!));
  const all = [...extent(x, y)] as const;
  const panels = [grey(x, all), grey(y, all), grey(difference, [0, extent(difference, difference)[1]])];
  const data = new Uint8Array(3 * height * width);
  for (let row = 0; row < height; row++)
    panels.forEach((panel, index) =>
      data.set(panel.subarray(row * width, (row + 1) * width), (3 * row + index) * width),
    );

  return encode({ width: 3 * width, height, data, channels: 1, depth: 8 });
}

function meanOverChannels(tensor: HostTensor): Float32Array {
  const [, channels = 1, height = 0, width = 0] = tensor.dims;
  const data = asFloat32(tensor).data as Float32Array;
  const area = height * width;
  const mean = new Float32Array(area);
  for (let i = 0; i < data.length; i++) mean[i % area] = mean[i % area]! + data[i]! / channels;
  return mean;
}

function extent(...all: readonly Float32Array[]): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const values of all)
    for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return [low, high];
}

function grey(values: Float32Array, [low, high]: readonly [number, number]): Uint8Array {
  const range = high > low ? high - low : 1;
  return Uint8Array.from(values, (value) => Math.round((255 * (value - low)) / range));
}
