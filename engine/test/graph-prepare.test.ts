import { describe, expect, test } from 'vitest';
import { prepareModel } from '../src/prepare/prepare.js';
import { type ModelProto, elementCount, makeAttribute, opset, readModel } from '@quantsmith/model/onnx';
import { createSession } from '../src/runtime/session.js';
import { DATA, hasData, realFeeds, realModels } from '../../test/kit/realModels.js';
import {
  batchNorm,
  batchNormConstants,
  floats,
  ints,
  loaded,
  model,
  node,
  randoms,
  value,
} from '../../test/kit/models.js';
import { relativeDifference, runModel } from '../../test/kit/runModel.js';

/** Prepares, checks that the outputs are what they were, and returns the ops with their names. */
async function prepared(source: ModelProto, tolerance = 2e-6) {
  const result = await prepareModel(loaded(source));
  const before = await runModel(source);
  const after = await runModel(result.model);
  for (const [name, expected] of Object.entries(before)) {
    expect(relativeDifference(expected, after[name]!)).toBeLessThanOrEqual(tolerance);
  }

  return {
    ...result,
    ops: result.graph.nodes.map((found) => `${found.name}:${found.opType}`),
    initializers: result.model.graph.initializer.map((tensor) => tensor.name),
  };
}

describe('BatchNorm is folded', () => {
  test('into a convolution without a bias; the name stays, the output is the BatchNorm’s', async () => {
    const source = model({
      inputs: [value('x', [1, 3, 8, 8])],
      outputs: [value('y')],
      nodes: [
        node('Conv', ['x', 'w'], ['c'], {}, 'conv'),
        batchNorm('c', 'b'),
        node('Relu', ['b'], ['y'], {}, 'relu'),
      ],
      initializers: [floats('w', [4, 3, 3, 3], randoms(108)), ...batchNormConstants(4)],
    });
    const { ops, graph, originals } = await prepared(source);
    expect(ops).toEqual(['conv:Conv', 'relu:Relu']);
    expect(graph.node('conv')!.output).toEqual(['b']);
    expect(originals).toEqual([
      { name: 'conv', op: 'Conv', prepared: ['conv'] },
      { name: 'bn', op: 'BatchNormalization', prepared: ['conv'] },
      { name: 'relu', op: 'Relu', prepared: ['relu'] },
    ]);
  });

  test('by hand: 2·(x − 3)/√(3.75 + 0.25) + 1 on a 1×1 convolution by 4 with bias 1', async () => {
    const bn = node(
      'BatchNormalization',
      ['c', 'g', 'be', 'm', 'v'],
      ['y'],
      { epsilon: { float: 0.25 } },
      'bn',
    );
    const source = model({
      inputs: [value('x', [1, 1, 2, 2])],
      outputs: [value('y')],
      nodes: [node('Conv', ['x', 'w', 'b'], ['c'], {}, 'conv'), bn],
      initializers: [
        floats('w', [1, 1, 1, 1], [4]),
        floats('b', [1], [1]),
        floats('g', [1], [2]),
        floats('be', [1], [1]),
        floats('m', [1], [3]),
        floats('v', [1], [3.75]),
      ],
    });
    const { graph } = await prepared(source);
    const [, weight, bias] = graph.node('conv')!.input;
    const values = (name: string) => [...new Float32Array(graph.initializer(name)!.rawData.slice().buffer)];
    expect(values(weight!)).toEqual([4]);
    expect(values(bias!)).toEqual([-1]);
  });

  test('into a grouped transposed convolution, into Gemm, and into MatMul', async () => {
    const transposed = model({
      inputs: [value('x', [1, 4, 5, 5])],
      outputs: [value('y')],
      nodes: [node('ConvTranspose', ['x', 'w'], ['c'], { group: 2 }, 'up'), batchNorm('c', 'y')],
      initializers: [floats('w', [4, 3, 2, 2], randoms(48)), ...batchNormConstants(6)],
    });
    expect((await prepared(transposed)).ops).toEqual(['up:ConvTranspose']);
    for (const transB of [0, 1]) {
      const gemm = model({
        inputs: [value('x', [2, 5])],
        outputs: [value('y')],
        nodes: [node('Gemm', ['x', 'w'], ['c'], { transB }, 'fc'), batchNorm('c', 'y')],
        initializers: [floats('w', transB === 1 ? [4, 5] : [5, 4], randoms(20)), ...batchNormConstants(4)],
      });
      expect((await prepared(gemm)).ops).toEqual(['fc:Gemm']);
    }

    const matMul = model({
      inputs: [value('x', [2, 5])],
      outputs: [value('y')],
      nodes: [
        node('MatMul', ['x', 'w'], ['m'], {}, 'fc'),
        node('Add', ['m', 'b'], ['c'], {}, 'add'),
        batchNorm('c', 'y'),
      ],
      initializers: [
        floats('w', [5, 4], randoms(20)),
        floats('b', [4], randoms(4)),
        ...batchNormConstants(4),
      ],
    });
    expect((await prepared(matMul)).ops).toEqual(['fc:Gemm']);
  });

  test('a shared weight stays what it was for the other reader', async () => {
    const source = model({
      inputs: [value('x', [1, 3, 8, 8])],
      outputs: [value('y'), value('z')],
      nodes: [
        node('Conv', ['x', 'w'], ['c'], {}, 'conv'),
        batchNorm('c', 'y'),
        node('Conv', ['x', 'w'], ['z'], {}, 'other'),
      ],
      initializers: [floats('w', [4, 3, 3, 3], randoms(108)), ...batchNormConstants(4)],
    });
    const { graph, ops } = await prepared(source);
    expect(ops).toEqual(['conv:Conv', 'other:Conv']);
    expect(graph.node('other')!.input[1]).toBe('w');
  });

  test('but not where the convolution has another reader', async () => {
    const source = model({
      inputs: [value('x', [1, 3, 8, 8])],
      outputs: [value('y'), value('z')],
      nodes: [
        node('Conv', ['x', 'w'], ['c'], {}, 'conv'),
        batchNorm('c', 'y'),
        node('Relu', ['c'], ['z'], {}, 'relu'),
      ],
      initializers: [floats('w', [4, 3, 3, 3], randoms(108)), ...batchNormConstants(4)],
    });
    expect((await prepared(source)).ops).toContain('bn:BatchNormalization');
  });
});

