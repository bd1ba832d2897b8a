import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { inspectModel } from '../src/onnx/inspect.js';
import { readMetadata } from '../src/onnx/metadata.js';
import { nameNodes } from '../src/onnx/names.js';
import type { ModelProto } from '../src/onnx/model.js';
import { ModelProtoSchema, StringStringEntryProtoSchema, type TensorProto } from '../src/onnx/onnx_pb.js';
import { modelSha256, readModel } from '../src/onnx/read.js';
import { makeTensor, readFloats, readInts } from '../src/onnx/tensor.js';
import { halfToFloat } from '../src/arrays/halves.js';
import { encodeModel } from '../src/onnx/encode.js';
import { writeModel } from '../src/onnx/write.js';
import { QuantsmithError } from '@quantsmith/schemas';
import { DATA, hasData, realModels } from '../../test/kit/realModels.js';
import { floats, ints, model, node, randoms, value } from '../../test/kit/models.js';
import { runModel } from '../../test/kit/runModel.js';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'quantsmith-onnx-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A new folder, so that tests do not see each other's files. */
const folder = () => mkdtempSync(join(dir, 'case-'));

const linear = (weight: TensorProto = floats('w', [40, 50], randoms(2000))): ModelProto =>
  model({
    inputs: [value('x', ['n', 40])],
    outputs: [value('y', ['n', 50])],
    nodes: [node('MatMul', ['x', 'w'], ['y'])],
    initializers: [weight],
  });

function written(bytes: Uint8Array | string, name = 'm.onnx'): string {
  const path = join(folder(), name);
  writeFileSync(path, bytes);
  return path;
}

async function problemOf(promise: Promise<unknown>) {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(QuantsmithError);
  return (error as QuantsmithError).problem;
}

const externalTensor = (entries: Record<string, string>): TensorProto => ({
  ...makeTensor('w', [40, 50], 1, new Float32Array(0)),
  dataLocation: 1,
  externalData: Object.entries(entries).map(([key, text]) =>
    create(StringStringEntryProtoSchema, { key, value: text }),
  ),
});

