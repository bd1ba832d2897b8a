import type { ModelProto } from '../src/onnx/model.js';
import { create } from '@bufbuild/protobuf';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exactBrainFloats, exactHalves, floatToHalf, halfToFloat } from '../src/arrays/index.js';
import { denseConstants, freshNames, inlineFunctions } from '../src/graph/index.js';
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as Type,
  FunctionProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  SparseTensorProtoSchema,
  ValueInfoProtoSchema,
  makeAttribute,
  makeInts,
  makeNode,
  makeTensor,
  readFloats,
  subgraphs,
  type GraphProto,
} from '../src/onnx/index.js';

const named = (name: string) => create(ValueInfoProtoSchema, { name });
const opsets = (versions: Record<string, number>) =>
  Object.entries(versions).map(([domain, version]) =>
    create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
  );
const graphAttribute = (name: string, g: GraphProto) =>
  create(AttributeProtoSchema, { name, type: Type.GRAPH, g });

describe('functions of a model', () => {
  const inner = create(FunctionProtoSchema, {
    domain: 'my',
    name: 'Inner',
    input: ['a'],
    output: ['b'],
    attribute: ['slope'],
    node: [
      {
        ...makeNode('LeakyRelu', ['a'], ['b']),
        attribute: [create(AttributeProtoSchema, { name: 'alpha', refAttrName: 'slope', type: Type.FLOAT })],
      },
    ],
    opsetImport: opsets({ '': 17 }),
  });
  const branch = create(GraphProtoSchema, {
    node: [makeNode('Add', ['t', 'c'], ['c2'])],
    initializer: [makeTensor('c', [1], 1, Float32Array.of(1))],
    output: [named('c2')],
  });
  const outer = create(FunctionProtoSchema, {
    domain: 'my',
    name: 'Outer',
    input: ['X', 'W'],
    output: ['Y', 'X'],
    node: [
      makeNode('MatMul', ['X', 'W'], ['t']),
      { ...makeNode('Inner', ['t'], ['s'], { slope: { float: 0.25 } }, { domain: 'my' }) },
      { ...makeNode('If', ['flag'], ['Y']), attribute: [graphAttribute('then_branch', branch)] },
    ],
    opsetImport: opsets({ '': 17, my: 1, 'com.microsoft': 1 }),
  });
  const call = (name: string, x: string, y: string, copy: string) =>
    makeNode('Outer', [x, 'W0'], [y, copy], {}, { domain: 'my', name });
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: opsets({ '': 17, my: 1 }),
    functions: [outer, inner],
    graph: create(GraphProtoSchema, {
      input: [named('x')],
      output: [named('y')],
      node: [call('first', 'x', 'a', ''), call('second', 'a', 'y', 'again')],
    }),
  }) as ModelProto;
  const inlined = inlineFunctions(model);

  it('stand in the places of their calls, functions of functions too', () => {
    expect(inlined.functions).toEqual([]);
    expect(inlined.graph.node.map(({ opType }) => opType)).toEqual([
      ...['MatMul', 'LeakyRelu', 'If'],
      ...['MatMul', 'LeakyRelu', 'If', 'Identity'],
    ]);
    expect(inlined.graph.node[0]!.name).toBe('first/MatMul_0');
    expect(inlined.opsetImport.map(({ domain }) => domain)).toEqual(['', 'my', 'com.microsoft']);
  });
  it('that would come to more nodes than anybody has memory for are refused', () => {
    const twice = Array.from({ length: 30 }, (_, level) =>
      create(FunctionProtoSchema, {
        ...{ domain: 'my', name: `F${level}`, input: ['x'], output: ['y'] },
        node: ['x', 'a'].map((input, i) =>
          level === 29
            ? makeNode('Relu', [input], [i === 0 ? 'a' : 'y'], {})
            : makeNode(`F${level + 1}`, [input], [i === 0 ? 'a' : 'y'], {}, { domain: 'my' }),
        ),
        opsetImport: opsets({ '': 17, my: 1 }),
      }),
    );
    const bomb = {
      ...model,
      functions: twice,
      graph: { ...model.graph, node: [makeNode('F0', ['x'], ['y'], {}, { name: 'call', domain: 'my' })] },
    };
    expect(() => inlineFunctions(bomb)).toThrow(/more than 200000 nodes/);
  });
  it('take the attributes of their calls', () => {
    expect(inlined.graph.node[1]!.attribute).toMatchObject([{ name: 'alpha', f: 0.25, refAttrName: '' }]);
  });
  it('have names of their own in every call, in bodies too', () => {
    const names = inlined.graph.node.flatMap((node) => [
      ...node.output,
      ...subgraphs(node).flatMap((body) => [
        ...body.node.flatMap(({ output }) => output),
        ...body.initializer.map(({ name }) => name),
      ]),
    ]);
    expect(new Set(names).size).toBe(names.length);
    const [body] = subgraphs(inlined.graph.node[2]!);
    expect(body!.node[0]!.input).toEqual(['first/t', 'first/c']);
  });
  it('of another operator set stay calls', () => {
    const other = { ...inner, opsetImport: opsets({ '': 13 }) };
    const kept = inlineFunctions({ ...model, functions: [outer, other] });
    expect(kept.graph.node.map(({ opType }) => opType)).toContain('Inner');
    expect(kept.functions).toHaveLength(1);
  });
});

