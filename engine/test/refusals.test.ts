import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { create } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as Type,
  AttributeProtoSchema,
  OperatorSetIdProtoSchema,
  SparseTensorProtoSchema,
  encodeModel,
  inspectModel,
  makeNode,
  makeTensor,
  readModel,
  type ModelProto,
} from '@quantsmith/model/onnx';
import {
  operatorsInBodies,
  refusalOf,
  structureOfModel,
  structureOfSummary,
} from '@quantsmith/model/refusals';
import { operatorSince } from '@quantsmith/model/operators';
import type { QuantsmithError } from '@quantsmith/schemas';
import { MAXIMUM_READ_OPSET } from '@quantsmith/model/upgrade';
import { prepareModel } from '../src/prepare/prepare.js';
import { createSession } from '../src/runtime/session.js';
import { CASES, caseNames } from './exported.js';
import { floats, model, node, value } from '../../test/kit/models.js';

const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-refusals-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const shape = [1, 4];
const weight = floats(
  'w',
  [4, 4],
  Array.from({ length: 16 }, (_, index) => index),
);
const product = (input: string, output: string) =>
  node('MatMul', [input, 'w'], [output], {}, `product_${output}`);
const ends = { inputs: [value('x', shape)], outputs: [value('y', shape)] };

/** An If whose branches multiply. */
function branches(output: string) {
  const body = (name: string) =>
    model({ nodes: [product('x', name)], inputs: [], outputs: [value(name, shape)] }).graph;
  const choice = makeNode('If', ['c'], [output], {}, { name: 'choice' });
  return {
    ...choice,
    attribute: ['then_branch', 'else_branch'].map((name) =>
      create(AttributeProtoSchema, { name, type: Type.GRAPH, g: body(name) }),
    ),
  };
}

const condition = [
  node('ReduceMax', ['x'], ['top'], { keepdims: 0 }, 'top'),
  node('Cast', ['top'], ['c'], { to: 9 }, 'condition'),
];

/** The model with a weight "s" of which two values are not zero. */
const withSparseWeight = (built: ModelProto): ModelProto => ({
  ...built,
  graph: {
    ...built.graph,
    sparseInitializer: [
      create(SparseTensorProtoSchema, {
        values: floats('s', [2], [1, 2]),
        indices: makeTensor('', [2], 7, BigInt64Array.of(0n, 5n)),
        dims: [4n, 4n],
      }),
    ],
  },
});

const foreign = (): ModelProto => {
  const built = model({
    ...ends,
    nodes: [product('x', 'a'), makeNode('Tokenize', ['a'], ['y'], {}, { name: 'strange', domain: 'my.ops' })],
    initializers: [weight],
  });
  const own = create(OperatorSetIdProtoSchema, { domain: 'my.ops', version: 1n });
  return { ...built, opsetImport: [...built.opsetImport, own] };
};

