import { create } from '@bufbuild/protobuf';
import { indexGraph } from '@quantsmith/model/graph';
import {
  AttributeProto_AttributeType as Type,
  AttributeProtoSchema,
  type NodeProto,
} from '@quantsmith/model/onnx';
import type { QuantizationConfig, QuantizationReport } from '@quantsmith/schemas';
import { describe, expect, it } from 'vitest';
import { floats, model, node, value } from '../../test/kit/models.js';
import { quantizeModel } from '../../test/kit/quantize.js';
import type { ActivationQuantizer } from '../src/placement/types.js';
import { cutUnseenTails } from '../src/statistics/unseenTails.js';

const SHAPE = [1, 4, 2, 2];
const scalars = { half: 0.5, one: 1, three: 3, six: 6, zero: 0, root2: Math.SQRT2 };
const constants = Object.entries(scalars).map(([name, number]) => floats(name, [], [number]));

/** Activations of `x`, as exporters write them. */
const WRITTEN: Readonly<Record<string, readonly NodeProto[]>> = {
  swish: [node('Sigmoid', ['x'], ['s']), node('Mul', ['x', 's'], ['y'])],
  'hard-swish': [
    node('Add', ['x', 'three'], ['a']),
    node('Clip', ['a', 'zero', 'six'], ['c']),
    node('Mul', ['x', 'c'], ['m']),
    node('Div', ['m', 'six'], ['y']),
  ],
  'hard-swish with its gate': [
    node('HardSigmoid', ['x'], ['s'], { alpha: { float: 1 / 6 } }),
    node('Mul', ['s', 'x'], ['y']),
  ],
  'hard-swish in one operator': [node('HardSwish', ['x'], ['y'])],
  GELU: [
    node('Div', ['x', 'root2'], ['d']),
    node('Erf', ['d'], ['e']),
    node('Add', ['e', 'one'], ['f']),
    node('Mul', ['x', 'f'], ['p']),
    node('Mul', ['p', 'half'], ['y']),
  ],
  Mish: [node('Softplus', ['x'], ['p']), node('Tanh', ['p'], ['t']), node('Mul', ['x', 't'], ['y'])],
};

const graphOf = (nodes: readonly NodeProto[], outputs: readonly string[] = ['y']) =>
  indexGraph(
    model({
      nodes: [...nodes],
      inputs: [value('x', SHAPE)],
      outputs: outputs.map((name) => value(name, SHAPE)),
      initializers: constants,
    }),
  );

const quantizer: ActivationQuantizer = {
  ...{ id: 'x', tensor: 'x', targets: [], axis: null, unified: null, atOutput: false },
  config: { numBits: 8, mode: 'asymmetric', signednessToForce: null, perChannel: false, narrowRange: false },
};

/** The lower border of x over [low, high], behind which these nodes come. */
function lowest(
  nodes: readonly NodeProto[],
  [low, high]: readonly [number, number],
  { outputs = ['y'], ...change }: Partial<ActivationQuantizer> & { outputs?: string[] } = {},
) {
  const ranges = new Map([['x', { min: Float32Array.of(low), max: Float32Array.of(high) }]]);
  return cutUnseenTails(graphOf(nodes, outputs), [{ ...quantizer, ...change }], ranges).get('x')!.min[0]!;
}

describe('the range in front of an activation that gates itself', () => {
  it.each([
    ['swish', -7, -5],
    ['hard-swish', -3, -2.9],
    ['hard-swish with its gate', -3, -2.9],
    ['hard-swish in one operator', -3, -2.9],
    ['GELU', -3.5, -2.2],
    ['Mish', -7, -5],
  ])('ends where %s tells values apart', (name, from, to) => {
    const cut = lowest(WRITTEN[name]!, [-60, 8]);
    expect(cut).toBeGreaterThan(from - 0.1);
    expect(cut).toBeLessThan(to);
  });

  it('loses no value that another code would stand for behind it', () => {
    const swish = (x: number) => x / (1 + Math.exp(-x));
    const step = (swish(8) - swish(-1.278)) / 255;
    const cut = lowest(WRITTEN.swish!, [-60, 8]);
    for (let x = -60; x < cut; x += 0.25) expect(Math.abs(swish(x) - swish(cut))).toBeLessThan(step / 2);
  });

  it('stays where all its values are told apart', () => {
    expect(lowest(WRITTEN.swish!, [-2, 8])).toBeLessThan(-1.9);
    expect(lowest(WRITTEN.swish!, [0, 8])).toBe(0);
  });

  it('is finer the more bits its codes have', () => {
    const wide = { ...quantizer.config, numBits: 16 };
    expect(lowest(WRITTEN.swish!, [-60, 8], { config: wide })).toBeLessThan(
      lowest(WRITTEN.swish!, [-60, 8]) - 3,
    );
  });

  it('stays where others read the value, or the range is not its own', () => {
    const conv = node('Relu', ['x'], ['z']);
    expect(lowest([...WRITTEN.swish!, conv], [-60, 8], { outputs: ['y', 'z'] })).toBe(-60);
    expect(lowest(WRITTEN.swish!, [-60, 8], { outputs: ['y', 's'] })).toBe(-60);
    expect(lowest(WRITTEN.swish!, [-60, 8], { unified: 'concat' })).toBe(-60);
    expect(lowest(WRITTEN.swish!, [-60, 8], { atOutput: true })).toBe(-60);
    expect(lowest(WRITTEN.swish!, [-60, 8], { config: { ...quantizer.config, mode: 'symmetric' } })).toBe(
      -60,
    );
  });

  it('stays in front of other activations', () => {
    expect(lowest([node('Sigmoid', ['x'], ['y'])], [-60, 8])).toBe(-60);
    expect(lowest([node('Add', ['x', 'three'], ['a']), node('Relu', ['a'], ['y'])], [-60, 8])).toBe(-60);
    // Gated by another value.
    const gated = [node('Sigmoid', ['x'], ['s']), node('Mul', ['half', 's'], ['y'])];
    expect(lowest(gated, [-60, 8])).toBe(-60);
  });
});