describe('sparse constants', () => {
  const values = makeTensor('s', [2], 1, Float32Array.of(5, 7));
  it.each([
    ['linear', makeInts('i', [1, 5])],
    ['one for each axis', { ...makeInts('i', [0, 1, 1, 2]), dims: [2n, 2n] }],
  ])('become dense: indices %s', (_, indices) => {
    const sparse = create(SparseTensorProtoSchema, { values, indices, dims: [2n, 3n] });
    const model = create(ModelProtoSchema, {
      graph: create(GraphProtoSchema, { sparseInitializer: [sparse] }),
    }) as ModelProto;
    const { graph } = denseConstants(model, '.');
    expect(graph.sparseInitializer).toEqual([]);
    expect([...readFloats(graph.initializer[0]!, '.')]).toEqual([0, 5, 0, 0, 0, 7]);
    expect(graph.initializer[0]!.name).toBe('s');
  });
});

describe('fresh names', () => {
  it('are not those of bodies either', () => {
    const body = create(GraphProtoSchema, { node: [makeNode('Relu', ['x'], ['r'])] });
    const owner = {
      ...makeNode('If', ['c'], ['y']),
      attribute: [graphAttribute('then_branch', body), makeAttribute('n', 1)],
    };
    const fresh = freshNames(
      create(ModelProtoSchema, { graph: create(GraphProtoSchema, { node: [owner] }) }) as ModelProto,
    );
    expect(['r', 'r', 'y', 'new'].map(fresh)).toEqual(['r_2', 'r_3', 'y_2', 'new']);
  });
});

describe('halves', () => {
  it('come back from numbers bit by bit', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = halfToFloat(bits);
      if (!Number.isNaN(value)) expect(floatToHalf(value)).toBe(bits);
    }
  });
  it('are the nearest to a number, half to even', () => {
    fc.assert(
      fc.property(fc.float({ min: -65000, max: 65000, noNaN: true }), (value) => {
        const bits = floatToHalf(value);
        const distance = Math.abs(halfToFloat(bits) - value);
        for (const other of [bits - 1, bits + 1]) {
          const near = halfToFloat(other & 0xffff);
          if (Number.isFinite(near)) expect(distance).toBeLessThanOrEqual(Math.abs(near - value));
        }
      }),
    );
    expect([65519, 65520, 1 + 2 ** -11, 1 + 3 * 2 ** -11].map((x) => halfToFloat(floatToHalf(x)))).toEqual([
      65504,
      Infinity,
      1,
      1 + 2 ** -9,
    ]);
  });
  it('are exact or not taken', () => {
    expect(exactHalves(Float32Array.of(0.5, -2))).toEqual(Uint16Array.of(0x3800, 0xc000));
    expect(exactHalves(Float32Array.of(0.1))).toBeNull();
    expect(exactBrainFloats(Float32Array.of(1, -3))).toEqual(Uint16Array.of(0x3f80, 0xc040));
    expect(exactBrainFloats(Float32Array.of(0.1))).toBeNull();
  });
});
