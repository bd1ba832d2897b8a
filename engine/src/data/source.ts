import { DATA_KIND_NAMES, type DataKind, fail, smallest } from '@quantsmith/schemas';
import { resolve } from 'node:path';
import { allFinite, asFloat32 } from '@quantsmith/model/arrays';
import { openArrays } from './arrays.js';
import { openAudio } from './audio/audio.js';
import { openImages } from './images.js';
import { openLoader } from './loader.js';
import { openTexts } from './texts.js';
import { openTensors } from './tensors.js';
import type { DataSection, DataContext, SampleSource, Sample } from './types.js';

/**
 * Opens a data section. Every sample is checked against the model's inputs when it is read. Throws problems that name
 * the file: `data-empty`, `data-not-found`, `image-undecodable`, `sample-shape`, `label-unknown-file` and others.
 */
export async function openData(section: DataSection, context: DataContext): Promise<SampleSource> {
  const kinds = DATA_KIND_NAMES.filter((kind) => section[kind] !== undefined);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    const named = kinds.length === 0 ? 'names no source' : `names ${kinds.join(' and ')}`;
    fail(
      'data-source',
      `${context.configPath.join('.')} ${named}; it needs exactly one of ${DATA_KIND_NAMES.join(', ')}.`,
      {
        configPath: context.configPath,
      },
    );
  }

  const source = await openKind(kind, section, context);
  const count = Math.min(source.count, section.limit ?? source.count);
  if (count === 0) {
    const path = resolve(context.baseDir, section[kind]!);
    fail('data-empty', `${path} contains no samples.`, {
      file: path,
      configPath: [...context.configPath, kind],
    });
  }

  let fingerprint: Promise<string> | undefined;
  const finite = new Set<number>();

  return {
    ...source,
    count,
    fingerprint: () => (fingerprint ??= source.fingerprint()),
    async get(index) {
      const sample = await source.get(index);
      checkFit(sample, context);
      // A sample is read for every model that is measured; to look at all of its values once is enough.
      if (!finite.has(index)) checkFinite(sample, context);
      finite.add(index);
      return sample;
    },
  };
}

async function openKind(kind: DataKind, section: DataSection, context: DataContext): Promise<SampleSource> {
  const path = resolve(context.baseDir, section[kind]!);
  switch (kind) {
    case 'images':
      return openImages(path, section, context);
    case 'arrays':
      return openArrays(path, section, context);
    case 'tensors':
      return openTensors(path, section, context);
    case 'texts':
      return openTexts(path, section, context);
    case 'audio':
      return openAudio(path, section, context);
    case 'loader':
      return openLoader(path, smallestLimit(context.limit, section.limit), context);
  }
}

/**
 * Reads samples in order, a few ahead, so that decoding (in libuv's threads) goes on while the caller runs the model.
 */
export async function* readAhead(
  source: SampleSource,
  indices: readonly number[],
  ahead = 8,
): AsyncGenerator<Sample> {
  const pending: Promise<Sample>[] = [];
  let next = 0;
  const fill = () => {
    while (pending.length < ahead && next < indices.length) {
      const promise = source.get(indices[next++]!);
      // A failure is reported when its turn comes, not as an unhandled rejection before.
      promise.catch(() => undefined);
      pending.push(promise);
    }
  };

  fill();
  while (pending.length > 0) {
    yield await pending.shift()!;
    fill();
  }
}

/** Indices 0 … count − 1. */
export function firstIndices(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** Every input of the model has a value of its type and shape. */
function checkFit(sample: Sample, { inputs, configPath }: DataContext): void {
  for (const input of inputs) {
    const feed = feedOf(sample, input);
    if (feed === undefined) {
      fail(
        'sample-input-missing',
        `Sample "${sample.name}" has no value for the model's input "${input.name}".`,
        {
          configPath,
          data: { sample: sample.name, input: input.name },
        },
      );
    }

    const fits =
      (input.unranked === true || feed.dims.length === input.dims.length) &&
      input.dims.every((dim, axis) => typeof dim === 'string' || dim <= 0 || dim === feed.dims[axis]);

    if (!fits || feed.type !== input.type) {
      const actual = `${feed.type} [${feed.dims.join(', ')}]`;
      const hint = sample.hint === undefined ? '' : ` ${sample.hint}`;
      fail(
        'sample-shape',
        `Sample "${sample.name}" gives ${actual} to the model's input "${input.name}", which expects ${input.type} [${input.dims.join(', ')}].${hint}`,
        { configPath, data: { sample: sample.name, input: input.name, got: feed.dims, wanted: input.dims } },
      );
    }
  }
}

function checkFinite(sample: Sample, { inputs, configPath }: DataContext): void {
  for (const input of inputs) {
    const later = sample.sequence?.frames.slice(1).map((frame) => frame[input.name]) ?? [];
    for (const feed of [feedOf(sample, input), ...later]) {
      const data = feed === undefined ? null : asFloat32(feed).data;
      if (!(data instanceof Float32Array) || allFinite(data)) continue;
      fail('sample-not-finite', `Sample "${sample.name}" contains a non-finite value.`, {
        configPath,
        data: { sample: sample.name },
      });
    }
  }
}

const feedOf = ({ feeds }: Sample, { name }: DataContext['inputs'][number]) =>
  Object.hasOwn(feeds, name) ? feeds[name] : undefined;

/** The smaller of the limits that there are; null: none. */
function smallestLimit(...limits: readonly (number | null | undefined)[]): number | null {
  const known = limits.filter((limit) => typeof limit === 'number');
  return known.length === 0 ? null : smallest(known);
}
