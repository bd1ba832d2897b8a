import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { QuantsmithError, type LabelKind, type Problem, type TensorSignature } from '@quantsmith/schemas';
import { openData } from '../src/data/source.js';
import type { DataSection, FloatModel } from '../src/data/types.js';
import { oneWorker, openWorkers } from '../src/runtime/workers.js';
import { floats, model, node, value } from '../../test/kit/models.js';
import { tone, wavFile, type WavEncoding } from '../../test/kit/wav.js';

const dir = mkdtempSync(join(tmpdir(), 'quantsmith-audio-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const write = (name: string, bytes: Uint8Array | string) => writeFileSync(join(dir, name), bytes);
const signature = (name: string, dims: (number | string)[], type = 'float32'): TensorSignature => ({
  name,
  type,
  dims,
});
const WAVE = [signature('wave', ['batch', 'samples'])];

interface Opening {
  readonly inputs?: readonly TensorSignature[];
  readonly outputs?: readonly TensorSignature[];
  readonly labelKind?: LabelKind | null;
  readonly floatModel?: FloatModel;
  readonly limit?: number;
  readonly part?: 'calibration' | 'validation';
}

const open = (
  audio: string,
  section: Partial<DataSection> = {},
  { inputs = WAVE, labelKind = null, part = 'validation', ...others }: Opening = {},
) =>
  openData(
    { audio, ...section },
    { inputs, baseDir: dir, allowModules: false, configPath: ['data', part], labelKind, ...others },
  );
const waveOf = async (source: Awaited<ReturnType<typeof open>>, index: number, name = 'wave') => {
  const { feeds } = await source.get(index);
  return Array.from(feeds[name]!.data as Float32Array);
};

const problemOf = (body: Promise<unknown>): Promise<Problem | null> =>
  body.then(
    () => null,
    (error: unknown) => (error instanceof QuantsmithError ? error.problem : Promise.reject(error as Error)),
  );

describe('files', () => {
  it.each<[WavEncoding, number]>([
    ['u8', 2 ** -7],
    ['s16', 2 ** -15],
    ['s24', 2 ** -23],
    ['s32', 2 ** -24],
    ['f32', 2 ** -24],
    ['f64', 2 ** -24],
  ])('of %s give what was written, whichever the header and the chunks before', async (encoding, step) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: -1, max: 0.99, noNaN: true }), { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        fc.constantFrom([], ['LIST'], ['bext', 'JUNK']),
        async (samples, extensible, chunks) => {
          write('any.wav', wavFile([samples], { encoding, extensible, chunks }));
          const read = await waveOf(await open('any.wav'), 0);
          expect(read.length).toBe(samples.length);
          read.forEach((sample, i) => expect(Math.abs(sample - samples[i]!)).toBeLessThanOrEqual(step));
        },
      ),
      { numRuns: 25 },
    );
  });

  it('of several channels are mixed, or one is read', async () => {
    write(
      'stereo.wav',
      wavFile(
        [
          [0.5, -0.5],
          [0.25, 0.5],
        ],
        { encoding: 'f32' },
      ),
    );
    expect(await waveOf(await open('stereo.wav'), 0)).toEqual([0.375, 0]);
    expect(await waveOf(await open('stereo.wav', { frames: { channel: 1 } }), 0)).toEqual([0.25, 0.5]);
    expect(await problemOf(open('stereo.wav', { frames: { channel: 2 } }))).toMatchObject({
      code: 'audio-channel',
      configPath: ['data', 'validation', 'frames', 'channel'],
    });
  });

  it('whose length their writer did not know go on to their end', async () => {
    const bytes = wavFile([[0.5, 0.25]]);
    bytes.writeUInt32LE(0xffffffff, bytes.indexOf('data') + 4);
    write('streamed.wav', bytes);
    expect(await waveOf(await open('streamed.wav'), 0)).toEqual([0.5, 0.25]);
  });

  const sound = wavFile([[0.5, 0.25]]);
  const changed = (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(sound);
    change(bytes);
    return bytes;
  };

  it.each<[string, Buffer | string, string, RegExp]>([
    ['no RIFF', 'ID3 is another format', 'audio-invalid', /does not begin with RIFF/],
    ['a cut file', sound.subarray(0, -2), 'audio-invalid', /ends after 2 of 4 bytes/],
    ['a header alone', sound.subarray(0, 36), 'audio-invalid', /has no samples/],
    ['no samples', wavFile([[]]), 'audio-invalid', /has no samples/],
    ['mu-law', changed((b) => b.writeUInt16LE(7, 20)), 'audio-invalid', /format 7, 16 bits/],
    ['no channels', changed((b) => b.writeUInt16LE(0, 22)), 'audio-invalid', /0 channels/],
    [
      'values that are not finite',
      wavFile([[Number.NaN]], { encoding: 'f32' }),
      'sample-not-finite',
      /non-finite/,
    ],
  ])('with %s are refused by name', async (_, bytes, code, message) => {
    write('odd.wav', bytes);
    const problem = await problemOf(open('odd.wav').then((source) => source.get(0)));
    expect(problem).toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('of another rate are refused with both', async () => {
    mkdirSync(join(dir, 'rates'), { recursive: true });
    write('rates/a.wav', wavFile([[0]], { rate: 16_000 }));
    write('rates/b.wav', wavFile([[0]], { rate: 8000 }));
    expect(await problemOf(open('rates', { sample_rate: 16_000 }))).toMatchObject({
      code: 'audio-rate',
      message: expect.stringMatching(/b\.wav has 8000 Hz, and sample_rate is 16000: .*-ar 16000/),
    });
    expect(await problemOf(open('rates'))).toMatchObject({ code: 'audio-rate' });
    mkdirSync(join(dir, 'nothing'), { recursive: true });
    expect(await problemOf(open('nothing'))).toMatchObject({ code: 'data-empty' });
  });
});

