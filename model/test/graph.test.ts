import { describe, expect, test } from 'vitest';
import { indexGraph } from '../src/graph/graph.js';
import { rewriteGraph } from '../src/graph/rewrite.js';
import { inferTypes } from '../../engine/src/prepare/types.js';
import { makeAttribute } from '../src/onnx/node.js';
import type { NodeProto } from '../src/onnx/onnx_pb.js';
import { floats, ints, model, node, randoms, value } from '../../test/kit/models.js';

/** If with one branch per side, each a Neg or Abs of the outer tensor `inner`. */
function branching(inner: string): NodeProto {
  const branch = (op: string, out: string) =>
    model({ inputs: [], outputs: [value(out)], nodes: [node(op, [inner], [out])] }).graph;
  const graph = (name: string, op: string, out: string) => ({
    ...makeAttribute(name, 0),
    type: 5,
    g: branch(op, out),
  });
  const choose = node('If', ['c'], ['y'], {}, 'if');
  return { ...choose, attribute: [graph('then_branch', 'Neg', 't'), graph('else_branch', 'Abs', 'e')] };
}

describe('the index', () => {
  const source = model({
    inputs: [value('x', ['n', 4]), value('w', [4, 4]), value('c', [], 9)],
    outputs: [value('y')],
    // Not in topological order: If reads `s` from inside, Add comes before its inputs.
    nodes: [
      branching('s'),
      node('Add', ['a', 'a'], ['s'], {}, 'add'),
      node('MatMul', ['x', 'w'], ['a'], {}, 'mul'),
    ],
    initializers: [floats('w', [4, 4], randoms(16))],
  });
  const graph = indexGraph(source);

  test('orders the nodes, also by what subgraphs read', () => {
    expect(graph.nodes.map((found) => found.name)).toEqual(['mul', 'add', 'if']);
  });

  test('orders the index by depth, then as in the file; a rewrite keeps the file, additions before their readers', () => {
    const chains = model({
      inputs: [value('x', [1])],
      outputs: [value('y')],
      nodes: [
        node('Relu', ['x'], ['a'], {}, 'left'),
        node('Relu', ['a'], ['b'], {}, 'left, deeper'),
        node('Abs', ['x'], ['c'], {}, 'right'),
        node('Add', ['b', 'c'], ['y'], {}, 'sum'),
      ],
    });
    expect(indexGraph(chains).nodes.map(({ name }) => name)).toEqual([
      'left',
      'right',
      'left, deeper',
      'sum',
    ]);

    const rewrite = rewriteGraph(chains);
    rewrite.addNode('Neg', ['a'], 'added', {}, { name: 'added' });
    rewrite.rewire([{ node: 'left, deeper', input: 0 }], 'added');
    expect(rewrite.finish().graph.node.map(({ name }) => name)).toEqual([
      'left',
      'added',
      'left, deeper',
      'right',
      'sum',
    ]);
  });

  test('finds producers, consumers with their input, and captures', () => {
    expect(graph.producer('a')?.name).toBe('mul');
    expect(graph.producer('x')).toBeUndefined();
    expect(graph.consumers('a').map(({ node: reader, input }) => [reader.name, input])).toEqual([
      ['add', 0],
      ['add', 1],
    ]);
    expect(graph.isCaptured('s')).toBe(true);
    expect(graph.isCaptured('a')).toBe(false);
    expect(graph.consumers('none')).toEqual([]);
    expect(graph.node('add')?.opType).toBe('Add');
  });

  test('knows inputs with a value from those without', () => {
    expect(graph.inputs).toEqual(['x', 'c']);
    expect(graph.outputs).toEqual(['y']);
    expect(graph.isOptional('w')).toBe(true);
    expect(graph.isConstant('w')).toBe(false);
    expect(graph.type('w')).toEqual({ elemType: 1, dims: [4, 4] });
    expect(graph.rank('w')).toBe(2);
  });

  test('a cycle is an error that names a node', () => {
    const cyclic = model({
      inputs: [value('x', [1])],
      outputs: [value('b')],
      nodes: [node('Add', ['x', 'b'], ['a'], {}, 'first'), node('Relu', ['a'], ['b'], {}, 'second')],
    });
    expect(() => indexGraph(cyclic)).toThrow(
      expect.objectContaining({
        problem: expect.objectContaining({ code: 'model-cyclic', data: { node: 'first' } }),
      }),
    );
  });

  test('two nodes that write one tensor are refused: who follows its readers would not come to an end', () => {
    const twice = model({
      inputs: [value('x', ['n', 4])],
      outputs: [value('z')],
      nodes: [node('Relu', ['x'], ['y'], {}, 'first'), node('Relu', ['y'], ['y'], {}, 'second')],
    });
    expect(() => indexGraph(twice)).toThrow(
      expect.objectContaining({
        problem: expect.objectContaining({
          code: 'model-tensor-twice',
          data: { tensor: 'y', node: 'second' },
        }),
      }),
    );
  });
});

describe('inferred types', () => {
  test('shapes through large weights, reshapes and free dimensions', async () => {
    const source = model({
      inputs: [value('x', ['n', 3, 8, 8])],
      outputs: [value('y', undefined, 7)],
      nodes: [
        node('Conv', ['x', 'w'], ['c'], { strides: [2, 2] }),
        node('Reshape', ['c', 's'], ['r']),
        node('ArgMax', ['r'], ['y'], { axis: 1, keepdims: 0 }),
      ],
      initializers: [floats('w', [16, 3, 3, 3], randoms(432)), ints('s', [-1, 144])],
    });
    const types = await inferTypes(source);
    expect(types.get('c')).toEqual({ elemType: 1, dims: ['n', 16, 3, 3] });
    expect(types.get('r')?.dims).toMatchObject([expect.any(String), 144]);
    expect(types.get('y')).toMatchObject({ elemType: 7, dims: [expect.any(String)] });
    expect(types.get('w')).toEqual({ elemType: 1, dims: [16, 3, 3, 3] });
  });

  test('a scalar has rank 0, an unknown rank is null', async () => {
    const source = model({
      inputs: [value('x'), value('shape', ['k'], 7), value('s', [])],
      outputs: [value('r'), value('q')],
      nodes: [node('Reshape', ['x', 'shape'], ['r']), node('Relu', ['s'], ['q'])],
    });
    const types = await inferTypes(source);
    expect(types.get('q')).toEqual({ elemType: 1, dims: [] });
    expect(types.get('r')).toEqual({ elemType: 1, dims: null });
  });

  test('what captured tensors and old constants as inputs need', async () => {
    const source = model({
      inputs: [value('x', [2, 200]), value('w', [200, 200]), value('c', [], 9)],
      outputs: [value('y')],
      nodes: [node('MatMul', ['x', 'w'], ['s']), branching('w')],
      initializers: [floats('w', [200, 200], randoms(40000))],
      opset: 8,
      ir: 3,
    });
    expect((await inferTypes(source)).get('s')).toEqual({ elemType: 1, dims: [2, 200] });
  });
});
