import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { fail, tableOf } from '@quantsmith/schemas';
import type { HostTensor, TensorTypeName } from '@quantsmith/model/arrays';
import { convertTo } from './convert.js';
import type { Label } from './labels/label.js';
import { moduleCall } from './moduleCall.js';
import type { DataContext, Sample, SampleSource } from './types.js';

interface LoadedTensor {
  readonly dims: readonly number[];
  readonly data: ArrayLike<number>;
}
type Yielded =
  | { readonly feeds: Record<string, LoadedTensor>; readonly label?: Label; readonly name?: string }
  | Record<string, LoadedTensor>;

/** Samples that a loader has at hand, in any order. */
interface Listed {
  readonly length: number;
  readonly get: (index: number) => Yielded | Promise<Yielded>;
}

/**
 * A module whose default export is (a function that returns) samples: an iterable, sync or async, or `{length, get(index)}`.
 * A sample is feeds — input name → {dims, data} — or {feeds, label, name}. An iterable is read once, up to `limit`, and
 * what it yields is kept; listed samples are asked for when they are needed. Throws `loader-failed`.
 */
export async function openLoader(
  path: string,
  limit: number | null,
  context: DataContext,
): Promise<SampleSource> {
  const configPath = [...context.configPath, 'loader'] as const;
  if (!context.allowModules) {
    fail(
      'modules-not-allowed',
      `${path} is a program; it runs only when modules are allowed (--allow-modules, or the setting in a trusted workspace).`,
      { file: path, configPath },
    );
  }

  const source = await readFile(path).catch(() =>
    fail('data-not-found', `The loader ${path} does not exist.`, { file: path, configPath }),
  );
  const guarded = <T>(what: string, body: () => Promise<T>) =>
    moduleCall({ code: 'loader-failed', what: `The loader ${path} failed ${what}`, path, configPath }, body);
  const made = await guarded('to start', async () => {
    const module = (await import(pathToFileURL(path).href)) as { default?: unknown };
    return typeof module.default === 'function'
      ? (module.default as (info: unknown) => unknown)({ inputs: context.inputs })
      : module.default;
  });

  const most = limit ?? Number.POSITIVE_INFINITY;
  if (isListed(made)) {
    const get = (index: number) =>
      guarded(`at sample ${index}`, async () => sampleOf(await made.get(index), index, context));

    const count = Math.min(made.length, most);
    // Whether there are labels is known of all where it is known of one.
    const hasLabels = count > 0 && (await get(0)).label !== null;
    return { count, hasLabels, get, fingerprint: () => hashOf(source, count, get) };
  }

  const samples: Sample[] = [];
  await guarded('while it was read', async () => {
    for await (const item of made as AsyncIterable<Yielded>) {
      samples.push(sampleOf(item, samples.length, context));
      if (samples.length >= most) break;
    }
  });

  const get = (index: number) => Promise.resolve(samples[index]!);

  return {
    count: samples.length,
    hasLabels: samples.length > 0 && samples.every((sample) => sample.label !== null),
    get,
    fingerprint: () => hashOf(source, samples.length, get),
  };
}

function isListed(made: unknown): made is Listed {
  if (typeof made !== 'object' || made === null || Array.isArray(made)) return false;
  return (
    'length' in made && typeof made.length === 'number' && 'get' in made && typeof made.get === 'function'
  );
}

/** Of the module and of all that it gives, labels too. */
async function hashOf(
  source: Uint8Array,
  count: number,
  get: (index: number) => Promise<Sample>,
): Promise<string> {
  const hash = createHash('sha256').update(source);
  for (let index = 0; index < count; index++) {
    const { feeds, label } = await get(index);
    hash.update(JSON.stringify(label) ?? '');
    for (const [name, { data }] of Object.entries(feeds)) {
      hash.update(name);
      if (ArrayBuffer.isView(data))
        hash.update(new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength));
    }
  }

  return hash.digest('hex');
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

  const { label, name } = (labelled ? item : {}) as { label?: Label; name?: string };

  return { name: name ?? `#${index}`, feeds, label: label ?? null };
}