describe('windows', () => {
  it('follow each other by the hop, what is left is none; a short file is filled up', async () => {
    write('seven.wav', wavFile([[1, 2, 3, 4, 5, 6, 7].map((n) => n / 8)], { encoding: 'f32' }));
    const windows = async (frames: DataSection['frames']) => {
      const source = await open('seven.wav', { frames: frames! });
      return Promise.all(
        Array.from({ length: source.count }, async (_, i) => (await waveOf(source, i)).map((v) => 8 * v)),
      );
    };

    expect(await windows({ length: 3 })).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(await windows({ length: 4, hop: 2 })).toEqual([
      [1, 2, 3, 4],
      [3, 4, 5, 6],
    ]);
    expect(await windows({ length: 9 })).toEqual([[1, 2, 3, 4, 5, 6, 7, 0, 0]]);
    expect(await windows({})).toEqual([[1, 2, 3, 4, 5, 6, 7]]);
  });

  it('are spread over all files where not all are wanted', async () => {
    mkdirSync(join(dir, 'many'), { recursive: true });
    for (const n of [1, 2, 3, 4])
      write(`many/${n}.wav`, wavFile([new Array<number>(6).fill(n / 8)], { encoding: 'f32' }));
    const source = await open('many', { frames: { length: 2 }, limit: 4 });
    const values = await Promise.all([0, 1, 2, 3].map(async (i) => 8 * (await waveOf(source, i))[0]!));
    expect([source.count, values]).toEqual([4, [1, 2, 3, 4]]);
    expect((await source.get(1)).name).toBe('2.wav, window 1');
  });

  it('have the class of their folder, or what a table says of their file', async () => {
    for (const name of ['no', 'yes']) mkdirSync(join(dir, 'words', name), { recursive: true });
    write('words/no/a.wav', wavFile([[0, 0, 0, 0]]));
    write('words/yes/b.wav', wavFile([[0, 0, 0, 0]]));
    const source = await open('words', { frames: { length: 2 } });
    expect([source.hasLabels, source.classes]).toEqual([true, 2]);
    expect(await Promise.all([0, 1, 2, 3].map(async (i) => (await source.get(i)).label))).toEqual([
      0, 0, 1, 1,
    ]);
    write('words.tsv', 'no/a.wav\tnaught\nyes/b.wav\tyes indeed\n');
    const texts = await open('words', { labels: 'words.tsv', frames: { length: 2 } }, { labelKind: 'text' });
    const { label, sequence } = await texts.get(1);
    expect([texts.count, label, sequence?.frames.length]).toEqual([2, 'yes indeed', 2]);
  });

  it('become spectra: a tone of bin k has its energy there', async () => {
    // 16,000 / 64 = 250 Hz for each bin.
    write('tone.wav', wavFile([tone(1000, 64, { level: 1 })], { encoding: 'f64' }));
    const frames = { length: 64, features: 'magnitude' } as const;
    const magnitudes = await waveOf(await open('tone.wav', { frames }), 0);
    magnitudes.forEach((magnitude, k) => expect(magnitude).toBeCloseTo(k === 4 ? 32 : 0, 5));
    const inputs = [signature('wave', [1, 33, 1, 2])];
    const spectrum = await open('tone.wav', { frames: { ...frames, features: 'spectrum' } }, { inputs });
    const parts = await waveOf(spectrum, 0);
    expect((await spectrum.get(0)).feeds['wave']!.dims).toEqual([1, 33, 1, 2]);
    // A sine is −i·N/2 in its bin.
    expect(parts[8]).toBeCloseTo(0, 4);
    expect(parts[9]).toBeCloseTo(-32, 4);
    // Hann's window halves it and puts a quarter on each side.
    const hann = await waveOf(await open('tone.wav', { frames: { ...frames, window: 'hann' } }), 0);
    expect(hann.slice(3, 6).map((m) => Math.round(1e4 * m) / 1e4)).toEqual([8, 16, 8]);
  });

  it('keep to Parseval', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 6, maxLength: 33 }),
        async (samples) => {
          write('noise.wav', wavFile([samples], { encoding: 'f64' }));
          const magnitudes = await waveOf(await open('noise.wav', { frames: { features: 'magnitude' } }), 0);
          const mirrored = (k: number) => (k === 0 || 2 * k === samples.length ? 1 : 2);
          const energy = magnitudes.reduce((sum, m, k) => sum + mirrored(k) * m * m, 0) / samples.length;
          expect(energy).toBeCloseTo(
            samples.reduce((sum, x) => sum + x * x, 0),
            3,
          );
        },
      ),
      { numRuns: 30 },
    );
  });

  it('that are no input of the model are told of by their shapes', async () => {
    const inputs = [signature('wave', [1, 1, 33])];
    const problem = await problemOf(
      open('tone.wav', { frames: { length: 64 } }, { inputs }).then((source) => source.get(0)),
    );
    expect(problem).toMatchObject({ code: 'sample-shape' });
  });
});

