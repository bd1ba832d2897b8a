import { expect, it } from 'vitest';
import type { HostTensor } from '@quantsmith/model/arrays';
import {
  DECODING_BYTES,
  IMAGE_CACHE_BYTES,
  KEPT_BYTES,
  KEPT_CALIBRATION_BYTES,
  KEPT_CHECK_BYTES,
  keepSamples,
} from '../src/data/keep.js';
import { openRoom } from '../src/data/room.js';
import { firstIndices, readAhead } from '../src/data/source.js';
import type { SampleSource } from '../src/data/types.js';

const SAMPLE_BYTES = 2 * 2 ** 20;
const COUNT = 5000;

/** 5,000 samples of 2 MiB each; `read`: how often one was asked for. */
function largeSource(): { source: SampleSource; read: { count: number; atOnce: number; most: number } } {
  const read = { count: 0, atOnce: 0, most: 0 };
  // One memory for all, so that the test itself needs none.
  const data = new Float32Array(SAMPLE_BYTES / 4);
  const x: HostTensor = { type: 'float32', dims: [1, data.length], data };
  const source: SampleSource = {
    count: COUNT,
    hasLabels: false,
    async get(index) {
      read.count++;
      read.most = Math.max(read.most, ++read.atOnce);
      await Promise.resolve();
      read.atOnce--;
      return { name: `#${index}`, feeds: { x }, label: null };
    },
    fingerprint: () => Promise.resolve(''),
  };

  return { source, read };
}

it('of 5,000 samples of 2 MB only as many are kept as the bound allows, and a few are read ahead at once', async () => {
  const { source, read } = largeSource();
  const kept = keepSamples(source, KEPT_BYTES);
  for (let pass = 0; pass < 2; pass++)
    for await (const { feeds } of readAhead(kept, firstIndices(COUNT))) expect(feeds['x']).toBeDefined();
  const held = KEPT_BYTES / SAMPLE_BYTES;
  expect(read.count).toBe(2 * COUNT - held);
  expect(read.most).toBeLessThanOrEqual(8);
});

it('all that is kept of both sections leaves room below 500 MB', () => {
  const all = KEPT_BYTES + KEPT_CALIBRATION_BYTES + KEPT_CHECK_BYTES + 2 * IMAGE_CACHE_BYTES + DECODING_BYTES;
  expect(all).toBeLessThan(400e6);
});

it('images are decoded at once only as far as there is room; a larger one than all of it is decoded alone', async () => {
  const room = openRoom(100);
  const log: string[] = [];
  const work = (name: string, bytes: number) =>
    room(bytes, async () => {
      log.push(`${name} begins`);
      await new Promise((done) => setImmediate(done));
      log.push(`${name} ends`);
      if (name === 'fails') throw new Error(name);
    });
  const results = await Promise.allSettled([
    work('a', 60),
    work('b', 40),
    work('fails', 10),
    work('large', 300),
    work('c', 1),
  ]);
  expect(results.map(({ status }) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'rejected',
    'fulfilled',
    'fulfilled',
  ]);
  expect(log.slice(0, 3)).toEqual(['a begins', 'b begins', 'a ends']);
  expect(log.slice(-4)).toEqual(['large begins', 'large ends', 'c begins', 'c ends']);
});