describe('hostile files are one error that names the file', () => {
  const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13);
  const whole = encodeModel(linear());
  test.each<[string, Uint8Array | string, string]>([
    ['empty', '', 'model-not-onnx'],
    ['a picture', png, 'model-not-onnx'],
    ['a text', 'model: net.onnx\noutput: out.onnx\n', 'model-not-onnx'],
    ['zeros', new Uint8Array(100), 'model-not-onnx'],
    ['cut in its middle', whole.subarray(0, whole.length / 2), 'model-truncated'],
    ['cut by a byte', whole.subarray(0, whole.length - 1), 'model-truncated'],
  ])('%s', async (_what, bytes, code) => {
    const path = written(bytes);
    for (const reader of [readModel, inspectModel]) {
      const problem = await problemOf(reader(path));
      expect(problem).toMatchObject({ code, severity: 'error', file: path });
      expect(problem.message).toContain(path);
    }
  });

  test('missing, or a folder', async () => {
    const path = join(folder(), 'none.onnx');
    expect(await problemOf(readModel(path))).toMatchObject({ code: 'model-not-found', file: path });
    expect(await problemOf(inspectModel(path))).toMatchObject({ code: 'model-not-found', file: path });
    expect(await problemOf(readModel(dir))).toMatchObject({ code: 'model-not-readable' });
    expect(await problemOf(inspectModel(dir))).toMatchObject({ code: 'model-not-readable' });
  });

  test.each<[string, TensorProto]>([
    ['fewer bytes than the shape', { ...floats('w', [40, 50], randoms(1999)) }],
    ['a negative dimension', { ...floats('w', [40, 50], randoms(2000)), dims: [-40n, 50n] }],
    ['a huge shape', { ...floats('w', [1], [1]), dims: [1n << 40n, 1n << 40n] }],
    ['no values at all', { ...floats('w', [40, 50], []) }],
    ['too few typed values', { ...floats('w', [40, 50], []), floatData: [1, 2, 3] }],
  ])('a tensor with %s', async (_what, tensor) => {
    const path = written(encodeModel(linear(tensor)));
    const problem = await problemOf(readModel(path));
    expect(problem).toMatchObject({ code: 'tensor-size-mismatch', file: path });
    expect(problem.message).toContain('"w"');
  });

  test.each<[string, Record<string, string>, string]>([
    ['missing', { location: 'none.bin' }, 'external-data-missing'],
    ['above the folder', { location: '../w.bin' }, 'external-data-outside'],
    ['absolute', { location: '/etc/hostname' }, 'external-data-outside'],
    ['without a name', {}, 'external-data-outside'],
    ['behind a link that leads out', { location: 'link.bin' }, 'external-data-outside'],
    ['too short', { location: 'short.bin' }, 'external-data-truncated'],
    ['beyond its end', { location: 'whole.bin', offset: '4' }, 'external-data-truncated'],
    ['at no number', { location: 'whole.bin', offset: 'x' }, 'external-data-invalid'],
    ['of another length', { location: 'whole.bin', length: '100' }, 'tensor-size-mismatch'],
  ])('external data %s', async (_what, entries, code) => {
    const path = written(encodeModel(linear(externalTensor(entries))));
    const beside = join(path, '..');
    writeFileSync(join(beside, 'short.bin'), new Uint8Array(10));
    writeFileSync(join(beside, 'whole.bin'), new Uint8Array(8000));
    writeFileSync(join(dir, 'secret.bin'), new Uint8Array(8000));
    symlinkSync(join(dir, 'secret.bin'), join(beside, 'link.bin'));
    const problem = await problemOf(
      readModel(path).then(({ model: m }) => readFloats(m.graph.initializer[0]!, beside)),
    );
    expect(problem.code).toBe(code);
    expect(problem.message).toContain('"w"');
  });

  test('any damage ends in a model or a problem, never in another error', async () => {
    const path = written('');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 8,
        }),
        async (changes) => {
          const bytes = whole.slice();
          // The interesting bytes are the structure at both ends, not the weights between them.
          for (const [at, byte] of changes)
            bytes[at % 2 === 0 ? at % 60 : bytes.length - 1 - (at % 60)] = byte;
          writeFileSync(path, bytes);
          for (const reader of [readModel, inspectModel]) {
            const error: unknown = await reader(path).catch((reason: unknown) => reason);
            if (error instanceof Error) expect(error).toBeInstanceOf(QuantsmithError);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('writing', () => {
  test('bytes are asked for once, and hold what the model holds', () => {
    const typed = { ...floats('typed', [3], []), floatData: [1, 2, 3] };
    const outside = externalTensor({ location: 'w.bin' });
    for (const whole of [linear(), linear(typed), linear(outside)]) {
      const asked: number[] = [];
      const bytes = encodeModel(whole, (length) => {
        asked.push(length);
        return new Uint8Array(length);
      });
      expect(asked).toEqual([bytes.byteLength]);
      expect(fromBinary(ModelProtoSchema, bytes)).toEqual(
        fromBinary(ModelProtoSchema, toBinary(ModelProtoSchema, whole)),
      );
    }
  });

  test('a model comes back as it was', async () => {
    const path = join(folder(), 'm.onnx');
    const { bytes, dataName } = await writeModel(linear(), path, { sourceDir: dir, externalData: 'auto' });
    expect([bytes, dataName]).toEqual([readFileSync(path).byteLength, null]);
    expect((await readModel(path)).model).toEqual(linear());
    expect(readdirSync(join(path, '..'))).toEqual(['m.onnx']);
  });

  test('weights as external data, and back into the file', async () => {
    const out = folder();
    const path = join(out, 'm.onnx');
    await writeModel(linear(), path, { sourceDir: dir, externalData: true });
    expect(readdirSync(out).sort()).toEqual(['m.onnx', 'm.onnx.data']);
    const loaded = await readModel(path);
    expect(loaded.externalFiles).toEqual([join(out, 'm.onnx.data')]);
    const [weight] = loaded.model.graph.initializer;
    expect(weight!.rawData).toHaveLength(0);
    expect(readFloats(weight!, out)).toEqual(randoms(2000));
    const x = { x: { type: 'float32', dims: [1, 40], data: randoms(40) } } as const;
    expect((await runModel(loaded.model, x, out))['y']!.data).toEqual(
      (await runModel(linear(), x))['y']!.data,
    );
    const inside = join(folder(), 'inside.onnx');
    await writeModel(loaded.model, inside, { sourceDir: out, externalData: false });
    expect(readFloats((await readModel(inside)).model.graph.initializer[0]!, dir)).toEqual(randoms(2000));
  });

  test('the hash covers the external data', async () => {
    const out = folder();
    const path = join(out, 'm.onnx');
    await writeModel(linear(), path, { sourceDir: dir, externalData: true });
    const loaded = await readModel(path);
    const before = await modelSha256(loaded);
    const data = readFileSync(join(out, 'm.onnx.data'));
    data[0]! ^= 1;
    writeFileSync(join(out, 'm.onnx.data'), data);
    expect(await modelSha256(loaded)).not.toBe(before);
  });

  test('external data is named as the writer says, after its content', async () => {
    const out = folder();
    const data = { path: join(out, 'staged'), nameFor: (sha256: string) => `${sha256.slice(0, 8)}.data` };
    const { dataName } = await writeModel(linear(), join(out, 'm.onnx'), {
      ...{ sourceDir: dir, externalData: true, data },
    });
    expect(dataName).toMatch(/^[0-9a-f]{8}\.data$/);
    renameSync(join(out, 'staged'), join(out, dataName!));
    const { model: read } = await readModel(join(out, 'm.onnx'));
    expect(readFloats(read.graph.initializer[0]!, out)).toEqual(randoms(2000));
  });

  test('a folder that is not there is a problem', async () => {
    const nowhere = join(folder(), 'none', 'm.onnx');
    expect(
      await problemOf(writeModel(linear(), nowhere, { sourceDir: dir, externalData: 'auto' })),
    ).toMatchObject({ code: 'write-failed', file: nowhere });
  });

  test('metadata is read without the graph, and only of regular files', async () => {
    const out = folder();
    const path = join(out, 'm.onnx');
    const metadataProps = [create(StringStringEntryProtoSchema, { key: 'a', value: 'b' })];
    writeFileSync(path, encodeModel({ ...linear(), metadataProps }));
    expect([...(await readMetadata(path))!]).toEqual([['a', 'b']]);
    writeFileSync(path, 'notes');
    expect(await readMetadata(path)).toBeNull();
    expect(await readMetadata(out)).toBeNull();
  });
});

describe('tensors', () => {
  test('half precision', () => {
    expect([0x3c00, 0xc000, 0x3555, 0x0001, 0x7bff, 0x0000].map(halfToFloat)).toEqual([
      1,
      -2,
      0.333251953125,
      2 ** -24,
      65504,
      0,
    ]);
    expect(halfToFloat(0x7c00)).toBe(Number.POSITIVE_INFINITY);
    expect(halfToFloat(0x7e00)).toBeNaN();
    const halves = makeTensor('h', [2], 10, Uint16Array.of(0x3c00, 0xc000));
    expect([...readFloats(halves, dir)]).toEqual([1, -2]);
    const brain = makeTensor('b', [2], 16, Uint16Array.of(0x3f80, 0xc000));
    expect([...readFloats(brain, dir)]).toEqual([1, -2]);
  });

  test('integers, and the far ends of int64', () => {
    expect(readInts(ints('i', [3, -4]), dir)).toEqual([3, -4]);
    const ends = makeTensor('i', [2], 7, BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n)));
    expect(readInts(ends, dir)).toEqual([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]);
  });

  test('values in the typed fields', () => {
    const typed = { ...floats('f', [2], []), floatData: [1.5, 2.5] };
    expect([...readFloats(typed, dir)]).toEqual([1.5, 2.5]);
    expect(readInts({ ...ints('i', []), dims: [2n], int64Data: [7n, -7n] }, dir)).toEqual([7, -7]);
  });
});

test('unnamed nodes get stable names, repeated ones a number and a warning', () => {
  const source = model({
    inputs: [value('x', [1])],
    outputs: [value('d', [1])],
    nodes: [
      node('Relu', ['x'], ['a'], {}, ''),
      node('Relu', ['a'], ['b'], {}, 'r'),
      node('Relu', ['b'], ['c'], {}, 'r'),
      node('Relu', ['c'], ['d'], {}, 'Relu_0'),
    ],
  });
  const { model: named, problems } = nameNodes(source);
  expect(named.graph.node.map((found) => found.name)).toEqual(['Relu_0_2', 'r', 'r_2', 'Relu_0']);
  expect(problems.map((problem) => problem.code)).toEqual(['duplicate-node-name']);
});

describe('inspecting', () => {
  test('a model without its weights', async () => {
    const source = model({
      inputs: [value('x', ['n', 3, 8, 8]), value('w', [4, 3, 3, 3])],
      outputs: [value('y')],
      nodes: [
        node('Conv', ['x', 'w', 'b'], ['c'], { pads: [1, 1, 1, 1], auto_pad: 'NOTSET', group: 1 }, 'conv'),
        node('LeakyRelu', ['c'], ['y'], { alpha: { float: 0.5 } }, ''),
      ],
      initializers: [floats('w', [4, 3, 3, 3], randoms(108)), floats('b', [4], randoms(4))],
    });
    const path = written(encodeModel(source));
    expect(await inspectModel(path)).toEqual({
      path,
      fileBytes: readFileSync(path).byteLength,
      irVersion: 7,
      opsets: { 'ai.onnx': 13 },
      producer: 'test',
      externalData: [],
      inputs: [{ name: 'x', type: 'float32', dims: ['n', 3, 8, 8] }],
      outputs: [{ name: 'y', type: 'float32', dims: [], unranked: true }],
      nodes: [
        {
          name: 'conv',
          op: 'Conv',
          domain: '',
          inputs: ['x', 'w', 'b'],
          outputs: ['c'],
          constants: { 1: [4, 3, 3, 3], 2: [4] },
          floatConstants: [1, 2],
          attributes: { pads: [1, 1, 1, 1], auto_pad: 'NOTSET', group: 1 },
          bodies: [],
        },
        {
          name: 'LeakyRelu_1',
          op: 'LeakyRelu',
          domain: '',
          inputs: ['c'],
          outputs: ['y'],
          constants: {},
          floatConstants: [],
          attributes: { alpha: 0.5 },
          bodies: [],
        },
      ],
      functions: [],
      parameterCount: 112,
    });
  });

  test('the language server can load it without loading the runtime', async () => {
    const { metafile } = await build({
      entryPoints: [join(import.meta.dirname, '../src/onnx/inspect.ts')],
      bundle: true,
      write: false,
      metafile: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
    });
    const imports = Object.values(metafile.outputs).flatMap((output) =>
      output.imports.map(({ path }) => path),
    );
    const free = ['node:', '@bufbuild/', '@quantsmith/schemas'];
    expect(imports.filter((path) => !free.some((start) => path.startsWith(start)))).toEqual([]);
  });

  test('a weight that no memory would hold is stepped over', async () => {
    // A file with a hole: the tensor's raw bytes are there, but take no room and no time.
    const small = encodeModel(linear(floats('w', [40, 50], [])));
    const head = written(small);
    const path = join(head, '..', 'large.onnx');
    const bytes = largeModel(40_000_000_000);
    writeFileSync(path, bytes);
    truncateSync(path, bytes.byteLength + 40_000_000_000);
    const summary = await inspectModel(path);
    expect(summary.parameterCount).toBe(10_000_000_000);
    expect(summary.nodes).toHaveLength(1);
  });

  test.skipIf(!hasData)('agrees with the full reader on every real model', async () => {
    for (const file of realModels()) {
      const path = join(DATA, 'models', file);
      const summary = await inspectModel(path);
      const { graph } = nameNodes((await readModel(path)).model).model;
      expect(summary.nodes.map(({ name, op, inputs, outputs }) => ({ name, op, inputs, outputs }))).toEqual(
        graph.node.map(({ name, opType, input, output }) => ({
          name,
          op: opType,
          inputs: input,
          outputs: output,
        })),
      );
    }
  });
});

/** All of a model's bytes but the raw ones of its last tensor, whose length they state. */
function largeModel(rawBytes: number): Uint8Array {
  const varint = (number: number): number[] =>
    number < 128 ? [number] : [(number % 128) + 128, ...varint(Math.floor(number / 128))];
  const field = (number: number, bytes: readonly number[]) => [
    number * 8 + 2,
    ...varint(bytes.length),
    ...bytes,
  ];
  const text = (string: string) => [...new TextEncoder().encode(string)];
  const matMul = [
    ...field(1, text('x')),
    ...field(1, text('w')),
    ...field(2, text('y')),
    ...field(4, text('MatMul')),
  ];
  const tensorHead = [
    ...field(1, varint(rawBytes / 4)),
    0x10,
    1,
    ...field(8, text('w')),
    9 * 8 + 2,
    ...varint(rawBytes),
  ];
  const graphHead = [...field(1, matMul), 5 * 8 + 2, ...varint(tensorHead.length + rawBytes), ...tensorHead];
  const opset = field(8, [0x10, 13]);
  return Uint8Array.from([8, 7, ...opset, 7 * 8 + 2, ...varint(graphHead.length + rawBytes), ...graphHead]);
}
