import { readFileSync } from 'node:fs';
import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { indexGraph } from '@quantsmith/model/graph';
import {
  FunctionProtoSchema,
  OperatorSetIdProtoSchema,
  readModel,
  type ModelProto,
  type NodeProto,
} from '@quantsmith/model/onnx';
import { combineChanges, type QuantizationConfig } from '@quantsmith/schemas';
import type { Placement } from '../src/placement/types.js';
import { microseconds } from '../src/placement/kernelCosts.js';
import { slowInIntegers } from '../src/placement/slowInIntegers.js';
import { floats, ints, model, node, value } from '../../test/kit/models.js';
import { quantizeModel } from '../../test/kit/quantize.js';

type Quantization = NonNullable<QuantizationConfig['quantization']>;
type Isa = NonNullable<
  NonNullable<NonNullable<Quantization['advanced_parameters']>['backend_params']>['target_isa']
>;
const wave = (length: number, step: number) => Array.from({ length }, (_, i) => Math.sin(step * (i + 1)));
const [SIZE, CHANNELS] = [16, 8];
const SAMPLES = Array.from({ length: 4 }, (_, i) => ({
  shape: [CHANNELS, SIZE, SIZE],
  data: wave(CHANNELS * SIZE * SIZE, 0.1 + 0.37 * i),
}));
const shape = [1, CHANNELS, SIZE, SIZE];
const weight = (name: string, step: number) =>
  floats(name, [CHANNELS, CHANNELS, 1, 1], wave(CHANNELS * CHANNELS, step));

/** Two convolutions whose results are squashed, combined and squashed again: what combines them stands between float operators. */
const combining = (...combined: readonly NodeProto[]) =>
  model({
    nodes: [
      node('Conv', ['x', 'w1'], ['a'], {}, 'first'),
      node('Tanh', ['a'], ['s'], {}, 'squash'),
      node('Conv', ['x', 'w2'], ['b'], {}, 'second'),
      node('Tanh', ['b'], ['t'], {}, 'squash2'),
      ...combined,
      node('Tanh', ['m'], ['u'], {}, 'squash3'),
      node('Conv', ['u', 'w3'], ['c'], {}, 'third'),
      node('Add', ['c', 'u'], ['d'], {}, 'skip'),
      node('Conv', ['d', 'w4'], ['y'], {}, 'last'),
    ],
    inputs: [value('x', shape)],
    outputs: [value('y', shape)],
    initializers: [weight('w1', 3), weight('w2', 5), weight('w3', 7), weight('w4', 9)],
  });
const gated = combining(node('Mul', ['s', 't'], ['m'], {}, 'gate'));
const chained = combining(
  node('Mul', ['s', 't'], ['p'], {}, 'gate'),
  node('Add', ['p', 's'], ['m'], {}, 'shift'),
);

async function quantize(network: ModelProto, quantization: Quantization, samples = SAMPLES) {
  const { report, output } = await quantizeModel(network, samples, quantization);
  const written = (await readModel(output)).model.graph;
  const layer = (name: string) => report.layers.find((each) => each.name === name);
  return { report, bytes: readFileSync(output), written, layer };
}

type Aim = 'latency' | 'size' | 'integer' | null;
const aimed = (aim: Aim, isa: Isa = 'amx'): Quantization => ({
  ...{ defaults: 'nncf', optimize_for: aim },
  advanced_parameters: { backend_params: { target_isa: isa } },
});

