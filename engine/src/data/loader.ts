import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { fail, tableOf } from '@quantsmith/schemas';
import type { HostTensor, TensorTypeName } from '@quantsmith/model/arrays';
import { convertTo } from './convert.js';
import type { DataContext, Sample, SampleSource } from './types.js';

interface LoadedTensor {
  readonly dims: readonly number[];
  readonly data: ArrayLike<number>;
}
type Yielded =
  { readonly feeds: Record<string, LoadedTensor>; readonly label?: number } | Record<string, LoadedTensor>;

/**
 * A module whose default export is (a function that returns) an iterable, sync or async, of feeds — input name →
 * {dims, data} — or of {feeds, label}. It is read once; what it yields is kept.
 */
export async function openLoader(path: string, context: DataContext): Promise<SampleSource> {
  const configPath = [...context.configPath, 'loader'];
  const where = { file: path, configPath };
  if (!context.allowModules) {
    fail(
      'modules-not-allowed',
      `${path} is a program; it runs only when modules are allowed (--allow-modules, or the setting in a trusted workspace).`,
      where,
    );
  }
  const source = await readFile(path).catch(() =>
    fail('data-not-found', `The loader ${path} does not exist.`, where),
  );
  const samples: Sample[] = [];
  try {
    const module = (await import(pathToFileURL(path).href)) as { default?: unknown };
    const made =
      typeof module.default === 'function'
        ? await (module.default as (info: unknown) => unknown)({ inputs: context.inputs })
        : module.default;
    for await (const item of made as AsyncIterable<Yielded>)
      samples.push(sampleOf(item, samples.length, context));
  } catch (error) {
    if (error instanceof Error && error.name === 'QuantsmithError') throw error;
    const reason = error instanceof Error ? error.message : String(error);
    fail('loader-failed', `The loader ${path} failed: ${reason}.`, where);
  }
  return {
    count: samples.length,
    hasLabels: samples.length > 0 && samples.every((sample) => sample.label !== null),
    get: (index) => Promise.resolve(samples[index]!),
    fingerprint() {
      const hash = createHash('sha256').update(source);
      for (const sample of samples) {
        for (const [name, tensor] of Object.entries(sample.feeds)) {
          hash.update(name);
          if (ArrayBuffer.isView(tensor.data))
            hash.update(
              new Uint8Array(
                tensor.data.buffer as ArrayBuffer,
                tensor.data.byteOffset,
                tensor.data.byteLength,
              ),
            );
        }
      }
      return Promise.resolve(hash.digest('hex'));
    },
  };
}

function sampleOf(item: Yielded, index: number, context: DataContext): Sample {
  const labelled = 'feeds' in item && !('dims' in (item.feeds as object));
  const given = (labelled ? item.feeds : item) as Record<string, LoadedTensor>;
  const feeds = tableOf<HostTensor>();
  for (const input of context.inputs) {
    const tensor = Object.hasOwn(given, input.name) ? given[input.name] : undefined;
    if (tensor === undefined) continue;
    const where = { name: `sample ${index} of the loader`, configPath: context.configPath };
    const data = convertTo(input.type, tensor.data as Float32Array, where);
    feeds[input.name] = { type: input.type as TensorTypeName, dims: [...tensor.dims], data };
  }
  const label = labelled ? (item as { label?: number }).label : undefined;
  return { name: `#${index}`, feeds, label: label ?? null };
}
