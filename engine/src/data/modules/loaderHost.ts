import type { Label } from '../labels/label.js';
import type { ImagePlacement } from '../imagePlacement.js';
import type { ListedSamples, LoadedTensor, LoaderInfo, Tensors } from './contract.js';
import type { GivenSample, StartedModule } from './messages.js';

/** Takes what a loader's module exports by default; nothing of it is believed. */
export async function startLoader(exported: unknown, info: LoaderInfo): Promise<StartedModule> {
  const samples: unknown =
    typeof exported === 'function' ? await (exported as (info: LoaderInfo) => unknown)(info) : exported;

  if (isListed(samples)) {
    const { length } = samples;
    return {
      facts: { length, metric: null },
      async answer(request) {
        return request.kind === 'get' ? sampleOf(await samples.get(request.index)) : null;
      },
    };
  }

  const iterator = iteratorOf(samples);

  return {
    facts: { length: null, metric: null },
    async answer() {
      const next = await iterator.next();
      if (next.done !== true) return sampleOf(next.value);
      return null;
    },
  };
}

function isListed(value: unknown): value is ListedSamples {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  if (!('get' in value) || typeof value.get !== 'function' || !('length' in value)) return false;
  if (Number.isSafeInteger(value.length) && (value.length as number) >= 0) return true;
  throw new TypeError(`its length is ${String(value.length)}`);
}

function iteratorOf(value: unknown): Iterator<unknown> | AsyncIterator<unknown> {
  if (typeof value === 'object' && value !== null) {
    if (Symbol.asyncIterator in value) return (value as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    if (Symbol.iterator in value) return (value as Iterable<unknown>)[Symbol.iterator]();
  }

  throw new TypeError(
    'its default export is neither samples nor a function that returns them: an iterable, or {length, get}',
  );
}

function sampleOf(item: unknown): GivenSample {
  if (typeof item !== 'object' || item === null) throw new TypeError(`the sample is ${String(item)}`);
  const labelled = 'feeds' in item && !isTensor(item.feeds);
  const feeds: unknown = labelled ? item.feeds : item;
  if (typeof feeds !== 'object' || feeds === null) throw new TypeError('"feeds" contains no tensors');
  for (const [name, tensor] of Object.entries(feeds)) checkTensor(name, tensor);
  const { label, name, image } = (labelled ? item : {}) as {
    readonly label?: Label;
    readonly name?: unknown;
    readonly image?: ImagePlacement;
  };

  return {
    feeds: feeds as Tensors,
    label: label ?? null,
    name: name === undefined || name === null ? null : typeof name === 'string' ? name : JSON.stringify(name),
    image: image ?? null,
  };
}

const isTensor = (value: unknown): value is LoadedTensor =>
  typeof value === 'object' && value !== null && 'dims' in value && 'data' in value;

function checkTensor(name: string, tensor: unknown): void {
  if (!isTensor(tensor)) throw new TypeError(`"${name}" is not {dims, data}`);
  const { dims, data } = tensor;
  if (!Array.isArray(dims) || !dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0))
    throw new TypeError(`the dims of "${name}" are not a list of sizes`);
  const wanted = dims.reduce<number>((product, dim) => product * (dim as number), 1);
  if (!Array.isArray(data) && !(ArrayBuffer.isView(data) && 'length' in data))
    throw new TypeError(`the data of "${name}" is neither a typed array nor an array`);
  if (data.length === wanted) return;
  throw new RangeError(`"${name}" has ${data.length} values, but [${dims.join(', ')}] needs ${wanted}`);
}
