import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { npyBytes, npyHeader } from '../../test/kit/npy.js';
import { archiveFacts, arrayFacts, memberNames } from '../src/sources/arrays.js';
import { imageFacts, pngChannels } from '../src/sources/imageSize.js';

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-heads-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const write = (bytes: Uint8Array) => {
  const path = join(folder, String(files++));
  writeFileSync(path, bytes);
  return path;
};

const u16 = (value: number) => [value & 255, value >> 8];
const u32 = (value: number) => [...u16(value & 0xffff), ...u16(value >>> 16)];
const ascii = (text: string) => [...Buffer.from(text, 'latin1')];

describe('the size that an image states', () => {
  const png = (width: number, height: number, colours: number) =>
    Buffer.from([
      ...[0x89, ...ascii('PNG\r\n\u001a\n'), 0, 0, 0, 13, ...ascii('IHDR')],
      ...[width, height].flatMap((value) => u32(value).reverse()),
      ...[8, colours],
    ]);
  const webp = (kind: string, body: readonly number[]) =>
    Buffer.from([
      ...ascii('RIFF'),
      0,
      0,
      0,
      0,
      ...ascii(`WEBP${kind}`),
      0,
      0,
      0,
      0,
      ...body,
      ...Array<number>(16).fill(0),
    ]);
  const jpeg = (...segments: number[][]) =>
    Buffer.from([0xff, 0xd8, ...segments.flat(), 0, 0, 0, 0, 0, 0, 0, 0]);
  const segment = (marker: number, bytes: number) => [
    0xff,
    marker,
    0,
    bytes + 2,
    ...Array<number>(bytes).fill(7),
  ];
  const frame = (marker: number) => [0xff, marker, 0, 11, 8, 0, 48, 0, 64, 3];

  it.each([
    ['PNG', png(640, 480, 2), { width: 640, height: 480 }],
    [
      'WebP, lossy',
      webp('VP8 ', [0, 0, 0, 0x9d, 1, 0x2a, ...u16(0x4000 + 320), ...u16(200)]),
      { width: 320, height: 200 },
    ],
    ['WebP, lossless', webp('VP8L', [0x2f, ...u32(99 | (49 << 14))]), { width: 100, height: 50 }],
    ['WebP, extended', webp('VP8X', [0, 0, 0, 0, 9, 1, 0, 19, 0, 0]), { width: 266, height: 20 }],
    ['WebP of another kind', webp('VP9 ', []), null],
    ['JPEG', jpeg(segment(0xe0, 14), frame(0xc0)), { width: 64, height: 48 }],
    [
      'JPEG with fill bytes and bare markers',
      jpeg([0xff], [0xff, 0xd0], [0xff, 0x01], frame(0xc2)),
      { width: 64, height: 48 },
    ],
    [
      'JPEG with tables before its frame',
      jpeg(segment(0xc4, 20), segment(0xc8, 3), segment(0xcc, 2), frame(0xcf)),
      { width: 64, height: 48 },
    ],
    ['JPEG without a frame', jpeg(segment(0xe0, 14)), null],
    ['JPEG that breaks off', jpeg(segment(0xe0, 14)).subarray(0, 6), null],
    ['text', Buffer.from('P5 64 48 255 and so on, no such image'), null],
    ['nothing', Buffer.alloc(0), null],
  ])('%s', async (_, bytes, size) => {
    expect((await imageFacts(write(bytes))).size).toEqual(size);
  });

  it('comes with the channels of a PNG', async () => {
    const channels = await Promise.all(
      [0, 2, 3, 4, 6, 5].map((colours) => pngChannels(write(png(1, 1, colours)))),
    );
    expect(channels).toEqual([1, 3, 1, 2, 4, null]);
    expect(await pngChannels(write(jpeg(frame(0xc0), segment(0xe0, 14))))).toBeNull();
    expect(await pngChannels(write(png(1, 1, 2).subarray(0, 20)))).toBeNull();
  });
});