/** y = x + h, h' = h / 2 + x: what it gives can be computed by hand. */
const STREAM = model({
  inputs: [value('x', [1, 2]), value('h', [1, 2])],
  outputs: [value('y', [1, 2]), value('h_out', [1, 2])],
  nodes: [
    node('Add', ['x', 'h'], ['y']),
    node('Mul', ['h', 'half'], ['decayed']),
    node('Add', ['decayed', 'x'], ['h_out']),
  ],
  initializers: [floats('half', [1], [0.5])],
});
const STREAM_INPUTS = [signature('x', [1, 2]), signature('h', [1, 2])];
const STREAM_OUTPUTS = [signature('y', [1, 2]), signature('h_out', [1, 2])];
const states = { h: 'h_out' };
/** The states before each of some windows of one sample and a hop of one, by hand. */
const STEPS = [1, 2, 4, 8].map((n) => n / 16);

describe('states', () => {
  write('steps.wav', wavFile([STEPS], { encoding: 'f32' }));
  const frames = { length: 2, hop: 1 };
  const byHand = () => {
    let h = [0, 0];
    return STEPS.map((sample, i) => {
      const x = [i === 0 ? 0 : STEPS[i - 1]!, sample];
      const before = h;
      h = h.map((value, k) => value / 2 + x[k]!);
      return { x, before, y: x.map((value, k) => value + before[k]!) };
    });
  };

  it.each(['one', 'several'])('of the model under test are fed back, in %s workers', async (kind) => {
    const source = await open(
      'steps.wav',
      { frames, states },
      { inputs: STREAM_INPUTS, outputs: STREAM_OUTPUTS },
    );
    const workers = kind === 'one' ? oneWorker(1) : openWorkers(2);
    const runner = await workers.open(STREAM, {});
    try {
      const samples = [await source.get(0), await source.get(0)];
      for await (const [, outputs] of runner.run(samples)) {
        expect(Object.keys(outputs)).toEqual(['y']);
        expect(outputs['y']!.dims).toEqual([4, 2]);
        expect(Array.from(outputs['y']!.data as Float32Array)).toEqual(byHand().flatMap(({ y }) => y));
      }
    } finally {
      await runner.release();
      await workers.close();
    }
  });

  it('before each window of calibration are those that the float model has come to, in any order', async () => {
    let runs = 0;
    const floatModel: FloatModel = ({ x, h }) => {
      runs++;
      const next = Float32Array.from(
        h!.data as Float32Array,
        (v, i) => v / 2 + (x!.data as Float32Array)[i]!,
      );
      return Promise.resolve({ y: x!, h_out: { type: 'float32', dims: [1, 2], data: next } });
    };

    const opening = {
      inputs: STREAM_INPUTS,
      outputs: STREAM_OUTPUTS,
      floatModel,
      part: 'calibration',
    } as const;
    const source = await open('steps.wav', { frames, states }, opening);
    expect(source.count).toBe(4);
    for (const index of [0, 1, 2, 3, 1, 3, 0]) {
      const { feeds } = await source.get(index);
      const { x, before } = byHand()[index]!;
      expect(Array.from(feeds['x']!.data as Float32Array)).toEqual(x);
      expect(Array.from(feeds['h']!.data as Float32Array)).toEqual(before);
    }

    expect(runs).toBe(3);
  });

  it('begin with zeros in each sequence', async () => {
    const source = await open(
      'steps.wav',
      { frames: { ...frames, sequence: 3 }, states },
      { inputs: STREAM_INPUTS },
    );
    const [first, second] = [await source.get(0), await source.get(1)];
    expect([source.count, first.sequence?.frames.length, second.sequence?.frames.length]).toEqual([2, 3, 1]);
    expect(Array.from(second.feeds['h']!.data as Float32Array)).toEqual([0, 0]);
    expect(second.name).toBe('steps.wav, window 4');
  });

  it('of a class are what is known at the end', async () => {
    mkdirSync(join(dir, 'said/yes'), { recursive: true });
    write('said/yes/steps.wav', wavFile([STEPS], { encoding: 'f32' }));
    const source = await open('said', { frames, states }, { inputs: STREAM_INPUTS, labelKind: 'class' });
    expect((await source.get(0)).sequence?.result).toBe('last');
    const runner = await oneWorker(1).open(STREAM, {});
    for await (const [, { y }] of runner.run([await source.get(0)]))
      expect(Array.from(y!.data as Float32Array)).toEqual(byHand().at(-1)!.y);
    await runner.release();
  });

  it('that the model does not have, or of other shapes, are refused; a constant feeds the rest', async () => {
    const opening = {
      inputs: [...STREAM_INPUTS, signature('sr', [], 'int64')],
      outputs: [...STREAM_OUTPUTS, signature('z', [3, 2])],
    };
    const codeOf = async (section: Partial<DataSection>) =>
      (await problemOf(open('steps.wav', section, opening)))?.code;
    expect(await codeOf({ frames, states: { g: 'h_out' }, constants: { sr: 1 } })).toBe('states-unfit');
    expect(await codeOf({ frames, states: { h: 'g' }, constants: { sr: 1 } })).toBe('states-unfit');
    expect(await codeOf({ frames, states: { h: 'z' }, constants: { sr: 1 } })).toBe('states-unfit');
    expect(await codeOf({ frames, states })).toBe('data-inputs');
    expect(await codeOf({ frames, states, constants: { rate: 1, sr: 1 } })).toBe('data-inputs');
    const { feeds } = await (
      await open('steps.wav', { frames, states, constants: { sr: 16_000 } }, opening)
    ).get(0);
    expect(feeds['sr']).toMatchObject({ dims: [], data: BigInt64Array.of(16_000n) });
  });
});

it('settings, files and labels belong to the identity of the data', async () => {
  write('print.wav', wavFile([STEPS]));
  const print = async (section: Partial<DataSection>) => (await open('print.wav', section)).fingerprint();
  const prints = [
    await print({}),
    await print({ frames: { length: 2 } }),
    await print({ frames: { length: 2, hop: 1 } }),
  ];
  write('print.wav', wavFile([[...STEPS].reverse()]));
  prints.push(await print({}));
  expect(new Set(prints).size).toBe(4);
});
