import { describe, expect, it } from 'vitest';
import { workersFor, oneWorker, openWorkers, type Workers } from '../src/runtime/workers.js';
import type { HostTensor } from '@quantsmith/model/arrays';
import { prepareModel } from '../src/prepare/prepare.js';
import { batchSize } from '../src/validation/batchSize.js';
import type { ModelProto } from '@quantsmith/model/onnx';
import type { QuantsmithError } from '@quantsmith/schemas';
import { ints, loaded, model, node, value } from '../../test/kit/models.js';

/** Models on rows of four values. */
const ofOne = (op: string, inputs: readonly string[]) =>
  model({ nodes: [node(op, inputs, ['y'])], inputs: [value('x', [1, 4])], outputs: [value('y', [1, 4])] });
const doubling = ofOne('Add', ['x', 'x']);
const sample = (index: number) => ({
  index,
  feeds: { x: { type: 'float32', dims: [1, 4], data: new Float32Array(4).fill(index) } as HostTensor },
});
const samples = (count: number) => Array.from({ length: count }, (_, index) => sample(index));

async function withWorkers<T>(workers: Workers, body: (workers: Workers) => Promise<T>): Promise<T> {
  try {
    return await body(workers);
  } finally {
    await workers.close();
  }
}

describe('workers', () => {
  it('can be closed at any moment of their start', async () => {
    const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
    // A crash would take the process of the tests along.
    for (let delay = 0; delay < 100; delay += 3) {
      const workers = openWorkers(4);
      workers.warm(doubling);
      await pause(delay);
      await expect(workers.close()).resolves.toBeUndefined();
    }
  });

  it.each([
    ['one', () => oneWorker(1)],
    ['two', () => openWorkers(2)],
    ['three', () => openWorkers(3)],
  ])('give all results in the order of the samples (%s)', async (_, open) => {
    await withWorkers(open(), async (workers) => {
      const runner = await workers.open(doubling, {});
      const seen: [number, number][] = [];
      for await (const [{ index }, results] of runner.run(samples(500))) {
        seen.push([index, Number(results['y']!.data[3])]);
      }

      await runner.release();
      expect(seen).toEqual(samples(500).map(({ index }) => [index, 2 * index]));
    });
  });
  it('run several models in turns, and any of them again', async () => {
    await withWorkers(openWorkers(2), async (workers) => {
      const runners = [await workers.open(doubling, {}), await workers.open(doubling, {})];
      for (const runner of [...runners, ...runners]) {
        let sum = 0;
        for await (const [, results] of runner.run(samples(10))) sum += Number(results['y']!.data[0]);
        expect(sum).toBe(90);
      }

      for (const runner of runners) await runner.release();
    });
  });
  it('read samples a little ahead, not all at once', async () => {
    await withWorkers(openWorkers(2), async (workers) => {
      const runner = await workers.open(doubling, {});
      let read = 0;
      let most = 0;
      let done = 0;
      async function* counted() {
        for (const each of samples(2000)) {
          read++;
          yield await Promise.resolve(each);
        }
      }

      for await (const result of runner.run(counted())) {
        done += result.length / 2;
        most = Math.max(most, read - done);
      }

      await runner.release();
      expect(done).toBe(2000);
      expect(most).toBeLessThanOrEqual(5 * 64);
    });
  });
  it.each([
    ['one', () => oneWorker(2)],
    ['two', () => openWorkers(2)],
  ])('say which sample does not fit and why, and go on with the next model (%s)', async (_, open) => {
    await withWorkers(open(), async (workers) => {
      const runner = await workers.open(doubling, { batch: 2 });
      const wrong = {
        name: 'wide.png',
        feeds: { x: { type: 'float32', dims: [1, 5], data: new Float32Array(5) } as HostTensor },
      };
      const drain = async () => {
        for await (const result of runner.run([...samples(3), wrong])) expect(result).toHaveLength(2);
      };

      await expect(drain()).rejects.toMatchObject({
        problem: {
          code: 'runtime-input',
          message: expect.stringMatching(/^Sample "wide\.png": /) as string,
          data: { sample: 'wide.png' },
        },
      });
      await runner.release();
      const next = await workers.open(doubling, {});
      for await (const [, results] of next.run(samples(1))) expect(results['y']!.data[0]).toBe(0);
      await next.release();
    });
  });
  it.each([
    ['one', () => oneWorker(2)],
    ['two', () => openWorkers(2)],
  ])('blame no sample for what all of them fail of, and the one that alone does (%s)', async (_, open) => {
    await withWorkers(open(), async (workers) => {
      const reshaped = model({
        nodes: [node('Reshape', ['x', 'shape'], ['y'])],
        inputs: [value('x', ['n', 'size'])],
        outputs: [value('y', ['n', 'a', 'b'])],
        initializers: [ints('shape', [-1, 2, 2])],
      });
      const sized = (name: string, size: number) => ({
        name,
        feeds: { x: { type: 'float32', dims: [1, size], data: new Float32Array(size) } as HostTensor },
      });
      for (const batch of [1, 2]) {
        const runner = await workers.open(reshaped, { batch });
        const failureOf = async (given: readonly ReturnType<typeof sized>[]) => {
          const drain = async () => {
            for await (const result of runner.run(given)) expect(result).toHaveLength(2);
          };

          const error: unknown = await drain().catch((reason: unknown) => reason);
          return (error as QuantsmithError).problem;
        };

        const [fine, wrong] = [sized('fine', 4), sized('wrong', 5)];
        const common = await failureOf([sized('#0', 5), sized('#1', 5), sized('#2', 5)]);
        expect(common.message).toMatch(/^ONNX Runtime cannot run the model: .*reshape/i);
        expect(common.message).not.toContain('onnxruntime_src');
        expect(common.data).not.toHaveProperty('sample');
        for (const given of [[wrong, fine, fine], [fine, wrong, wrong], [fine, fine, fine, wrong], [wrong]])
          expect((await failureOf(given)).message).toMatch(/^Sample "wrong": /);
        await runner.release();
      }
    });
  });
  it('tell a failure although the next sample cannot be read', async () => {
    await withWorkers(oneWorker(1), async (workers) => {
      const runner = await workers.open(ofOne('Relu', ['x']), {});
      const samples = (function* () {
        yield {
          name: 'wrong',
          feeds: { x: { type: 'float32', dims: [1], data: new Float32Array(1) } as HostTensor },
        };
        throw new Error('cannot be read');
      })();
      const drain = async () => {
        for await (const result of runner.run(samples)) expect(result).toHaveLength(2);
      };

      await expect(drain()).rejects.toThrow(/^Sample "wrong": ONNX Runtime cannot run/);
      await runner.release();
    });
  });
  it('say why a model cannot be loaded', async () => {
    const unknown = ofOne('NoSuchOperator', ['x']);
    await withWorkers(openWorkers(2), async (workers) => {
      await expect(workers.open(unknown, {})).rejects.toMatchObject({
        problem: { code: 'runtime-unknown-operator' },
      });
    });
  });
  it.each([
    ['one', () => oneWorker(2)],
    ['two', () => openWorkers(2)],
  ])('run samples in batches, and alone what cannot be joined (%s)', async (_, open) => {
    const free = model({
      nodes: [node('Add', ['x', 'x'], ['y'])],
      inputs: [value('x', ['n', 'size'])],
      outputs: [value('y', ['n', 'size'])],
    });
    const sized = (index: number) => {
      const size = index < 10 ? 3 : 4;
      const data = new Float32Array(size).fill(index);
      return { index, feeds: { x: { type: 'float32', dims: [1, size], data } as HostTensor } };
    };

    await withWorkers(open(), async (workers) => {
      const runner = await workers.open(free, { batch: 4 });
      const all = Array.from({ length: 50 }, (_, index) => sized(index));
      for await (const [{ index, feeds }, { y }] of runner.run(all)) {
        expect(y!.dims).toEqual(feeds.x.dims);
        expect(Array.from(y!.data as Float32Array)).toEqual(
          Array.from(feeds.x.data as Float32Array, (x) => x + x),
        );
        expect(y!.data[0]).toBe(2 * index);
      }

      await runner.release();
    });
  });
  it('are fewer and wider for large models', () => {
    expect(workersFor(4, 10e6)).toBe(4);
    expect(workersFor(4, 250 * 2 ** 20)).toBe(2);
    expect(workersFor(4, 3e9)).toBe(1);
    expect(workersFor(64, 1e6)).toBe(8);
    expect(workersFor(1, 1e6)).toBe(1);
  });
});

