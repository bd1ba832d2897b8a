import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ModelProto, encodeModel, makeTensor, readModel, writeModel } from '@quantsmith/model/onnx';
import { cpuFeatures, instructionSets } from '../src/runtime/cpu.js';
import { fusedKernels } from '../src/runtime/optimized.js';
import { createSession, run } from '../src/runtime/session.js';
import type { HostTensor } from '@quantsmith/model/arrays';
import { floats, model, node, randoms, value } from '../../test/kit/models.js';

const add = model({
  inputs: [value('x', ['n', 2])],
  outputs: [value('y', ['n', 2])],
  nodes: [node('Add', ['x', 'c'], ['y'])],
  initializers: [floats('c', [2], [1, 2])],
});

describe('sessions', () => {
  test('signatures, results, and only the outputs asked for', async () => {
    const session = await createSession(encodeModel(add), { threads: 1 });
    expect(session.inputs).toEqual([{ name: 'x', type: 'float32', dims: ['n', 2] }]);
    expect(session.outputs).toEqual([{ name: 'y', type: 'float32', dims: ['n', 2] }]);
    const x: HostTensor = { type: 'float32', dims: [1, 2], data: Float32Array.of(10, 20) };
    expect(await run(session, { x }, ['y'])).toEqual({
      y: { type: 'float32', dims: [1, 2], data: Float32Array.of(11, 22) },
    });
    await session.release();
  });

  test('what fails in an operator of ours is told as ours', async () => {
    const pooled = (name: string) =>
      model({
        inputs: [value('x', [1, 'c', 2, 2])],
        outputs: [value('y')],
        nodes: [node('GlobalMaxPool', ['x'], ['y'], {}, name)],
      });
    const codeOf = async (name: string) => {
      const session = await createSession(encodeModel(pooled(name)), { threads: 1 });
      const x: HostTensor = { type: 'float32', dims: [1, 0, 2, 2], data: new Float32Array(0) };
      const failure: unknown = await run(session, { x }).catch((error: unknown) => error);
      await session.release();
      return failure;
    };

    expect(await codeOf('pool')).toMatchObject({ problem: { code: 'runtime-run' } });
    expect(await codeOf('quantsmith_GlobalMaxPool_0')).toMatchObject({
      problem: { code: 'internal-operator', message: expect.stringContaining('not in your model') },
    });
  });

  test('half precision goes in and out as bits', async () => {
    const twice = model({
      inputs: [value('x', [2], 10)],
      outputs: [value('y', [2], 10)],
      nodes: [node('Add', ['x', 'x'], ['y'])],
    });
    const session = await createSession(encodeModel(twice), { threads: 1 });
    const { y } = await run(session, {
      x: { type: 'float16', dims: [2], data: Uint16Array.of(0x3c00, 0xc000) },
    });
    expect(y).toEqual({ type: 'float16', dims: [2], data: Uint16Array.of(0x4000, 0xc400) });
    await session.release();
  });

  test('bytes of a model find their external data', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'quantsmith-runtime-'));
    const wide = model({
      inputs: [value('x', [1, 600])],
      outputs: [value('y', [1, 600])],
      nodes: [node('Add', ['x', 'c'], ['y'])],
      initializers: [floats('c', [600], randoms(600))],
    });
    await writeModel(wide, join(dir, 'm.onnx'), { sourceDir: dir, externalData: true });
    const loaded = await readModel(join(dir, 'm.onnx'));
    const session = await createSession(encodeModel(loaded.model), { threads: 1, dir });
    const { y } = await run(session, { x: { type: 'float32', dims: [1, 600], data: new Float32Array(600) } });
    expect(y!.data).toEqual(randoms(600));
    await session.release();
    rmSync(dir, { recursive: true });
  });

  test.each<[string, ModelProto | Uint8Array | string]>([
    ['runtime-load', new Uint8Array(0)],
    ['runtime-load', Uint8Array.of(1, 2, 3)],
    ['runtime-load', '/nowhere/model.onnx'],
    [
      'runtime-unknown-operator',
      { ...add, graph: { ...add.graph, node: [node('Frobnicate', ['x'], ['y'])] } },
    ],
  ])('%s when a model cannot be loaded', async (code, source) => {
    const bytes = typeof source === 'string' || source instanceof Uint8Array ? source : encodeModel(source);
    await expect(createSession(bytes, { threads: 1 })).rejects.toMatchObject({
      problem: { code, severity: 'error' },
    });
  });

  test.each<[string, Record<string, HostTensor>]>([
    ['nothing', {}],
    ['another type', { x: { type: 'int32', dims: [1, 2], data: Int32Array.of(1, 2) } }],
    ['another shape', { x: { type: 'float32', dims: [1, 3], data: new Float32Array(3) } }],
    ['fewer values than the shape says', { x: { type: 'float32', dims: [2, 2], data: new Float32Array(3) } }],
  ])('runtime-input when it is fed %s', async (_what, feeds) => {
    const session = await createSession(encodeModel(add), { threads: 1 });
    await expect(run(session, feeds)).rejects.toMatchObject({ problem: { code: 'runtime-input' } });
    await session.release();
  });
});