describe('optimize_for: latency', () => {
  it('leaves in float what is slower in integers, and nothing else', async () => {
    const { layer, report } = await quantize(gated, aimed('latency'));
    expect(layer('gate')).toMatchObject({ quantized: false, kernel: null, runs: 'faster_in_float' });
    expect(layer('gate')?.runs_reason).toContain('Mul takes longer in integers');
    const others = ['first', 'second', 'third', 'skip', 'last'];
    expect(others.map((name) => layer(name)?.runs)).toEqual(others.map(() => 'integer'));
    expect(report.pinned).toEqual({});
  });
  it('keeps integers that hand each other codes on a class of CPU that was not measured', async () => {
    const { bytes, layer } = await quantize(chained, aimed('latency', 'avx2'));
    expect([layer('gate')?.runs, layer('shift')?.runs]).toEqual(['integer', 'integer']);
    expect(bytes.equals((await quantize(chained, aimed(null, 'avx2'))).bytes)).toBe(true);
    const measured = await quantize(chained, aimed('latency', 'amx'));
    expect(measured.layer('gate')?.runs).toBe('faster_in_float');
  });
  it('leaves in float what nobody gives or takes codes from, on every CPU', async () => {
    const { layer } = await quantize(gated, aimed('latency', 'avx2'));
    expect(layer('gate')?.runs).toBe('faster_in_float');
    expect(layer('skip')?.runs).toBe('integer');
    expect((await quantize(gated, aimed(null, 'avx2'))).layer('gate')?.runs).toBe('integer');
  });
  it('quantizes them all the same where there is nothing else', async () => {
    const rest = ['first', 'second', 'third', 'skip', 'last'];
    const { layer } = await quantize(gated, { ...aimed('latency'), ignored_scope: { names: rest } });
    expect(layer('gate')?.quantized).toBe(true);
  });
  it('keeps the codes of a table that no integer kernel reads', async () => {
    const lookup = model({
      nodes: [
        node('Gather', ['table', 'ids'], ['a'], {}, 'embedding'),
        node('Tanh', ['a'], ['s'], {}, 'squash'),
        node('MatMul', ['s', 'w'], ['y'], {}, 'product'),
      ],
      inputs: [value('ids', [4], 7)],
      outputs: [value('y', [4, 8])],
      initializers: [floats('table', [64, 8], wave(512, 3)), floats('w', [8, 8], wave(64, 5))],
    });
    const samples = [{ shape: [4], data: [0, 3, 1, 2] }];
    const { layer } = await quantize(lookup, aimed('latency', 'avx2'), samples);
    expect(layer('embedding')?.weight?.bits).toBe(8);
  });
  it('leaves a pool between float operators in float, and not one behind a convolution', async () => {
    const pooled = (source: string) =>
      model({
        nodes: [
          node('Conv', ['x', 'w1'], ['a'], {}, 'first'),
          node('Tanh', ['a'], ['s'], {}, 'squash'),
          node('GlobalAveragePool', [source], ['p'], {}, 'pool'),
          node('Tanh', ['p'], ['q'], {}, 'squash2'),
          node('Conv', ['q', 'w2'], ['y'], {}, 'last'),
        ],
        inputs: [value('x', shape)],
        outputs: [value('y', [1, CHANNELS, 1, 1]), value('s', shape)],
        initializers: [weight('w1', 3), weight('w2', 5)],
      });
    expect((await quantize(pooled('s'), aimed('latency', 'avx2'))).layer('pool')?.runs).not.toBe('integer');
    expect((await quantize(pooled('a'), aimed('latency', 'avx2'))).layer('pool')?.runs).toBe('integer');
  });
  it('is what a config leaves open, and can be pinned for another CPU', async () => {
    const backend = (isa: Isa) => ({ advanced_parameters: { backend_params: { target_isa: isa } } });
    const { report, bytes, layer } = await quantize(gated, backend('amx'));
    expect(layer('gate')?.runs).toBe('faster_in_float');
    expect(report.pinned?.['overrides']).toContainEqual({ names: ['gate'], float: true });
    const again = await quantize(gated, {
      ...combineChanges(report.pinned as Quantization, backend('avx2')),
    });
    expect(again.bytes.equals(bytes)).toBe(true);
  });
  it('is pinned for what functions hold by the names that it has there', async () => {
    const base = model({
      nodes: [
        node('Conv', ['x', 'w1'], ['a'], {}, 'first'),
        node('Tanh', ['a'], ['s'], {}, 'squash'),
        { ...node('Combine', ['s', 'w2', 'w3'], ['y'], {}, 'call'), domain: 'my' },
      ],
      inputs: [value('x', shape)],
      outputs: [value('y', shape)],
      initializers: [weight('w1', 3), weight('w2', 5), weight('w3', 7)],
      domains: { my: 1 },
    });
    const combine = create(FunctionProtoSchema, {
      ...{ domain: 'my', name: 'Combine', input: ['s', 'v', 'w'], output: ['y'] },
      node: [
        node('Mul', ['s', 's'], ['m'], {}, 'gate'),
        node('Tanh', ['m'], ['u'], {}, 'squash'),
        node('Conv', ['u', 'v'], ['c'], {}, 'second'),
        node('Conv', ['c', 'w'], ['y'], {}, 'third'),
      ],
      opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: 13n })],
    });
    const called: ModelProto = { ...base, functions: [combine] };
    const { report, bytes, layer } = await quantize(called, {});
    expect(layer('call/gate')?.runs).toBe('faster_in_float');
    expect(layer('call/second')?.quantized).toBe(true);
    const again = await quantize(called, report.pinned as Quantization);
    expect(again.bytes.equals(bytes)).toBe(true);

    const aside = { names: ['call/second'], types: ['Tanh'] };
    const left = await quantize(called, { ...aimed('integer'), ignored_scope: aside });
    expect(['call/second', 'call/third'].map((name) => left.layer(name)?.quantized)).toEqual([false, true]);
  });
  it('leaves operators with weights as they are, since kernels before them would go to float too', async () => {
    const network = model({
      nodes: [
        node('Conv', ['x', 'w1'], ['a'], {}, 'first'),
        node('ConvTranspose', ['a', 'w2'], ['y'], {}, 'up'),
      ],
      inputs: [value('x', shape)],
      outputs: [value('y', shape)],
      initializers: [weight('w1', 3), weight('w2', 5)],
    });
    const fast = await quantize(network, aimed('latency'));
    expect(fast.layer('up')?.weight?.bits).toBe(8);
    expect(fast.layer('first')?.runs).toBe('integer');
  });
});