const MODELS: Readonly<Record<string, { built: ModelProto; refused: string | null; said?: string }>> = {
  'a linear operator': {
    built: model({ ...ends, nodes: [product('x', 'y')], initializers: [weight] }),
    refused: null,
  },
  'element-wise operators alone': {
    built: model({ ...ends, nodes: [node('Relu', ['x'], ['y'], {}, 'r')] }),
    refused: 'nothing-to-quantize',
  },
  'a product with a weight that has no elements': {
    built: model({
      inputs: [value('x', shape)],
      outputs: [value('y', [1, 0])],
      nodes: [node('MatMul', ['x', 'none'], ['y'], {}, 'product')],
      initializers: [floats('none', [4, 0], [])],
    }),
    refused: 'nothing-to-quantize',
  },
  'codes of a quantized model': {
    built: model({
      ...ends,
      nodes: [
        product('x', 'a'),
        node('QuantizeLinear', ['a', 's'], ['q'], {}, 'q'),
        node('DequantizeLinear', ['q', 's'], ['y'], {}, 'd'),
      ],
      initializers: [weight, floats('s', [], [0.1])],
    }),
    refused: 'already-quantized',
  },
  'a custom operator': { built: foreign(), refused: 'runtime-unknown-operator' },
  'an operator that ONNX does not have': {
    built: model({
      ...ends,
      nodes: [product('x', 'a'), node('Mishh', ['a'], ['y'], {}, 'm')],
      initializers: [weight],
    }),
    refused: 'runtime-unknown-operator',
  },
  'an operator that is newer than the operator set': {
    built: model({
      ...ends,
      nodes: [product('x', 'a'), node('Gelu', ['a'], ['y'], {}, 'g')],
      initializers: [weight],
      opset: 18,
    }),
    refused: 'runtime-unknown-operator',
  },
  'an old operator set': {
    built: model({ ...ends, nodes: [product('x', 'y')], initializers: [weight], opset: 5 }),
    refused: 'opset-unsupported',
  },
  'an operator set beyond the runtime': {
    built: model({
      ...ends,
      nodes: [product('x', 'y')],
      initializers: [weight],
      opset: MAXIMUM_READ_OPSET + 1,
    }),
    refused: 'opset-unsupported',
  },
  'a tensor that nothing makes': {
    built: model({
      ...ends,
      nodes: [product('x', 'a'), node('Add', ['a', 'ghost'], ['y'], {}, 'add')],
      initializers: [weight],
    }),
    refused: 'model-tensor-missing',
  },
  'an output that nothing makes': {
    built: model({
      ...ends,
      nodes: [product('x', 'y')],
      outputs: [value('z', shape)],
      initializers: [weight],
    }),
    refused: 'model-tensor-missing',
  },
  'a sparse weight, and outputs that are constants or inputs': {
    built: withSparseWeight(
      model({
        ...{ inputs: ends.inputs, outputs: [...ends.outputs, value('w', [4, 4]), value('x', shape)] },
        nodes: [product('x', 'a'), node('MatMul', ['a', 's'], ['b']), node('Clip', ['b', '', 'top'], ['y'])],
        initializers: [weight, floats('top', [], [9])],
      }),
    ),
    refused: null,
  },
  'a bfloat16 input': {
    built: model({
      inputs: [value('x', shape, 16)],
      outputs: [value('y', shape)],
      nodes: [node('Cast', ['x'], ['f'], { to: 1 }, 'cast'), product('f', 'y')],
      initializers: [weight],
    }),
    refused: null,
  },
  'linear operators in branches alone': {
    built: model({ ...ends, nodes: [...condition, branches('y')], initializers: [weight] }),
    refused: null,
    said: 'operators-in-bodies',
  },
  'linear operators in branches too': {
    built: model({
      ...ends,
      nodes: [...condition, branches('a'), product('a', 'y')],
      initializers: [weight],
    }),
    refused: null,
    said: 'operators-in-bodies',
  },
};

/** What the editor knows, and what a run ends with or says. */
async function bothOf(file: string) {
  const seen = structureOfSummary(await inspectModel(file));
  const run = await prepareModel(await readModel(file)).then(
    ({ problems }) => {
      // A run ends with what is an error after preparing, too.
      const [refusal] = problems.filter(({ severity }) => severity === 'error');
      return { refused: refusal?.code ?? null, said: refusal ? [] : problems.map(({ code }) => code) };
    },
    (error: unknown) => ({ refused: (error as { problem: { code: string } }).problem.code, said: [] }),
  );
  return { known: refusalOf(seen)?.code ?? null, said: operatorsInBodies(seen).map(({ code }) => code), run };
}

describe('what a run refuses is known from the structure', () => {
  it.each(Object.entries(MODELS))('%s', async (name, { built, refused, said }) => {
    const file = join(scratch, `${name.replaceAll(' ', '-')}.onnx`);
    writeFileSync(file, encodeModel(built));
    const both = await bothOf(file);
    expect(both).toMatchObject({ known: refused, said: said === undefined ? [] : [said], run: { refused } });
    if (said !== undefined) expect(both.run.said).toContain(said);
    expect(refusalOf(structureOfModel(built))).toEqual(
      refusalOf(structureOfSummary(await inspectModel(file))),
    );
  });

  it.each(caseNames())('of the case %s too', async (name) => {
    const { known, run } = await bothOf(join(CASES, name, 'model.onnx'));
    expect(known).toBe(name === 'weightonly_dq' ? 'already-quantized' : null);
    expect(run.refused).toBe(known);
  });

  it.each(['Celu', 'HardSwish', 'Trilu', 'GridSample', 'BitwiseAnd', 'Mish', 'Gelu', 'LayerNormalization'])(
    'the runtime has %s from the version that the table states, and not before',
    async (op) => {
      const since = operatorSince(op)!;
      const isThere = (opset: number) => {
        const built = model({ ...ends, nodes: [node(op, ['x'], ['y'])], opset });
        return createSession(encodeModel(built), { threads: 1 }).then(
          () => true,
          (error: unknown) => (error as QuantsmithError).problem.code !== 'runtime-unknown-operator',
        );
      };

      expect(await isThere(Math.max(since, 13))).toBe(true);
      if (since > 7) expect(await isThere(since - 1)).toBe(false);
    },
  );

  it('the newest operator set is the runtime’s', async () => {
    const at = (opset: number) =>
      createSession(encodeModel(model({ ...ends, nodes: [node('Relu', ['x'], ['y'])], opset })), {
        threads: 1,
      });
    await (await at(MAXIMUM_READ_OPSET)).release();
    await expect(at(MAXIMUM_READ_OPSET + 1)).rejects.toThrow();
  });
});
