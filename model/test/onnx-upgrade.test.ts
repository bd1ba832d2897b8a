import { describe, expect, test } from 'vitest';
import { makeAttribute, opset } from '../src/onnx/node.js';
import { nameNodes } from '../src/onnx/names.js';
import { readModel } from '../src/onnx/read.js';
import { upgradeModel } from '../src/upgrade/upgrade.js';
import type { ModelProto } from '../src/onnx/model.js';
import { type NodeProto, AttributeProtoSchema, AttributeProto_AttributeType } from '../src/onnx/onnx_pb.js';
import { create } from '@bufbuild/protobuf';
import { createSession } from '../../engine/src/runtime/session.js';
import type { HostTensor } from '../src/arrays/tensor.js';
import { DATA, hasData, realFeeds, realModels } from '../../test/kit/realModels.js';
import { floats, ints, model, node, randoms, value } from '../../test/kit/models.js';
import { relativeDifference, runModel } from '../../test/kit/runModel.js';

const float = (number: number) => ({ float: number });

/** Indexes are int64, masks bool. */
const ELEMENT_TYPES: Readonly<Record<string, number>> = { i: 7, m: 9 };

/** A model of one node on x, with the rank-1 outputs left to inference. */
function single(
  operator: NodeProto,
  dims: number[],
  version: number,
  extra: Parameters<typeof model>[0]['initializers'] = [],
) {
  const outputs = operator.output.map((name) => value(name, undefined, ELEMENT_TYPES[name] ?? 1));
  return model({
    inputs: [value('x', dims)],
    outputs,
    nodes: [operator],
    initializers: extra,
    opset: version,
  });
}

function withFloats(operator: NodeProto, name: string, values: number[]): NodeProto {
  const attribute = create(AttributeProtoSchema, {
    name,
    type: AttributeProto_AttributeType.FLOATS,
    floats: values,
  });
  return { ...operator, attribute: [...operator.attribute, attribute] };
}

const cube = [2, 3, 4];
const image = [1, 2, 6, 6];
const upsample = (mode: string) =>
  withFloats(node('Upsample', ['x'], ['y'], { mode }), 'scales', [1, 1, 2, 3]);