/** A recurrent cell between products. */
const HIDDEN = 16;
const recurrent = model({
  nodes: [
    node('MatMul', ['x', 'w1'], ['a'], {}, 'first'),
    node('LSTM', ['a', 'w', 'r', 'b'], ['h', '', ''], { hidden_size: HIDDEN }, 'cell'),
    node('Squeeze', ['h', 'axis'], ['s'], {}, 'squeeze'),
    node('MatMul', ['s', 'w2'], ['y'], {}, 'last'),
  ],
  inputs: [value('x', [1, 1, HIDDEN])],
  outputs: [value('y', [1, 1, HIDDEN])],
  initializers: [
    floats('w1', [HIDDEN, HIDDEN], wave(HIDDEN * HIDDEN, 3)),
    floats('w', [1, 4 * HIDDEN, HIDDEN], wave(4 * HIDDEN * HIDDEN, 5)),
    floats('r', [1, 4 * HIDDEN, HIDDEN], wave(4 * HIDDEN * HIDDEN, 7)),
    floats('b', [1, 8 * HIDDEN], wave(8 * HIDDEN, 11)),
    ints('axis', [1]),
    floats('w2', [HIDDEN, HIDDEN], wave(HIDDEN * HIDDEN, 13)),
  ],
});

describe('optimize_for: size', () => {
  it('writes the weights of recurrent cells in few bits, a scale for each row of their gates', async () => {
    const samples = [0.3, 0.7].map((step) => ({ shape: [1, HIDDEN], data: wave(HIDDEN, step) }));
    const { written, report } = await quantize(recurrent, aimed('size'), samples);
    for (const name of ['w', 'r']) {
      const codes = written.initializer.find((tensor) => tensor.name === `q_output_${name}_1`);
      expect(codes?.dataType).toBe(3);
      const scale = written.initializer.find((tensor) => tensor.name === `scale_${name}_1`);
      expect(scale?.dims.map(Number)).toEqual([4 * HIDDEN]);
    }

    expect(report.size.ratio).toBeGreaterThan(1.5);
    expect(report.outputs[0]!.sqnr_db).toBeGreaterThan(25);
    const plain = await quantize(recurrent, aimed(null), samples);
    expect(plain.written.initializer.some(({ name }) => name === 'w')).toBe(true);
  });
});

describe('optimize_for: integer', () => {
  it('quantizes what NNCF leaves in float: constants as operands, and gates', async () => {
    const network = model({
      nodes: [
        node('Conv', ['x', 'w1'], ['a'], {}, 'first'),
        node('GlobalAveragePool', ['a'], ['g'], {}, 'squeeze'),
        node('Conv', ['g', 'w2'], ['h'], {}, 'inner'),
        node('Relu', ['h'], ['r'], {}, 'relu'),
        node('Conv', ['r', 'w3'], ['e'], {}, 'outer'),
        node('Sigmoid', ['e'], ['gate'], {}, 'gate'),
        node('Mul', ['a', 'gate'], ['m'], {}, 'excite'),
        node('Mul', ['m', 'c'], ['n'], {}, 'scaled'),
        node('Conv', ['n', 'w4'], ['y'], {}, 'last'),
      ],
      inputs: [value('x', shape)],
      outputs: [value('y', shape)],
      initializers: [
        ...[weight('w1', 3), weight('w2', 5), weight('w3', 7), weight('w4', 9)],
        floats('c', [1, CHANNELS, 1, 1], wave(CHANNELS, 0.5)),
      ],
    });
    const all = await quantize(network, aimed('integer'));
    const names = ['first', 'inner', 'outer', 'gate', 'excite', 'scaled', 'last'];
    const kernels = (run: typeof all) => names.filter((name) => (run.layer(name)?.kernel ?? null) !== null);
    expect(kernels(all)).toEqual(names.filter((name) => all.layer(name) !== undefined));
    const nncf = await quantize(network, aimed(null));
    expect(kernels(nncf)).not.toContain('inner');
    expect(all.report.kernels.integer).toBeGreaterThan(nncf.report.kernels.integer);
  });
});