describe('constants are folded', () => {
  test('but not indexes that grow: they would only make the file larger', async () => {
    const source = model({
      nodes: [
        node('Expand', ['one', 'many'], ['indexes'], {}, 'grown'),
        node('Expand', ['one', 'few'], ['shape'], {}, 'small'),
        node('Gather', ['x', 'indexes'], ['picked'], { axis: 0 }, 'pick'),
        node('Reshape', ['picked', 'shape'], ['y'], {}, 'last'),
      ],
      inputs: [value('x', [2])],
      outputs: [value('y', ['a', 'b'])],
      initializers: [ints('one', [1]), ints('many', [2000]), ints('few', [2])],
    });
    const { graph } = await prepareModel(loaded(source));
    expect(graph.nodes.map(({ name }) => name)).toContain('grown');
    expect(graph.nodes.map(({ name }) => name)).not.toContain('small');
  });
  test('through Identity, Transpose, Reshape and arithmetic; unused ones go', async () => {
    const source = model({
      inputs: [value('x', [2, 6])],
      outputs: [value('y')],
      nodes: [
        node('Identity', ['w'], ['i']),
        node('Transpose', ['i'], ['t'], { perm: [1, 0] }),
        node('Reshape', ['t', 's'], ['r']),
        node('Mul', ['r', 'two'], ['m']),
        node('MatMul', ['x', 'm'], ['y'], {}, 'fc'),
      ],
      initializers: [floats('w', [4, 6], randoms(24)), ints('s', [6, 4]), floats('two', [], [2])],
    });
    const { ops, initializers } = await prepared(source);
    expect(ops).toEqual(['fc:MatMul']);
    expect(initializers).toEqual(['m']);
  });

  test('the Shape of a fixed shape, and what follows from it', async () => {
    const source = model({
      inputs: [value('x', [2, 3, 4])],
      outputs: [value('y')],
      nodes: [
        node('Shape', ['x'], ['s']),
        node('Gather', ['s', 'zero'], ['first']),
        node('Concat', ['first', 'rest'], ['target'], { axis: 0 }),
        node('Reshape', ['x', 'target'], ['y'], {}, 'reshape'),
      ],
      initializers: [ints('zero', [0]), ints('rest', [-1])],
    });
    expect((await prepared(source)).ops).toEqual(['reshape:Reshape']);
  });

  test('a small constant does not grow into a large one', async () => {
    const source = model({
      inputs: [value('x', [1])],
      outputs: [value('y')],
      nodes: [
        node('ConstantOfShape', ['s'], ['zeros'], {}, 'bomb'),
        node('ReduceMax', ['zeros'], ['m'], { keepdims: 0 }, 'max'),
        node('Add', ['x', 'm'], ['y'], {}, 'add'),
      ],
      initializers: [ints('s', [3000, 1000])],
    });
    const { ops, graph } = await prepared(source);
    expect(ops).toContain('bomb:ConstantOfShape');
    expect(graph.nodes).toHaveLength(3);
    const enormous = {
      ...source,
      graph: { ...source.graph, initializer: [ints('s', [1_000_000, 1_000_000])] },
    };
    expect((await prepareModel(loaded(enormous))).graph.node('bomb')).toBeDefined();
  });
});