/** The operator as an old operator set writes it, by name of the case. */
const CASES: Record<string, ModelProto> = {
  'Slice 1 → 10': single(
    node('Slice', ['x'], ['y'], { axes: [1, 2], starts: [0, -3], ends: [2, 1000] }),
    cube,
    9,
  ),
  'Slice 1 without axes': single(node('Slice', ['x'], ['y'], { starts: [1], ends: [2] }), cube, 9),
  'TopK 1 → 10': single(node('TopK', ['x'], ['y', 'i'], { k: 2, axis: 1 }), cube, 9),
  'Clip 6 → 11': single(node('Clip', ['x'], ['y'], { min: float(-0.25), max: float(0.5) }), cube, 10),
  'Clip 6 with a maximum only': single(node('Clip', ['x'], ['y'], { max: float(0.5) }), cube, 10),
  'Pad 2 → 11': single(node('Pad', ['x'], ['y'], { pads: [0, 1, 0, 0, 0, 2], value: float(1.5) }), cube, 10),
  'Pad 2 reflecting': single(
    node('Pad', ['x'], ['y'], { pads: [0, 1, 1, 0, 1, 2], mode: 'reflect' }),
    cube,
    10,
  ),
  'Squeeze 1 → 13': single(node('Squeeze', ['x'], ['y'], { axes: [0] }), [1, 3, 4], 11),
  'Squeeze of all': single(node('Squeeze', ['x'], ['y']), [1, 3, 1], 11),
  'Unsqueeze 1 → 13': single(node('Unsqueeze', ['x'], ['y'], { axes: [0, 3] }), cube, 11),
  'Split 2 → 13': single(node('Split', ['x'], ['y', 'z'], { axis: 2, split: [1, 3] }), cube, 11),
  'Split into equal parts': single(node('Split', ['x'], ['y', 'z'], { axis: 2 }), cube, 11),
  'ReduceSum 1 → 13': single(node('ReduceSum', ['x'], ['y'], { axes: [1], keepdims: 0 }), cube, 11),
  'ReduceMean 1 → 18': single(node('ReduceMean', ['x'], ['y'], { axes: [0, 2] }), cube, 11),
  'ReduceMax over all': single(node('ReduceMax', ['x'], ['y']), cube, 11),
  'Softmax 1 over the middle axis': single(node('Softmax', ['x'], ['y'], { axis: 1 }), cube, 11),
  'Softmax 1 over the last axis': single(node('Softmax', ['x'], ['y'], { axis: 2 }), cube, 11),
  'LogSoftmax 1 with the default axis': single(node('LogSoftmax', ['x'], ['y']), cube, 11),
  'Hardmax 1': single(node('Hardmax', ['x'], ['y'], { axis: 1 }), cube, 11),
  'Dropout 7 → 12': single(node('Dropout', ['x'], ['y'], { ratio: float(0.3) }), cube, 8),
  'Dropout 10 with its mask': single(node('Dropout', ['x'], ['y', 'm'], { ratio: float(0.3) }), cube, 10),
  'Upsample 7 nearest': single(upsample('nearest'), image, 8),
  'Upsample 7 linear': single(upsample('linear'), image, 8),
  'Upsample 9': single(node('Upsample', ['x', 's'], ['y'], { mode: 'linear' }), image, 9, [
    floats('s', [4], [1, 1, 2, 2]),
  ]),
  'Resize 10 enlarging': single(node('Resize', ['x', 's'], ['y']), image, 10, [
    floats('s', [4], [1, 1, 2, 2.5]),
  ]),
  'Resize 10 shrinking to the nearest': single(node('Resize', ['x', 's'], ['y']), image, 10, [
    floats('s', [4], [1, 1, 0.6, 0.5]),
  ]),
  'Resize 10 shrinking linearly': single(node('Resize', ['x', 's'], ['y'], { mode: 'linear' }), image, 10, [
    floats('s', [4], [1, 1, 0.6, 0.5]),
  ]),
  'Resize 11': single(
    node('Resize', ['x', 'roi', 's'], ['y'], {
      mode: 'linear',
      coordinate_transformation_mode: 'half_pixel',
    }),
    image,
    11,
    [floats('roi', [0], []), floats('s', [4], [1, 1, 2, 2])],
  ),
  'Scatter 9 → ScatterElements': single(node('Scatter', ['x', 'i', 'u'], ['y'], { axis: 0 }), [4], 9, [
    ints('i', [2, 0]),
    floats('u', [2], [7, 8]),
  ]),
  'BatchNormalization 7 → 15': single(
    node('BatchNormalization', ['x', 'g', 'b', 'm', 'v'], ['y']),
    image,
    8,
    [
      floats('g', [2], [1.5, 0.5]),
      floats('b', [2], [0.1, 0.2]),
      floats('m', [2], [0.3, -0.3]),
      floats('v', [2], [1, 2]),
    ],
  ),
  'AveragePool 7 → 19': single(
    node('AveragePool', ['x'], ['y'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] }),
    image,
    8,
  ),
  'Gemm 7': single(node('Gemm', ['x', 'w', 'c'], ['y'], { transB: 1, alpha: float(2) }), [2, 3], 8, [
    floats('w', [4, 3], randoms(12)),
    floats('c', [4], randoms(4)),
  ]),
  'Flatten 1': single(node('Flatten', ['x'], ['y'], { axis: 2 }), cube, 8),
  'Reshape 5': single(node('Reshape', ['x', 's'], ['y']), cube, 8, [ints('s', [0, -1])]),
  'LSTM 7 → 14': single(node('LSTM', ['x', 'w', 'r'], ['y'], { hidden_size: 2 }), [3, 1, 2], 8, [
    floats('w', [1, 8, 2], randoms(16)),
    floats('r', [1, 8, 2], randoms(16, 2)),
  ]),
  'GRU 7 → 14': single(node('GRU', ['x', 'w', 'r'], ['y'], { hidden_size: 2 }), [3, 1, 2], 8, [
    floats('w', [1, 6, 2], randoms(12)),
    floats('r', [1, 6, 2], randoms(12, 2)),
  ]),
  'ConstantOfShape 9': single(node('ConstantOfShape', ['s'], ['y']), [1], 9, [ints('s', [2, 2])]),
  'RoiAlign 10 → 16': single(
    node('RoiAlign', ['x', 'r', 'i'], ['y'], { output_height: 2, output_width: 2, sampling_ratio: 2 }),
    image,
    11,
    [floats('r', [1, 4], [0.5, 0.5, 4, 4]), ints('i', [0])],
  ),
  'GridSample 16 → 20': single(node('GridSample', ['x', 'grid'], ['y'], { mode: 'bilinear' }), image, 16, [
    floats('grid', [1, 2, 2, 2], randoms(8)),
  ]),
};