describe('the cost of kernels', () => {
  const elements = [100, 1000];

  it('lies on the line between two sizes', () => {
    expect(microseconds(elements, [1, 10], 100)).toBeCloseTo(1);
    expect(microseconds(elements, [1, 10], 550)).toBeCloseTo(5.5);
    expect(microseconds(elements, [1, 10], 1900)).toBeCloseTo(19);
    expect(microseconds(elements, [5, 500], 1)).toBe(0);
  });

  /** Products, which give float or codes, around two sums; the first is a model output too. */
  const sums = indexGraph(
    model({
      nodes: [
        node('Add', ['x', 'z'], ['a'], {}, 'one'),
        node('Add', ['a', 'z'], ['b'], {}, 'two'),
        node('MatMul', ['b', 'w'], ['y'], {}, 'product'),
      ],
      inputs: [value('x', [10, 10]), value('z', [10, 10])],
      outputs: [value('y', [10, 10])],
      initializers: [floats('w', [10, 10], wave(100, 3))],
    }),
    new Map(['x', 'z', 'a', 'b', 'y'].map((name) => [name, { elemType: 1, dims: [10, 10] }])),
  );
  const config = {
    ...({ numBits: 8, mode: 'symmetric', signednessToForce: null } as const),
    ...{ perChannel: false, narrowRange: false },
  };
  const quantizer = (tensor: string, ...targets: readonly (readonly [string, number])[]) => ({
    ...{ id: `activation:${tensor}`, tensor, config, axis: null, unified: null, atOutput: false },
    targets: targets.map(([name, input]) => ({ node: name, input })),
  });
  const written: Placement = {
    activations: [
      quantizer('x', ['one', 0]),
      quantizer('z', ['one', 1], ['two', 1]),
      quantizer('a', ['two', 0]),
      quantizer('b', ['product', 0]),
    ],
    weights: [
      {
        ...{ id: 'weight:w', tensor: 'w', config, axis: null, halfRange: false },
        targets: [{ node: 'product', input: 1 }],
      },
    ],
    float: new Set<string>(),
  };
  const costs = (float: number, integer: number, conversions: number) => ({
    ...{ cpu: '', runtime: '', load: 0, cores: 1, elements },
    kernels: { Add: { float: [float, 10 * float], integer: [integer, 10 * integer] } },
    conversions: [conversions, 10 * conversions],
  });
  const slow = (...prices: Parameters<typeof costs>) => [...slowInIntegers(sums, written, costs(...prices))];

  it('keeps whole stretches in float whose conversions cost more than the kernels gain', () => {
    // Integer: 2 sums, x and z coded: 2·1 + 2·½·c; float: 2 sums, b coded: 2·f + ½·c.
    expect(slow(2, 1, 1)).toEqual([]);
    expect(slow(2, 1, 6)).toEqual(['one', 'two']);
    expect(slow(1, 1, 1)).toEqual(['one', 'two']);
  });
  it('knows that a float operator between codes and codes becomes integer all the same', () => {
    const lone = indexGraph(
      model({
        nodes: [...sums.nodes].filter(({ name }) => name !== 'one'),
        inputs: [value('a', [10, 10]), value('z', [10, 10])],
        outputs: [value('y', [10, 10])],
        initializers: [floats('w', [10, 10], wave(100, 3))],
      }),
      new Map(['a', 'z', 'b', 'y'].map((name) => [name, { elemType: 1, dims: [10, 10] }])),
    );
    expect([...slowInIntegers(lone, written, costs(1, 100, 1))]).toEqual([]);
  });
  it('leaves everything where it is whose size or cost is not known', () => {
    const unknown = indexGraph(
      model({
        nodes: [...sums.nodes],
        inputs: [],
        outputs: [],
        initializers: [floats('w', [10, 10], wave(100, 3))],
      }),
    );
    expect([...slowInIntegers(unknown, written, costs(1, 5, 5))]).toEqual([]);
    expect([...slowInIntegers(sums, written, { ...costs(1, 5, 5), kernels: {} })]).toEqual([]);
  });
});
