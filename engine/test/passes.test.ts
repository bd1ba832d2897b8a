import { readFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { indexGraph } from '@quantsmith/model/graph';
import {
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  encodeModel,
  makeNode,
} from '@quantsmith/model/onnx';
import { PASSES, rewrite } from '../src/prepare/passes.js';
import { inferTypes } from '../src/prepare/types.js';
import { createSession, run } from '../src/runtime/session.js';
import { CASES, caseNames } from './exported.js';
import { batchNormConstants, floats, ints, model, node, randoms, value } from '../../test/kit/models.js';
import { relativeDifference, runModel } from '../../test/kit/runModel.js';

const ofMatrix = (nodes: readonly NodeProto[], constants: readonly TensorProto[]) =>
  model({ nodes, inputs: [value('x', ['n', 6])], outputs: [value('y')], initializers: constants });

const W = floats('W', [6, 4], randoms(24, 3));

/** Zeros in front of poolings, which the optimizer of ONNX Runtime 1.30 takes for padding of their own. */
const PADDED: Readonly<Record<string, ModelProto>> = Object.fromEntries(
  [
    ['MaxPool', { kernel_shape: [2, 2], strides: [2, 2] }, [[0, 0, 1, 0, 0, 0, 0, 1]]],
    ['MaxPool', { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }, [[0, 0, 1, 1, 0, 0, 1, 1]]],
    // Wider than the kernel allows: at once, in two Pads, together with the pooling's own.
    ['AveragePool', { kernel_shape: [2, 2] }, [[0, 0, 2, 0, 0, 0, 0, 2]]],
    [
      'AveragePool',
      { kernel_shape: [2, 2] },
      [
        [0, 0, 1, 0, 0, 0, 0, 0],
        [0, 0, 1, 0, 0, 0, 0, 0],
      ],
    ],
    ['MaxPool', { kernel_shape: [2, 2], pads: [0, 1, 0, 1] }, [[0, 0, 0, 0, 0, 0, 0, 1]]],
  ].map(([op, attributes, pads]) => [
    `${op as string} ${JSON.stringify(attributes)} behind Pads ${JSON.stringify(pads)}`,
    behindPads(op as string, attributes as Record<string, number[]>, pads as number[][]),
  ]),
);

function behindPads(
  op: string,
  attributes: Readonly<Record<string, number[]>>,
  pads: readonly (readonly number[])[],
  above = 'Tanh',
): ModelProto {
  const names = pads.map((_, index) => `p${index}`);
  return model({
    nodes: [
      node(above, ['x'], ['a']),
      ...names.map((name, index) =>
        node('Pad', [index === 0 ? 'a' : names[index - 1]!, `n${index}`], [name]),
      ),
      node(op, [names.at(-1)!], ['y'], attributes),
    ],
    inputs: [value('x', [1, 3, 5, 5])],
    outputs: [value('y')],
    initializers: pads.map((amounts, index) => ints(`n${index}`, [...amounts])),
  });
}

/** Small models in the forms that the passes look for. */
const MODELS: Readonly<Record<string, ModelProto>> = {
  'MatMul and BatchNormalization': ofMatrix(
    [
      node('MatMul', ['x', 'W'], ['a']),
      node('BatchNormalization', ['a', 'gamma', 'beta', 'mean', 'variance'], ['y']),
    ],
    [W, ...batchNormConstants(4)],
  ),
  'MatMul, Add and BatchNormalization': ofMatrix(
    [
      node('MatMul', ['x', 'W'], ['a']),
      node('Add', ['b', 'a'], ['c']),
      node('BatchNormalization', ['c', 'gamma', 'beta', 'mean', 'variance'], ['y']),
    ],
    [W, floats('b', [1, 4], randoms(4)), ...batchNormConstants(4)],
  ),
  ...Object.fromEntries(
    [[], [1], [4], [1, 4], [1, 1], [3, 1], [3, 4]].flatMap((dims) =>
      [1, 2.5].map((factor) => [
        `Gemm with alpha and beta ${factor} and C [${dims.join()}]`,
        model({
          nodes: [
            node('Gemm', ['x', 'W', 'C'], ['y'], { alpha: { float: factor }, beta: { float: factor } }),
          ],
          inputs: [value('x', [3, 6])],
          outputs: [value('y')],
          initializers: [W, floats('C', dims, randoms(dims.reduce((a, b) => a * b, 1)))],
        }),
      ]),
    ),
  ),
  'Gemm with a computed C': model({
    nodes: [node('Gemm', ['x', 'W', 'c'], ['y'], { alpha: { float: 3 } })],
    inputs: [value('x', ['n', 6]), value('c', [4])],
    outputs: [value('y')],
    initializers: [W],
  }),
  'Gemm without C, transposed': ofMatrix(
    [node('Gemm', ['x', 'T'], ['y'], { alpha: { float: 0.5 }, transB: 1 })],
    [floats('T', [4, 6], randoms(24))],
  ),
  'numbers multiplied in front of products, as the runtime folds them wrongly': model({
    nodes: [
      node('Mul', ['half', 'x'], ['a']),
      node('MatMul', ['a', 'W'], ['y']),
      node('Mul', ['a', 'third'], ['b']),
      node('MatMul', ['b', 'V'], ['z']),
    ],
    inputs: [value('x', ['n', 6])],
    outputs: [value('y'), value('z')],
    initializers: [
      W,
      floats('V', [6, 3], randoms(18)),
      floats('half', [], [0.5]),
      floats('third', [1], [1 / 3]),
    ],
  }),
  'Gemm with a C of run time': model({
    nodes: [node('Gemm', ['x', 'W', 'c'], ['y'], { alpha: { float: 1.5 }, beta: { float: 0.25 } })],
    inputs: [value('x', [3, 6]), value('c', [1, 4])],
    outputs: [value('y')],
    initializers: [W],
  }),
  'stack of one matrix': model({
    nodes: [node('MatMul', ['x', 'W3'], ['y'])],
    inputs: [value('x', [2, 3, 6])],
    outputs: [value('y')],
    initializers: [floats('W3', [1, 6, 4], randoms(24))],
  }),
  'stack of one matrix that adds an axis': ofMatrix(
    [node('MatMul', ['x', 'W3'], ['y'])],
    [floats('W3', [1, 6, 4], randoms(24))],
  ),
  'a weight shared with a body': model({
    nodes: [
      node('MatMul', ['x', 'W'], ['a']),
      node('BatchNormalization', ['a', 'gamma', 'beta', 'mean', 'variance'], ['n']),
      node('ReduceMean', ['n'], ['m'], { keepdims: 0 }),
      node('Greater', ['m', 'zero'], ['c']),
      node('Add', ['n', 'n'], ['y']),
    ],
    inputs: [value('x', ['n', 6])],
    outputs: [value('y')],
    initializers: [W, ...batchNormConstants(4), floats('zero', [], [0])],
  }),
  'convolution with additions of every shape': model({
    nodes: [
      node('Conv', ['x', 'K'], ['a']),
      node('Add', ['a', 'c1'], ['b']),
      node('Conv', ['b', 'K2'], ['c']),
      node('Add', ['one', 'c'], ['d']),
      node('BatchNormalization', ['d', 'gamma', 'beta', 'mean', 'variance'], ['y']),
    ],
    inputs: [value('x', ['n', 3, 5, 5])],
    outputs: [value('y')],
    initializers: [
      floats('K', [4, 3, 3, 3], randoms(108)),
      floats('c1', [1, 4, 1, 1], randoms(4)),
      floats('K2', [4, 4, 1, 1], randoms(16)),
      floats('one', [1], [0.5]),
      ...batchNormConstants(4),
    ],
  }),
  'Pads of some axes, by their numbers from either end': model({
    nodes: [
      node('Pad', ['x', 'amounts', 'number', 'axes'], ['a']),
      makeNode('Pad', ['a', 'amounts', '', 'axes'], ['b'], { mode: 'edge' }, { name: 'edge' }),
      node('Pad', ['b', 'all'], ['y']),
    ],
    inputs: [value('x', [1, 3, 5, 5])],
    outputs: [value('y')],
    initializers: [
      ints('amounts', [1, 2, 0, -1]),
      floats('number', [], [2.5]),
      ints('axes', [-1, 2]),
      ints('all', [0, 0, 1, 0, 0, 0, 0, 1]),
    ],
    opset: 18,
  }),
  ...PADDED,
};

const cases = caseNames().map((name): [string, ModelProto] => [
  name,
  fromBinary(ModelProtoSchema, new Uint8Array(readFileSync(join(CASES, name, 'model.onnx')))) as ModelProto,
]);

describe('every rewriting', () => {
  it.each([...Object.entries(MODELS), ...cases])(
    'gives a valid model with equal outputs: %s',
    async (_, source) => {
      let current = source;
      const before = await runModel(source).catch(() => null);
      for (const { apply } of PASSES) {
        const next = apply(current, indexGraph(current, await inferTypes(current)), '.');
        if (next === current) continue;
        current = next;
        expect(assignments(current)).toEqual([...new Set(assignments(current))]);
        // The runtime checks operators' inputs, types and shapes when it loads a model.
        await inferTypes(current);
        const after = before === null ? null : await runModel(current);
        for (const [name, expected] of Object.entries(before ?? {}))
          expect(relativeDifference(expected, after![name]!)).toBeLessThanOrEqual(2e-6);
      }
    },
  );

  it.each(Object.entries(PADDED))('keeps the optimizer from changing %s', async (_, source) => {
    const { model: rewritten } = await rewrite(source, await inferTypes(source), '.');
    const feeds = {
      x: { type: 'float32' as const, dims: [1, 3, 5, 5], data: randoms(75, 5).map((x) => x - 1) },
    };
    const outputs = async (of: ModelProto, optimization: 'all' | 'disabled') => {
      const session = await createSession(encodeModel(of), { threads: 1, optimization });
      const { y } = await run(session, feeds);
      await session.release();
      return y!;
    };

    const said = await outputs(source, 'disabled');
    expect(relativeDifference(said, await outputs(rewritten, 'all'))).toBeLessThanOrEqual(2e-6);
  });

  it('leaves padding with the pooling that it changes nothing of', async () => {
    const source = behindPads('MaxPool', { kernel_shape: [2, 2] }, [[0, 0, 1, 1, 0, 0, 1, 1]], 'Relu');
    expect((await rewrite(source, await inferTypes(source), '.')).model).toBe(source);
  });

  it('that the runtime refuses is left out and said', async () => {
    const broken = {
      name: 'breaking',
      apply: (source: ModelProto): ModelProto => ({
        ...source,
        graph: { ...source.graph, node: [makeNode('MatMul', ['x', 'W', 'W'], ['y'])] },
      }),
    };
    const source = ofMatrix([node('MatMul', ['x', 'W'], ['y'])], [W, ints('unused', [1])]);
    const result = await rewrite(source, await inferTypes(source), '.', [broken, ...PASSES]);
    expect(result.model.graph.node[0]!.input).toEqual(['x', 'W']);
    expect(result.problems).toMatchObject([{ code: 'internal-rewrite', data: { pass: 'breaking' } }]);
  });
});

/** Every name that a node or constant of the main graph gives. */
const assignments = ({ graph }: ModelProto) =>
  [...graph.initializer.map(({ name }) => name), ...graph.node.flatMap(({ output }) => output)].filter(
    (name) => name !== '',
  );