describe('the size of a batch', () => {
  const probe = async (proto: ModelProto, dims: number[] = [1, 4]) => {
    const prepared = await prepareModel(loaded(proto));
    const some = [1, 2, 3].map((fill) => ({
      feeds: {
        x: {
          type: 'float32' as const,
          dims,
          data: new Float32Array(dims.reduce((a, b) => a * b)).fill(fill),
        },
      },
    }));
    return withWorkers(openWorkers(2), (workers) => batchSize(prepared, some, workers));
  };

  const small = (op: string, input: (string | number)[], output: (string | number)[], attributes = {}) =>
    model({
      nodes: [node(op, ['x'], ['y'], attributes)],
      inputs: [value('x', input)],
      outputs: [value('y', output)],
    });
  it('is more than one where samples do not touch each other', async () => {
    expect(await probe(small('Relu', ['n', 4], ['n', 4]))).toBe(16);
  });
  it('is one where they do', async () => {
    expect(await probe(small('Softmax', ['n', 4], ['n', 4], { axis: 0 }))).toBe(1);
    expect(await probe(small('ReduceMean', ['n', 4], [1, 4], { axes: [0] }))).toBe(1);
  });
  it('is one where the first dimension is fixed, or free by name alone', async () => {
    expect(await probe(small('Relu', [1, 4], [1, 4]))).toBe(1);
    const reshaped = model({
      nodes: [node('Reshape', ['x', 'shape'], ['y'])],
      inputs: [value('x', ['n', 4])],
      outputs: [value('y', ['m', 4])],
      initializers: [ints('shape', [1, 4])],
    });
    expect(await probe(reshaped)).toBe(1);
  });
  it('is one where a sample alone fills the caches', async () => {
    expect(await probe(small('Relu', ['n', 3, 256, 256], ['n', 3, 256, 256]), [1, 3, 256, 256])).toBe(1);
  });
});