describe('tails that a config leaves open', () => {
  const wave = (length: number, step: number) => Array.from({ length }, (_, i) => Math.sin(step * (i + 1)));
  // Half of the first convolution's channels are always far below zero.
  const bias = [0, -80, 0, -120];
  const nodes = [
    node('Conv', ['x', 'w1', 'b1'], ['a'], {}, 'first'),
    node('Sigmoid', ['a'], ['s'], {}, 'gate'),
    node('Mul', ['a', 's'], ['m'], {}, 'swish'),
    node('Conv', ['m', 'w2'], ['y'], {}, 'second'),
  ];
  const initializers = [
    floats('w1', [4, 4, 1, 1], wave(16, 3)),
    floats('b1', [4], bias),
    floats('w2', [4, 4, 1, 1], wave(16, 5)),
  ];
  const ofNodes = (all: readonly NodeProto[], output = 'y', more: typeof initializers = []) =>
    model({
      nodes: [...all],
      inputs: [value('x', SHAPE)],
      outputs: [value(output, SHAPE)],
      initializers: [...initializers, ...more],
    });
  const network = ofNodes(nodes);
  const choicesOf = ({ choices = [] }: QuantizationReport) =>
    Object.fromEntries(choices.map(({ setting, value: taken }) => [setting, taken]));
  const samples = Array.from({ length: 20 }, (_, i) => ({
    shape: SHAPE.slice(1),
    data: wave(16, 0.1 + 0.37 * i),
  }));
  const run = async (quantization: NonNullable<QuantizationConfig['quantization']>) =>
    (await quantizeModel(network, samples, quantization)).report;

  it('are cut where that is closer to the float model, and the report says over what', async () => {
    const report = await run({});
    const choice = report.choices?.find(({ setting }) => setting === 'advanced_parameters.activation_tails');
    expect(choice).toMatchObject({ value: 'cut', over: [{ value: 'whole' }] });
    expect(choice!.sqnr_db! - choice!.over[0]!.sqnr_db!).toBeGreaterThan(10);
  });

  it('are cut in bodies of If, too', async () => {
    const body = { ...ofNodes(nodes).graph, input: [], initializer: [] };
    const condition = [
      node('ReduceMax', ['x'], ['largest'], { keepdims: 0 }),
      node('Greater', ['largest', 'low'], ['c']),
    ];
    const choice = {
      ...node('If', ['c'], ['z']),
      attribute: ['then_branch', 'else_branch'].map((name) =>
        create(AttributeProtoSchema, { name, type: Type.GRAPH, g: body }),
      ),
    };
    const within = ofNodes([...condition, choice], 'z', [floats('low', [], [-9])]);
    const { report } = await quantizeModel(within, samples, {});
    expect(choicesOf(report)).toMatchObject({ 'advanced_parameters.activation_tails': 'cut' });
  });

  it('stay whole where they change nothing, so that presets are compared with what they gain by that', async () => {
    const { report } = await quantizeModel(ofNodes(nodes.slice(0, -1), 'm'), samples, {});
    expect(choicesOf(report)).toMatchObject({
      'advanced_parameters.activation_tails': 'whole',
      preset: 'mixed',
    });
  });

  it('are whole where the config says so, and with fixed defaults', async () => {
    const lowOf = (report: Awaited<ReturnType<typeof run>>) =>
      report.layers.flatMap(({ inputs }) => inputs).map(({ low }) => low);
    const stated = await run({ preset: 'mixed', advanced_parameters: { activation_tails: 'whole' } });
    expect(stated.choices?.map(({ setting }) => setting)).not.toContain(
      'advanced_parameters.activation_tails',
    );
    const fixed = await run({ defaults: 'nncf', preset: 'mixed' });
    expect(fixed.choices ?? []).toEqual([]);
    const whole = await run({
      defaults: 'nncf',
      preset: 'mixed',
      advanced_parameters: { activation_tails: 'whole' },
    });
    expect(lowOf(fixed)).toEqual(lowOf(whole));
  });
});
