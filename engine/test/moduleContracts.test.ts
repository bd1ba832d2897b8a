import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { LoaderInfo } from '../src/data/modules/contract.js';
import { helpersFor } from '../src/data/modules/helpers.js';
import { startLoader } from '../src/data/modules/loaderHost.js';
import type { ModuleRequest } from '../src/data/modules/messages.js';
import { startMetric } from '../src/data/modules/metricHost.js';
import { thrownBy } from '../src/data/modules/thrown.js';
import { openTensorFolder } from '../src/profile/save.js';

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-contracts-'));
afterAll(() => rmSync(folder, { recursive: true }));

// In a module's process the same functions take what a user's module exports; it is killed and cannot say what ran in it.

describe('what a loader may export', () => {
  const info: LoaderInfo = { ...helpersFor(folder), inputs: [{ name: 'x', type: 'float32', dims: [1, 2] }] };
  const tensor = { dims: [1, 2], data: [1, 2] };
  const next = { kind: 'next' } as const;
  const start = (exported: unknown) => startLoader(exported, info);
  const first = async (item: unknown) => (await start([item])).answer(next);

  it('is an iterable, synchronous or not, or a function that gives one', async () => {
    const given = { feeds: { x: tensor }, label: null, name: null, image: null };
    async function* later() {
      yield await Promise.resolve({ x: tensor });
    }

    for (const exported of [
      [{ x: tensor }],
      later(),
      () => [{ feeds: { x: tensor } }],
      () => Promise.resolve(later()),
    ]) {
      const { facts, answer } = await start(exported);
      expect(facts).toEqual({ length: null, metric: null });
      expect([await answer(next), await answer(next)]).toEqual([given, null]);
    }
  });

  it('is a list whose samples are asked for by number', async () => {
    const { facts, answer } = await start(({ inputs }: LoaderInfo) => ({
      length: 2,
      get: (index: number) => ({ feeds: { [inputs[0]!.name]: tensor }, name: index, label: index }),
    }));
    expect(facts.length).toBe(2);
    expect(await answer({ kind: 'get', index: 1 })).toMatchObject({ name: '1', label: 1 });
    expect(await answer(next)).toBeNull();
  });

  it.each<[unknown, string]>([
    [5, 'neither samples nor a function that returns them'],
    [null, 'neither samples nor a function that returns them'],
    [{ length: 2 }, 'neither samples nor a function that returns them'],
    [{ length: 2, get: 1 }, 'neither samples nor a function that returns them'],
    [{ length: -1, get: () => null }, 'its length is -1'],
    [{ length: 'many', get: () => null }, 'its length is many'],
  ])('is not %j', async (exported, message) => {
    await expect(start(exported)).rejects.toThrow(message);
  });

  it.each<[unknown, string]>([
    [undefined, 'the sample is undefined'],
    ['text', 'the sample is text'],
    [{ feeds: null }, '"feeds" contains no tensors'],
    [{ feeds: 3 }, '"feeds" contains no tensors'],
    [{ x: [1, 2] }, '"x" is not {dims, data}'],
    [{ x: null }, '"x" is not {dims, data}'],
    [{ x: { dims: 2, data: [1, 2] } }, 'the dims of "x" are not a list of sizes'],
    [{ x: { dims: [1.5], data: [1] } }, 'the dims of "x" are not a list of sizes'],
    [{ x: { dims: [-1], data: [1] } }, 'the dims of "x" are not a list of sizes'],
    [{ x: { dims: [2], data: 'ab' } }, 'the data of "x" is neither a typed array nor an array'],
    [{ x: { dims: [2], data: new DataView(new ArrayBuffer(2)) } }, 'neither a typed array nor an array'],
    [{ x: { dims: [3], data: [1] } }, '"x" has 1 values, but [3] needs 3'],
  ])('has no sample %j', async (item, message) => {
    await expect(first(item)).rejects.toThrow(message);
  });

  it('may call an input "feeds", and name samples by anything', async () => {
    expect(await first({ feeds: tensor })).toMatchObject({ feeds: { feeds: tensor } });
    const image = { scale: 2 };
    expect(await first({ feeds: { x: tensor }, name: ['a', 1], image })).toMatchObject({
      name: '["a",1]',
      image,
    });
    expect(await first({ feeds: { x: tensor }, name: null })).toMatchObject({ name: null });
  });
});

