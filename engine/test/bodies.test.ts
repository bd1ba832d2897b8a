import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  AttributeProto_AttributeType as Type,
  AttributeProtoSchema,
  readModel,
  subgraphs,
  type GraphProto,
  type ModelProto,
  type NodeProto,
} from '@quantsmith/model/onnx';
import { prepareModel } from '../src/prepare/prepare.js';
import { floats, ints, loaded, model, node, randoms, value } from '../../test/kit/models.js';
import { quantizeModel } from '../../test/kit/quantize.js';
import { compareModels } from './exported.js';
import { randomGraph } from './randomGraphs.js';

const SAMPLES = 24;

/** The whole range of the samples. */
const WHOLE: NonNullable<Parameters<typeof quantizeModel>[2]> = {
  defaults: 'nncf',
  advanced_parameters: {
    activations_range_estimator_params: {
      min: { statistics_type: 'min', aggregator_type: 'min' },
      max: { statistics_type: 'max', aggregator_type: 'max' },
    },
  },
};

const matrix = (name: string, rows: number, columns: number, seed: number) =>
  floats(
    name,
    [rows, columns],
    randoms(rows * columns, seed).map((x) => x / Math.sqrt(rows)),
  );

const body = (parts: Parameters<typeof model>[0]) => model(parts).graph;

/** A node with graphs of its own. */
function owner(
  op: string,
  inputs: string[],
  outputs: string[],
  bodies: Readonly<Record<string, GraphProto>>,
  attributes: Parameters<typeof node>[3] = {},
): NodeProto {
  const bare = node(op, inputs, outputs, attributes, op.toLowerCase());
  const graphs = Object.entries(bodies).map(([name, g]) =>
    create(AttributeProtoSchema, { name, type: Type.GRAPH, g }),
  );

  return { ...bare, attribute: [...bare.attribute, ...graphs] };
}

const product = (weight: string, out: string, input = 'x') =>
  body({
    nodes: [
      node('MatMul', [input, weight], [`${out}_m`]),
      node('Add', [`${out}_m`, `${out}_b`], [`${out}_s`]),
      node('Relu', [`${out}_s`], [out]),
    ],
    inputs: [],
    outputs: [value(out)],
    initializers: [floats(`${out}_b`, [8], randoms(8, 7))],
  });

const constants = [ints('third', [3]), ints('fourth', [4]), ints('axis', [1]), floats('nothing', [], [0])];