describe('the optimized graph', () => {
  const scalar = (name: string, type: number, array: ArrayBufferView) => makeTensor(name, [], type, array);
  const qdq = (x: string) => [
    node('QuantizeLinear', [x, 's', 'z'], [`${x}_q`], {}, `${x}_quantize`),
    node('DequantizeLinear', [`${x}_q`, 's', 'z'], [`${x}_dq`], {}, `${x}_dequantize`),
  ];
  const codes = (name: string, dims: number[], count: number) =>
    makeTensor(
      name,
      dims,
      3,
      Int8Array.from(randoms(count), (number) => number * 100),
    );
  const quantized = model({
    inputs: [value('x', [1, 8, 16, 16])],
    outputs: [value('y', [1, 4])],
    nodes: [
      ...qdq('x'),
      node('DequantizeLinear', ['w1', 's', 'wz'], ['w1_dq']),
      node('DequantizeLinear', ['b1', 'bs'], ['b1_dq']),
      node('Conv', ['x_dq', 'w1_dq', 'b1_dq'], ['c1'], { pads: [1, 1, 1, 1] }, 'conv1'),
      node('Relu', ['c1'], ['r1'], {}, 'relu1'),
      ...qdq('r1'),
      node('MaxPool', ['r1_dq'], ['p1'], { kernel_shape: [2, 2], strides: [2, 2] }, 'pool1'),
      ...qdq('p1'),
      node('Conv', ['p1_dq', 'w1_dq'], ['c2'], { pads: [1, 1, 1, 1] }, 'conv2'),
      ...qdq('c2'),
      node('Add', ['c2_dq', 'p1_dq'], ['a'], {}, 'add'),
      ...qdq('a'),
      node('GlobalAveragePool', ['a_dq'], ['g'], {}, 'gap'),
      ...qdq('g'),
      node('Flatten', ['g_dq'], ['f'], {}, 'flat'),
      ...qdq('f'),
      node('DequantizeLinear', ['w2', 's', 'wz'], ['w2_dq']),
      node('Gemm', ['f_dq', 'w2_dq'], ['o'], { transB: 1 }, 'fc'),
      ...qdq('o'),
      node('Softmax', ['o_dq'], ['y'], { axis: -1 }, 'softmax'),
    ],
    initializers: [
      scalar('s', 1, Float32Array.of(0.01)),
      scalar('z', 2, Uint8Array.of(0)),
      scalar('wz', 3, Int8Array.of(0)),
      scalar('bs', 1, Float32Array.of(0.0001)),
      makeTensor('b1', [8], 6, new Int32Array(8)),
      codes('w1', [8, 8, 3, 3], 576),
      codes('w2', [4, 8], 32),
    ],
  });

  test('says which layer became which kernel, wherever the layout changed', async () => {
    const kernels = [...new Set((await fusedKernels(encodeModel(quantized))).values())];
    const of = (name: string) => kernels.find((kernel) => kernel.covers.includes(name));
    expect(of('conv1')).toMatchObject({ op: 'QLinearConv', kind: 'integer', covers: ['conv1', 'relu1'] });
    expect(of('conv2')).toMatchObject({ op: 'QLinearConv', kind: 'integer', covers: ['conv2'] });
    expect(of('pool1')).toMatchObject({ kind: 'integer' });
    expect(of('add')).toMatchObject({ op: 'QLinearAdd', kind: 'integer' });
    expect(of('gap')).toMatchObject({ op: 'QLinearGlobalAveragePool', kind: 'integer' });
    expect(of('flat')).toMatchObject({ op: 'Flatten', kind: 'integer' });
    expect(of('fc')).toMatchObject({ op: 'QGemm', kind: 'integer' });
    expect(of('softmax')).toMatchObject({ op: 'Softmax', kind: 'float' });
    expect(kernels.filter(({ kind }) => kind === 'conversion').map(({ op }) => op)).toEqual([
      'QuantizeLinear',
      'DequantizeLinear',
    ]);
  });

  test('every node of a float model belongs to one kernel', async () => {
    const source = model({
      inputs: [value('x', [1, 8, 8, 8])],
      outputs: [value('y', [1, 3])],
      nodes: [
        node('Conv', ['x', 'w'], ['c'], {}, 'conv'),
        node('Relu', ['c'], ['r'], {}, 'relu'),
        node('GlobalAveragePool', ['r'], ['g'], {}, 'gap'),
        node('Flatten', ['g'], ['f'], {}, 'flat'),
        node('MatMul', ['f', 'v'], ['m'], {}, 'mul'),
        node('Add', ['m', 'b'], ['y'], {}, 'bias'),
      ],
      initializers: [
        floats('w', [16, 8, 3, 3], randoms(1152)),
        floats('v', [16, 3], randoms(48)),
        floats('b', [3], randoms(3)),
      ],
    });
    const kernels = [...new Set((await fusedKernels(encodeModel(source))).values())];
    expect(kernels.flatMap(({ covers }) => covers).sort()).toEqual([
      'bias',
      'conv',
      'flat',
      'gap',
      'mul',
      'relu',
    ]);
    expect(kernels.every(({ kind }) => kind === 'float')).toBe(true);
    expect(kernels.find(({ covers }) => covers.includes('conv'))?.covers).toEqual(['conv', 'relu']);
    expect(kernels.find(({ covers }) => covers.includes('mul'))?.covers).toEqual(['mul', 'bias']);
  });

  test('leaves no file behind', async () => {
    const before = process.env['TMPDIR'];
    const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-scratch-'));
    process.env['TMPDIR'] = scratch;
    try {
      await fusedKernels(encodeModel(add));
      await fusedKernels(Uint8Array.of(1)).catch(() => undefined);
      expect(readdirSync(scratch)).toEqual([]);
    } finally {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
      rmSync(scratch, { recursive: true });
    }
  });
});

describe('the CPU', () => {
  test('has a name and known instruction sets', async () => {
    const { model: name, isa } = await cpuFeatures();
    expect(name).not.toBe('');
    expect(Array.isArray(isa)).toBe(true);
  });

  test.each([
    ['fpu sse4_2 avx avx2 bmi2', ['avx2']],
    [
      'avx2 avx512f avx512bw avx512_vnni avx_vnni amx_bf16 amx_tile amx_int8',
      ['avx2', 'avx512', 'avx512_vnni', 'avx_vnni', 'amx'],
    ],
    ['avx2 avx512f', ['avx2']],
    ['machdep.cpu.leaf7_features: RDWRFSGS AVX2 BMI2', ['avx2']],
    ['fp asimd aes asimdhp asimddp i8mm', ['neon_dot', 'neon_i8mm']],
    ['hw.optional.arm.FEAT_DotProd: 1', ['neon_dot']],
    ['', []],
  ])('%s', (flags, expected) => {
    expect(instructionSets(flags)).toEqual(expected);
  });
});
