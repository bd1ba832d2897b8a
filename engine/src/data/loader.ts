import { createHash } from 'node:crypto';
import { tableOf } from '@quantsmith/schemas';
import type { HostTensor, TensorData, TensorTypeName } from '@quantsmith/model/arrays';
import type { GivenSample } from './modules/messages.js';
import { startModule } from './modules/start.js';
import { convertTo } from './convert.js';
import type { DataContext, Sample, SampleSource } from './types.js';

/**
 * A module whose default export is (a function that returns) samples: an iterable, sync or async, or `{length, get(index)}`.
 * A sample is feeds — input name → {dims, data} — or {feeds, label, name}. An iterable is read once, up to `limit`, and
 * what it yields is kept; listed samples are asked for when they are needed. Throws what `startModule` does.
 */
export async function openLoader(
  path: string,
  limit: number | null,
  context: DataContext,
): Promise<SampleSource> {
  const configPath = [...context.configPath, 'loader'] as const;
  const subject = { role: 'loader', path, configPath } as const;
  const { module, identity, length } = await startModule(subject, context, context.inputs);
  const ask = async (index: number, kind: 'get' | 'next'): Promise<Sample | null> => {
    const answer = (await module.ask(
      { text: `at sample ${index}`, sample: `#${index}` },
      { kind, index },
    )) as GivenSample | null;

    return answer === null ? null : sampleOf(answer, index, context);
  };

  const max = limit ?? Number.POSITIVE_INFINITY;
  if (length !== null) {
    const get = async (index: number) => (await ask(index, 'get'))!;
    const count = Math.min(length, max);
    // Whether there are labels is known of all where it is known of one.
    const hasLabels = count > 0 && (await get(0)).label !== null;
    return { count, hasLabels, get, fingerprint: () => hashOf(identity, count, get) };
  }

  const samples: Sample[] = [];
  while (samples.length < max) {
    const sample = await ask(samples.length, 'next');
    if (sample === null) break;
    samples.push(sample);
  }

  const get = (index: number) => Promise.resolve(samples[index]!);

  return {
    count: samples.length,
    hasLabels: samples.length > 0 && samples.every((sample) => sample.label !== null),
    get,
    fingerprint: () => hashOf(identity, samples.length, get),
  };
}

/** Of the module's files and of all that it gives, labels and names too. */
async function hashOf(
  identity: string,
  count: number,
  get: (index: number) => Promise<Sample>,
): Promise<string> {
  const hash = createHash('sha256').update(identity);
  for (let index = 0; index < count; index++) {
    const { name, feeds, label, image } = await get(index);
    hash.update(
      JSON.stringify([name, label, image], (_, value: unknown) =>
        ArrayBuffer.isView(value)
          ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
          : value,
      ),
    );
    for (const [input, { dims, data }] of Object.entries(feeds)) {
      hash.update(`${input} ${dims.join()}`);
      hash.update(
        ArrayBuffer.isView(data)
          ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
          : JSON.stringify(data),
      );
    }
  }

  return hash.digest('hex');
}

function sampleOf(
  { feeds: tensors, label, name, image }: GivenSample,
  index: number,
  context: DataContext,
): Sample {
  const feeds = tableOf<HostTensor>();
  for (const input of context.inputs) {
    const tensor = Object.hasOwn(tensors, input.name) ? tensors[input.name] : undefined;
    if (tensor === undefined) continue;
    const where = { name: `sample ${index} of the loader`, configPath: context.configPath };
    const data = convertTo(input.type, tensor.data as TensorData, where);
    feeds[input.name] = { type: input.type as TensorTypeName, dims: [...tensor.dims], data };
  }

  return { name: name ?? `#${index}`, feeds, label, ...(image === null ? {} : { image }) };
}