describe('the arrays of an archive', () => {
  const array = npyBytes(npyHeader('<f4', [2, 3]), new Uint8Array(24));

  interface Entry {
    readonly name: string;
    readonly bytes: Uint8Array;
    readonly method?: 0 | 8 | 12;
  }

  /** A ZIP file of these entries; `change` spoils its end record or its directory. */
  function archive(
    entries: readonly Entry[],
    change: { count?: number; size?: number; comment?: string } = {},
  ) {
    const parts: number[] = [];
    const directory: number[] = [];
    for (const { name, bytes, method = 0 } of entries) {
      const packed = method === 8 ? deflateRawSync(bytes) : bytes;
      const about = [
        ...u16(method),
        ...u32(0),
        ...u32(0),
        ...u32(packed.length),
        ...u32(bytes.length),
        ...u16(name.length),
      ];
      directory.push(
        ...[...u32(0x02014b50), ...u16(20), ...u16(20), ...u16(0), ...about, ...u16(0), ...u16(0)],
        ...[...u16(0), ...u16(0), ...u32(0), ...u32(parts.length), ...ascii(name)],
      );
      parts.push(...u32(0x04034b50), ...u16(20), ...u16(0), ...about, ...u16(0), ...ascii(name), ...packed);
    }

    const { count = entries.length, size = directory.length, comment = '' } = change;
    const end = [
      ...u32(0x06054b50),
      ...u32(0),
      ...u16(count),
      ...u16(count),
      ...u32(size),
      ...u32(parts.length),
    ];
    return Buffer.from([...parts, ...directory, ...end, ...u16(comment.length), ...ascii(comment)]);
  }

  it('are read packed and plain, with a comment behind them; other files are passed over', async () => {
    const path = write(
      archive(
        [
          { name: 'a.npy', bytes: array },
          { name: 'b.npy', bytes: array, method: 8 },
          { name: 'readme.txt', bytes: Buffer.from('text') },
        ],
        { comment: 'made by hand' },
      ),
    );
    const header = { shape: [2, 3], type: 'float32', fractional: false, isFinite: true };
    expect(await archiveFacts(path)).toEqual({
      members: new Map([
        ['a', header],
        ['b', header],
      ]),
    });
    expect(await memberNames(path)).toEqual(['a', 'b']);
  });

  it('are not known where they are packed in another way or broken', async () => {
    const unknown = { members: new Map([['a', null]]) };
    const broken = archive([{ name: 'a.npy', bytes: array, method: 8 }]);
    expect(await archiveFacts(write(broken.fill(0xff, 35, 80)))).toEqual(unknown);
    expect(await archiveFacts(write(archive([{ name: 'a.npy', bytes: array }]).fill(0, 0, 4)))).toEqual(
      unknown,
    );
  });

  it('are not known of a directory that is none or lies elsewhere', async () => {
    const entry = { name: 'a.npy', bytes: array };
    for (const change of [{ count: 2 }, { size: 10_000 }, { size: 5 * 1024 ** 2 }]) {
      const path = write(archive([entry], change));
      expect(await archiveFacts(path)).toBeNull();
      expect(await memberNames(path)).toBeNull();
    }
  });

  it('are named where one of them cannot be read', async () => {
    const facts = await archiveFacts(
      write(archive([{ name: 'a.npy', bytes: Buffer.from('no array at all') }])),
    );
    expect(facts).toEqual({ problem: expect.stringMatching(/^its array "a" cannot be read: /) });
    const none = write(Buffer.from('a text that is long enough to have an end record'));
    expect(await archiveFacts(none)).toEqual({ problem: 'it is not a ZIP archive' });
    expect(await memberNames(none)).toBeNull();
  });

  it('beyond a bound have only their names', async () => {
    const entries = Array.from({ length: 66 }, (_, index) => ({ name: `${index}.npy`, bytes: array }));
    const facts = await archiveFacts(write(archive(entries)));
    const members = facts !== null && 'members' in facts ? [...facts.members.values()] : [];
    expect(members.filter((member) => member === null)).toHaveLength(2);
  });
});

describe('the first sample of an array', () => {
  const facts = (descr: string, values: Uint8Array, shape = [2, 2]) =>
    arrayFacts(write(npyBytes(npyHeader(descr, shape), values)));

  it('says whether it has fractions', async () => {
    const bytes = (values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
    expect(await facts('<f4', bytes([0.5, 1, 2, 3]))).toMatchObject({ fractional: true });
    expect(await facts('<f4', bytes([0, 1, 2.5, 3]))).toMatchObject({ fractional: false });
    expect(await facts('|u1', new Uint8Array(4))).toEqual({ shape: [2, 2], type: 'uint8' });
  });

  it('is no sample of a file that is no array', async () => {
    expect(await arrayFacts(write(Buffer.from('text')))).toEqual({ problem: expect.any(String) });
  });
});