describe('linear nodes take their additions', () => {
  test('a convolution its bias, a matrix product its row', async () => {
    const source = model({
      inputs: [value('x', [1, 3, 4, 4])],
      outputs: [value('y')],
      nodes: [
        node('Conv', ['x', 'w'], ['c'], {}, 'conv'),
        node('Add', ['b', 'c'], ['a'], {}, 'bias'),
        node('Flatten', ['a'], ['f'], {}, 'flat'),
        node('MatMul', ['f', 'v'], ['m'], {}, 'fc'),
        node('Add', ['m', 'r'], ['y'], {}, 'row'),
      ],
      initializers: [
        floats('w', [2, 3, 1, 1], randoms(6)),
        floats('b', [1, 2, 1, 1], randoms(2)),
        floats('v', [32, 5], randoms(160)),
        floats('r', [5], randoms(5)),
      ],
    });
    const { ops, originals } = await prepared(source);
    expect(ops).toEqual(['conv:Conv', 'flat:Flatten', 'fc:Gemm']);
    expect(originals.find(({ name }) => name === 'row')?.prepared).toEqual(['fc']);
  });

  test('but not what is no bias: a column, a scalar per row, a third dimension', async () => {
    const add = (dims: number[], xDims: number[]) =>
      model({
        inputs: [value('x', xDims)],
        outputs: [value('y')],
        nodes: [node('MatMul', ['x', 'v'], ['m'], {}, 'fc'), node('Add', ['m', 'r'], ['y'], {}, 'add')],
        initializers: [floats('v', [4, 3], randoms(12)), floats('r', dims, randoms(elementCount(dims)))],
      });
    for (const [dims, xDims] of [
      [
        [3, 1],
        [3, 4],
      ],
      [[1], [3, 4]],
      [
        [1, 1, 3],
        [3, 4],
      ],
      [[3], [2, 3, 4]],
    ] as const) {
      expect((await prepared(add([...dims], [...xDims]))).ops).toEqual(['fc:MatMul', 'add:Add']);
    }
  });
});

describe('outputs at the end of a node that have no name', () => {
  test('go, in bodies too: the runtime crashes on a BatchNormalization with them', async () => {
    const norm = batchNorm('x', 'y');
    const source = model({
      inputs: [value('x', [1, 3, 4, 4])],
      outputs: [value('z')],
      nodes: [{ ...norm, output: [...norm.output, '', '', '', ''] }, node('Relu', ['y'], ['z'])],
      initializers: batchNormConstants(3),
      opset: 9,
    });
    const { graph } = await prepareModel(loaded(source));
    expect(graph.nodes.find(({ opType }) => opType === 'BatchNormalization')?.output).toEqual(['y']);
  });
});

describe('copies go', () => {
  test('Identity, Dropout and a Cast to the same type; the output keeps its name', async () => {
    const source = model({
      inputs: [value('x', [2, 2])],
      outputs: [value('y')],
      nodes: [
        node('Identity', ['x'], ['i'], {}, 'id'),
        node('Cast', ['i'], ['c'], { to: 1 }, 'cast'),
        node('Relu', ['c'], ['r'], {}, 'relu'),
        node('Dropout', ['r'], ['d'], {}, 'drop'),
        node('Identity', ['d'], ['y'], {}, 'last'),
      ],
    });
    const { ops, graph } = await prepared(source);
    expect(ops).toEqual(['relu:Relu']);
    expect(graph.node('relu')).toMatchObject({ input: ['x'], output: ['y'] });
  });

  test('but an input that is an output stays copied', async () => {
    const source = model({
      inputs: [value('x', [2, 2])],
      outputs: [value('y'), value('z')],
      nodes: [
        node('Identity', ['x'], ['y'], {}, 'copy'),
        node('Relu', ['x'], ['r'], {}, 'relu'),
        node('Identity', ['r'], ['z'], {}, 'last'),
      ],
    });
    expect((await prepared(source)).ops).toEqual(['copy:Identity', 'relu:Relu']);
  });

  test('subgraphs stay whole, with what they read', async () => {
    const branch = (out: string) =>
      model({ inputs: [], outputs: [value(out)], nodes: [node('Identity', ['i'], [out])] }).graph;
    const choose = node('If', ['c'], ['y'], {}, 'if');
    const attribute = ['then_branch', 'else_branch'].map((name) => ({
      ...makeAttribute(name, 0),
      type: 5,
      g: branch(name),
    }));
    const source = model({
      inputs: [value('x', [2])],
      outputs: [value('y')],
      nodes: [
        node('Identity', ['x'], ['i'], {}, 'kept'),
        node('ReduceMax', ['x'], ['m'], { keepdims: 0 }, 'max'),
        node('Cast', ['m'], ['c'], { to: 9 }, 'cast'),
        { ...choose, attribute },
      ],
    });
    expect((await prepared(source)).ops).toEqual(['kept:Identity', 'max:ReduceMax', 'cast:Cast', 'if:If']);
  });
});