const MODELS: Readonly<Record<string, { built: ModelProto; operators: number }>> = {
  'both branches of an If': {
    built: model({
      inputs: [value('x', [1, 8])],
      outputs: [value('y', [1, 8])],
      nodes: [
        node('Slice', ['x', 'third', 'fourth', 'axis'], ['first']),
        node('Squeeze', ['first'], ['scalar']),
        node('Greater', ['scalar', 'nothing'], ['condition']),
        owner('If', ['condition'], ['a'], {
          then_branch: product('W', 'p'),
          else_branch: product('V', 'q'),
        }),
        node('MatMul', ['a', 'W'], ['y']),
      ],
      initializers: [...constants, matrix('W', 8, 8, 2), matrix('V', 8, 8, 3)],
      opset: 17,
    }),
    operators: 3,
  },
  'a branch in a branch': {
    built: model({
      inputs: [value('x', [1, 8])],
      outputs: [value('y', [1, 8])],
      nodes: [
        node('Slice', ['x', 'third', 'fourth', 'axis'], ['first']),
        node('Squeeze', ['first'], ['scalar']),
        node('Greater', ['scalar', 'nothing'], ['condition']),
        owner('If', ['condition'], ['y'], {
          then_branch: body({
            nodes: [
              node('MatMul', ['x', 'W'], ['p']),
              node('Less', ['scalar', 'half'], ['small']),
              owner('If', ['small'], ['r'], {
                then_branch: product('V', 's', 'p'),
                else_branch: product('W', 't', 'p'),
              }),
            ],
            inputs: [],
            outputs: [value('r')],
            initializers: [floats('half', [], [0.5])],
          }),
          else_branch: product('V', 'q'),
        }),
      ],
      initializers: [...constants, matrix('W', 8, 8, 2), matrix('V', 8, 8, 3)],
      opset: 17,
    }),
    operators: 4,
  },
  'the rounds of a Loop': {
    built: model({
      inputs: [value('x', [1, 8])],
      outputs: [value('y', [1, 8]), value('all')],
      nodes: [
        owner('Loop', ['rounds', ''], ['y', 'all'], {
          body: body({
            nodes: [
              node('MatMul', ['state', 'W'], ['p']),
              node('Tanh', ['p'], ['next']),
              node('Identity', ['go'], ['on']),
              node('Identity', ['next'], ['seen']),
            ],
            inputs: [value('round', [], 7), value('go', [], 9), value('state', [1, 8])],
            outputs: [value('on', [], 9), value('next', [1, 8]), value('seen', [1, 8])],
          }),
        }),
      ].map((loop) => ({ ...loop, input: ['rounds', '', 'x'] })),
      initializers: [
        ints('rounds', [3]),
        floats(
          'W',
          [8, 8],
          randoms(64, 2).map((x) => 0.6 * x),
        ),
      ],
      opset: 17,
    }),
    operators: 1,
  },
  'the steps of a Scan': {
    built: model({
      inputs: [value('x', [1, 5, 8])],
      outputs: [value('end', [1, 8]), value('y', [5, 1, 8])],
      nodes: [
        node('Transpose', ['x'], ['steps'], { perm: [1, 0, 2] }),
        owner(
          'Scan',
          ['start', 'steps'],
          ['end', 'y'],
          {
            body: body({
              nodes: [
                node('MatMul', ['step', 'W'], ['p']),
                node('MatMul', ['state', 'V'], ['q']),
                node('Add', ['p', 'q'], ['sum']),
                node('Tanh', ['sum'], ['next']),
                node('Identity', ['next'], ['out']),
              ],
              inputs: [value('state', [1, 8]), value('step', [1, 8])],
              outputs: [value('next', [1, 8]), value('out', [1, 8])],
            }),
          },
          { num_scan_inputs: 1, scan_output_axes: [0] },
        ),
      ],
      initializers: [
        floats('start', [1, 8], new Float32Array(8)),
        matrix('W', 8, 8, 2),
        floats(
          'V',
          [8, 8],
          randoms(64, 3).map((x) => 0.3 * x),
        ),
      ],
      opset: 17,
    }),
    operators: 2,
  },
};

const samplesOf = (built: ModelProto) => {
  const kind = built.graph.input[0]!.type!.value;
  const dims =
    kind.case === 'tensorType' ? kind.value.shape!.dim.map(({ value: size }) => Number(size.value)) : [];
  const length = dims.reduce((a, b) => a * b, 1);
  return Array.from({ length: SAMPLES }, (_, i) => ({ dims, data: randoms(length, 11 + i) }));
};

const quantize = (built: ModelProto, quantization: Parameters<typeof quantizeModel>[2]) =>
  quantizeModel(
    built,
    samplesOf(built).map(({ dims, data }) => ({ shape: dims.slice(1), data: [...data] })),
    quantization,
  );

const codesIn = (graph: GraphProto): number =>
  graph.node.filter(({ opType }) => opType === 'QuantizeLinear').length +
  graph.node.flatMap(subgraphs).reduce((sum, inner) => sum + codesIn(inner), 0);