describe('upgraded operators compute what they computed', () => {
  describe.each([13, 18, 21])('to operator set %i', (target) => {
    test.each(Object.entries(CASES))('%s', async (_name, source) => {
      const before = await runModel(source);
      const ranks = (tensor: string) =>
        tensor === 'x' ? source.graph.input[0]!.type!.value.value : undefined;
      const rankOf = (tensor: string) => {
        const type = ranks(tensor);
        return type !== undefined && 'shape' in type ? type.shape.dim.length : undefined;
      };

      for (const known of [rankOf, () => undefined]) {
        const { model: upgraded, problems } = upgradeModel(source, known, target);
        expect(problems).toEqual([]);
        expect(opset(upgraded)).toBe(Math.max(target, opset(source)));
        const after = await runModel(upgraded);
        for (const [name, expected] of Object.entries(before)) {
          expect(relativeDifference(expected, after[name]!)).toBeLessThanOrEqual(1e-6);
        }
      }
    });
  });
});

describe('what cannot be upgraded is one problem', () => {
  test.each([
    [
      'BatchNormalization',
      single(node('BatchNormalization', ['x', 'g', 'b', 'm', 'v'], ['y'], { spatial: 0 }), [1, 2], 8),
    ],
    ['Scan', single(node('Scan', ['', 'x'], ['y'], { num_scan_inputs: 1 }), [1, 2], 8)],
  ])('%s', (op, source) => {
    const { problems } = upgradeModel(source);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ code: 'operator-not-upgradable', severity: 'error', data: { op } });
    expect(problems[0]!.message).toContain('y_node');
  });

  test('an operator set from before 7, and one from the future', () => {
    const relu = (version: number) => single(node('Relu', ['x'], ['y']), [2], version);
    expect(upgradeModel(relu(6)).problems[0]).toMatchObject({ code: 'opset-unsupported' });
    expect(upgradeModel(relu(13), undefined, 99).problems[0]).toMatchObject({ code: 'opset-unsupported' });
  });
});

test('other domains keep their nodes and their versions', () => {
  const foreign: NodeProto = { ...node('Clip', ['x'], ['y'], { min: 0 }), domain: 'com.example' };
  const source = model({
    inputs: [value('x', [2])],
    outputs: [value('y', [2])],
    nodes: [foreign],
    opset: 9,
    domains: { 'com.example': 3 },
  });
  const { model: upgraded } = upgradeModel(source);
  expect(upgraded.graph.node).toEqual([foreign]);
  expect(opset(upgraded, 'com.example')).toBe(3);
});

test('branches of If are upgraded too', async () => {
  const branch = (name: string, min: number) =>
    model({
      inputs: [],
      outputs: [value(name, [3])],
      nodes: [node('Clip', ['x'], [name], { min: float(min), max: float(0.4) })],
    }).graph;
  const graph = (name: string, g: ReturnType<typeof branch>) => ({ ...makeAttribute(name, 0), type: 5, g });
  const choose = node('If', ['c'], ['y']);
  const source = model({
    inputs: [value('x', [3]), value('c', [], 9)],
    outputs: [value('y', [3])],
    nodes: [
      {
        ...choose,
        attribute: [graph('then_branch', branch('t', -0.1)), graph('else_branch', branch('e', -0.5))],
      },
    ],
    opset: 10,
  });
  const x: HostTensor = { type: 'float32', dims: [3], data: Float32Array.of(-1, 0.2, 1) };
  const feeds = (c: number): Record<string, HostTensor> => ({
    x,
    c: { type: 'bool', dims: [], data: Uint8Array.of(c) },
  });
  const { model: upgraded, problems } = upgradeModel(source, undefined, 18);
  expect(problems).toEqual([]);
  for (const c of [0, 1]) {
    const { y } = await runModel(upgraded, feeds(c));
    expect(y!.data).toEqual((await runModel(source, feeds(c)))['y']!.data);
    expect(y!.data[0]).toBeCloseTo(c === 1 ? -0.1 : -0.5, 6);
  }
});

describe.skipIf(!hasData)('real models', () => {
  const files = realModels().filter((file) => !file.includes('superresolution'));
  test.each(files)('%s', async (file) => {
    const { model: source, path } = await readModel(`${DATA}/models/${file}`);
    const session = await createSession(path, { threads: 1, optimization: 'disabled' });
    const feeds = realFeeds(file, session.inputs);
    await session.release();
    const before = await runModel(source, feeds);
    for (const target of [13, 21]) {
      const { model: upgraded, problems } = upgradeModel(nameNodes(source).model, undefined, target);
      expect(problems).toEqual([]);
      const after = await runModel(upgraded, feeds);
      for (const name of Object.keys(before)) {
        expect(relativeDifference(before[name]!, after[name]!)).toBeLessThanOrEqual(1e-6);
      }
    }
  });
});