describe('what cannot be prepared is refused', () => {
  const refused = (nodes: ReturnType<typeof node>[], version = 13, domains = {}) =>
    prepareModel(
      loaded(model({ inputs: [value('x', [2])], outputs: [value('y')], nodes, opset: version, domains })),
    );
  test.each([
    ['already-quantized', [node('DynamicQuantizeLinear', ['x'], ['y', 's', 'z'])], 13],
    [
      'model-cyclic',
      [node('Add', ['x', 'b'], ['a']), node('Relu', ['a'], ['b']), node('Relu', ['b'], ['y'])],
      13,
    ],
    ['runtime-unknown-operator', [node('Frobnicate', ['x'], ['y'])], 13],
    ['opset-unsupported', [node('Relu', ['x'], ['y'])], 6],
  ])('%s', async (code, nodes, version) => {
    await expect(refused(nodes, version)).rejects.toMatchObject({ problem: { code, severity: 'error' } });
  });

  test('names the file', async () => {
    const failure = refused([{ ...node('Decode', ['x'], ['y']), domain: 'com.example' }], 13, {
      'com.example': 1,
    });
    await expect(failure).rejects.toMatchObject({
      problem: {
        code: 'runtime-unknown-operator',
        file: '/models/test.onnx',
        message: expect.stringContaining('Decode') as string,
      },
    });
  });
});

test('a higher operator set where one is asked for', async () => {
  const source = model({
    inputs: [value('x', [2, 3])],
    outputs: [value('y')],
    nodes: [node('ReduceMean', ['x'], ['y'], { axes: [1] })],
  });
  const result = await prepareModel(loaded(source), { opset: 21 });
  expect(opset(result.model)).toBe(21);
  expect(result.model.irVersion).toBe(10n);
});

describe.skipIf(!hasData)('real models compute what they computed', () => {
  const files = realModels().filter((file) => !/superresolution|quantized_refs/.test(file));
  test.each(files)('%s', async (file) => {
    const source = await readModel(`${DATA}/models/${file}`);
    const session = await createSession(source.path, { threads: 1, optimization: 'disabled' });
    const feeds = realFeeds(file, session.inputs);
    await session.release();
    const result = await prepareModel(source);
    expect(result.graph.inputs).toEqual(session.inputs.map(({ name }) => name));
    const before = await runModel(source.model, feeds);
    const after = await runModel(result.model, feeds);
    for (const name of Object.keys(before)) {
      // Behind a sigmoid or softmax all values may be tiny: what counts is their distance on the scale of 1.
      expect(relativeDifference(before[name]!, after[name]!, 0.01)).toBeLessThanOrEqual(2e-5);
    }

    for (const found of result.graph.nodes) {
      for (const tensor of found.output) if (tensor !== '') expect(result.graph.type(tensor)).toBeDefined();
    }

    const everyName = new Set(result.graph.nodes.map(({ name }) => name));
    for (const { prepared: places } of result.originals)
      for (const place of places) expect(everyName).toContain(place);
  });

  test.each(realModels().filter((file) => file.includes('quantized_refs')))(
    '%s is quantized already',
    async (file) => {
      const source = await readModel(`${DATA}/models/${file}`);
      await expect(prepareModel(source)).rejects.toMatchObject({ problem: { code: 'already-quantized' } });
    },
  );

  test('a custom operator domain is said so', async () => {
    const source = await readModel(`${DATA}/models/structure/superresolution_ortext_prepost_op18.onnx`);
    await expect(prepareModel(source)).rejects.toMatchObject({
      problem: { code: 'runtime-unknown-operator' },
    });
  });
});