describe('linear operators in bodies', () => {
  it.each(Object.entries(MODELS))('of %s are quantized there', async (_, { built, operators }) => {
    const { report, output } = await quantize(built, WHOLE);
    expect(report.warnings.map(({ code }) => code)).toContain('operators-in-bodies');
    const linear = report.layers.filter(({ op }) => op === 'MatMul' || op === 'Gemm');
    expect(linear).toHaveLength(operators);
    expect(linear.filter(({ kernel }) => kernel === null)).toEqual([]);

    const feeds = samplesOf(built).map(({ dims, data }) => ({ x: { type: 'float32', dims, data } as const }));
    for (const compared of await compareModels(output.replace(/\.int8\.onnx$/, '.onnx'), output, feeds)) {
      expect(compared).toMatchObject({ sameType: true, sameShape: true });
      expect(compared.optimized).toBeGreaterThan(25);
      expect(compared.plain).toBeGreaterThan(25);
    }
  });

  it('stay in float where their node is ignored, and where no sample runs them', async () => {
    const { built } = MODELS['both branches of an If']!;
    const ignored = await quantize(built, { ...WHOLE, ignored_scope: { names: ['if'] } });
    const written = (await readModel(ignored.output)).model.graph;
    expect(written.node.flatMap(subgraphs).map(codesIn)).toEqual([0, 0]);

    const alwaysThen = {
      ...built.graph,
      initializer: built.graph.initializer.map((tensor) =>
        tensor.name === 'nothing' ? floats('nothing', [], [-9]) : tensor,
      ),
    };
    const never = await quantize({ ...built, graph: alwaysThen }, WHOLE);
    expect(never.report.warnings).toContainEqual(expect.objectContaining({ code: 'bodies-in-float' }));
    const bodies = (await readModel(never.output)).model.graph.node.flatMap(subgraphs);
    expect(bodies.map((inner) => codesIn(inner) > 0)).toEqual([true, false]);
  });

  it('stand in the report of sums that overflow, with half range where a fix gives it', async () => {
    const { built } = MODELS['both branches of an If']!;
    const layersWith = async (fix: 'disable' | 'enable') => {
      const { report } = await quantize(built, { ...WHOLE, advanced_parameters: { overflow_fix: fix } });
      const inside = new Set(
        report.layers.flatMap(({ name, runs_reason: why }) => (/in a body of/.test(why ?? '') ? [name] : [])),
      );
      return report.overflow.layers.filter(({ name }) => inside.has(name));
    };

    const plain = await layersWith('disable');
    expect(plain.length).toBeGreaterThan(1);
    expect(plain.some(({ pairs_at_risk: pairs }) => pairs > 0)).toBe(true);
    for (const layer of await layersWith('enable'))
      expect(layer).toMatchObject({ half_range: true, pairs_at_risk: 0 });
  });

  it('whose parts the runtime cannot load are told not to be compared', async () => {
    // Cut up for the self-check, this one is made an invalid graph by the optimizer of ONNX Runtime 1.30.
    const { model: inner, inputs } = randomGraph(9310506);
    const [[name, dims], other] = Object.entries(inputs) as [[string, number[]], [string, number[]]];
    const results = inner.graph.output.map(({ name: output }) => output);
    const outer = model({
      inputs: [value(name, dims)],
      outputs: results.map((output) => value(`${output}_if`)),
      nodes: [
        node('Neg', [name], [other[0]]),
        node('ReduceMax', [name], ['top'], { keepdims: 0 }),
        node('Greater', ['top', 'floor'], ['isAbove']),
        owner(
          'If',
          ['isAbove'],
          results.map((output) => `${output}_if`),
          {
            then_branch: { ...inner.graph, input: [] },
            else_branch: { ...inner.graph, input: [] },
          },
        ),
      ],
      initializers: [floats('floor', [], [-1e9])],
    });
    const { report } = await quantize({ ...outer, opsetImport: inner.opsetImport }, WHOLE);
    expect(report.warnings).toContainEqual(
      expect.objectContaining({
        code: 'operators-not-compared',
        message: expect.stringContaining('the operators inside "if"') as string,
      }),
    );
    expect(report.verified?.operators_compared).toBe(false);
  });
  it('a weight that several bodies read is stored once', async () => {
    const { output } = await quantize(MODELS['a branch in a branch']!.built, WHOLE);
    const graph = (await readModel(output)).model.graph;
    const matrices = (inner: GraphProto): number =>
      inner.initializer.filter(({ dims }) => dims.length === 2).length +
      inner.node.flatMap(subgraphs).reduce((sum, each) => sum + matrices(each), 0);
    expect(matrices(graph)).toBe(2);
  });

  it('a branch that is always taken takes the place of its If', async () => {
    const { built } = MODELS['both branches of an If']!;
    const graph = built.graph;
    const fixed = {
      ...graph,
      node: graph.node.slice(3),
      initializer: [
        ...graph.initializer,
        { ...ints('condition', []), dataType: 9, dims: [], rawData: Uint8Array.of(1) },
      ],
    };
    const prepared = await prepareModel(loaded({ ...built, graph: fixed }));
    expect(prepared.graph.nodes.map(({ opType }) => opType)).toEqual(['Gemm', 'Relu', 'MatMul']);
  });
});