describe('what a metric may export', () => {
  const start = (exported: unknown) => startMetric(exported, helpersFor(folder));
  const accumulate = {
    ...{ kind: 'accumulate', outputs: { y: { dims: [1], data: [3] } }, label: 2, floatOutputs: null },
    sample: { name: '0', index: 0 },
  } as unknown as ModuleRequest;
  const result = (kind: 'result' | 'sampleError', added: unknown[], states: number[]): ModuleRequest => ({
    ...{ kind, added, states },
  });

  it('is a value for each sample', async () => {
    const { facts, answer } = await start({ evaluate: () => 0.5, name: '', higherIsBetter: false });
    expect(facts.metric).toEqual({
      ...{ name: null, higherIsBetter: false, needsFloatOutputs: false, needsInputs: false },
      ...{ form: 'evaluate', hasSampleError: false },
    });
    expect(await answer(accumulate)).toBe(0.5);
  });

  it('is states and a value of them, each sent once', async () => {
    const metric = {
      ...{ name: 'mean', needsFloatOutputs: true, needsInputs: true },
      accumulate: (outputs: { y: { data: number[] } }, label: number) => ({
        value: outputs.y.data[0]! * label,
      }),
      result: (states: { value: number }[]) => states.reduce((sum, { value }) => sum + value, 0),
      sampleError: ({ value }: { value: number }) => -value,
    };
    const { facts, answer } = await start(() => metric);
    expect(facts.metric).toMatchObject({
      name: 'mean',
      form: 'accumulate',
      hasSampleError: true,
      needsInputs: true,
    });
    expect(await answer(accumulate)).toEqual({ value: 6 });
    expect(await answer(result('result', [{ value: 6 }, { value: 1 }], [0, 1]))).toBe(7);
    expect(await answer(result('sampleError', [], [1]))).toBe(-1);
    expect(answer({ kind: 'next' })).toBeNull();
  });

  it.each<[unknown]>([
    [null],
    [{}],
    [() => 5],
    [{ accumulate: () => 1 }],
    [{ evaluate: 1, result: () => 1 }],
  ])('is not %j', async (exported) => {
    await expect(start(exported)).rejects.toThrow('neither "evaluate" nor "accumulate" and "result"');
  });

  it.each<[unknown, string]>([
    [Number.NaN, '"evaluate" returned NaN'],
    ['good', '"evaluate" returned no number (string)'],
    [undefined, '"evaluate" returned no number (undefined)'],
  ])('has no value %s', async (value, message) => {
    const { answer } = await start({ evaluate: () => value });
    await expect(answer(accumulate)).rejects.toThrow(message);
  });

  it.each<[unknown, string]>([
    [undefined, '"accumulate" returned nothing'],
    [() => 1, '"accumulate" returned nothing'],
    [{ loss: Infinity }, 'a state with Infinity, which JSON cannot hold'],
  ])('has no state %s', async (state, message) => {
    const { answer } = await start({ accumulate: () => state, result: () => Number.NaN });
    await expect(answer(accumulate)).rejects.toThrow(message);
    expect(() => answer(result('result', [1], [0]))).toThrow('"result" returned NaN');
  });
});

it('what a module throws is told in words, whatever it is', () => {
  expect(thrownBy(new RangeError('too far'))).toEqual({
    message: 'too far',
    stack: expect.stringContaining('RangeError: too far'),
  });
  const bare = Object.assign(new Error('x'.repeat(3000)), { stack: undefined });
  expect(thrownBy(bare)).toEqual({ message: 'x'.repeat(2000), stack: '' });
  expect(thrownBy('a text')).toEqual({ message: 'a text', stack: '' });
  expect(thrownBy({ code: 7 })).toEqual({ message: '{ code: 7 }', stack: '' });
  for (const nothing of [undefined, null, ''])
    expect(thrownBy(nothing).message).toMatch(/^(undefined|null|'') was thrown$/);
  expect(thrownBy(new TypeError()).message).toBe('TypeError without a message');
  expect(thrownBy(Object.assign(new Error(), { message: { reason: 3 } })).message).toBe('{ reason: 3 }');
  expect(thrownBy(Object.assign(new Error('no'), { stack: 7 })).stack).toBe('7');
  const hostile = new Proxy(new Error('no'), {
    get() {
      throw new Error('never');
    },
  });
  expect(thrownBy(hostile)).toEqual({ message: 'something that cannot be read was thrown', stack: '' });
});

describe('a folder for tensors', () => {
  const tensor = (dims: number[], fill: (index: number) => number) => {
    const data = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, index) => fill(index));
    return { type: 'float32', dims, data } as const;
  };

  it('holds arrays of each layer, and pictures of feature maps', async () => {
    const dir = join(folder, 'layers');
    const { keep, written } = await openTensorFolder(dir);
    keep(
      '/conv/Conv',
      tensor([1, 2, 4, 5], (index) => index),
      tensor([1, 2, 4, 5], (index) => index + 1),
    );
    keep(
      'flat',
      tensor([3], () => 0),
      tensor([3], () => 0),
    );
    keep(
      'small',
      tensor([1, 2, 2, 2], () => 0),
      tensor([1, 2, 2, 2], () => 0),
    );
    keep(
      'even',
      tensor([1, 1, 4, 4], () => 2),
      tensor([1, 1, 4, 4], () => 2),
    );
    const names = (await written()).map((path) => path.slice(dir.length + 1));
    expect(names.filter((name) => name.endsWith('.png'))).toEqual(['000-_conv_Conv.png', '003-even.png']);
    expect(names).toHaveLength(10);
    expect(readFileSync(join(dir, '001-flat.float.npy'), 'latin1')).toContain("'shape': (3,)");
  });

  it('is a new one or an empty one', async () => {
    writeFileSync(join(folder, 'file'), '');
    mkdirSync(join(folder, 'full/inside'), { recursive: true });
    const open = (name: string) => openTensorFolder(join(folder, name));
    await expect(open('file')).rejects.toThrow('something else has its name');
    await expect(open('full')).rejects.toThrow('is not empty');
    await expect(open('none/below')).rejects.toThrow('its parent does not exist or is not writable');
  });

  it('that has got a file meanwhile is left alone, and no half of it stays', async () => {
    const dir = join(folder, 'taken');
    const { keep, written } = await openTensorFolder(dir);
    keep(
      'a',
      tensor([1], () => 0),
      tensor([1], () => 0),
    );
    mkdirSync(dir);
    writeFileSync(join(dir, 'mine'), '');
    await expect(written()).rejects.toThrow(`${dir} cannot be written: `);
    expect(() => readFileSync(join(`${dir}~${process.pid}`, '000-a.float.npy'))).toThrow('ENOENT');
  });
});
