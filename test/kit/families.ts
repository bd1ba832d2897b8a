import type { ModelProto, NodeProto, TensorProto } from '@quantsmith/model/onnx';
import { floats, ints, model, node, randoms, value } from './models.js';

/** A small network of a family with samples; the first ones calibrate, the rest are unseen. */
export interface Family {
  readonly network: ModelProto;
  /** Of one sample, without the batch. */
  readonly shape: readonly number[];
  readonly calibration: readonly Float32Array[];
  readonly validation: readonly Float32Array[];
}

const CHANNELS = 16;
const IMAGE = [CHANNELS, 8, 8];
const WIDTH = 32;
const TOKENS = [16, WIDTH];
const COUNT = { calibration: 32, validation: 16 };

/** Operators between a tensor and another one, and the constants that they read. */
interface Part {
  readonly nodes: readonly NodeProto[];
  readonly constants?: readonly TensorProto[];
}
type Build = (from: string, to: string) => Part;

const scalar = (name: string, number: number) => floats(name, [1], [number]);
const spread = (values: Float32Array, factor: (index: number) => number) =>
  values.map((x, index) => x * factor(index));

const conv =
  (
    seed: number,
    options: { readonly group?: number; readonly factor?: (channel: number) => number } = {},
  ): Build =>
  (from, to) => {
    const { group = 1, factor = () => 1 } = options;
    const inputs = CHANNELS / group;
    const size = inputs * 9;
    const gain = Math.sqrt(3 / size);
    const weights = spread(randoms(CHANNELS * size, seed), (i) => gain * factor(Math.floor(i / size)));
    return {
      nodes: [node('Conv', [from, `${to}_w`], [to], { group, pads: [1, 1, 1, 1] }, to)],
      constants: [floats(`${to}_w`, [CHANNELS, inputs, 3, 3], weights)],
    };
  };

const dense =
  (seed: number): Build =>
  (from, to) => ({
    nodes: [node('MatMul', [from, `${to}_w`], [to], {}, to)],
    constants: [
      floats(
        `${to}_w`,
        [WIDTH, WIDTH],
        spread(randoms(WIDTH * WIDTH, seed), () => Math.sqrt(3 / WIDTH)),
      ),
    ],
  });

const silu: Build = (x, y) => ({
  nodes: [node('Sigmoid', [x], [`${y}_s`]), node('Mul', [x, `${y}_s`], [y])],
});
/** x · clip(x + 3, 0, 6) / 6 */
const hardSwish: Build = (x, y) => ({
  nodes: [
    ...[node('Add', [x, `${y}_3`], [`${y}_a`]), node('Clip', [`${y}_a`, `${y}_0`, `${y}_6`], [`${y}_c`])],
    ...[node('Mul', [x, `${y}_c`], [`${y}_m`]), node('Div', [`${y}_m`, `${y}_d`], [y])],
  ],
  constants: [
    ...[scalar(`${y}_3`, 3), floats(`${y}_0`, [], [0]), floats(`${y}_6`, [], [6]), scalar(`${y}_d`, 6)],
  ],
});
/** x · tanh(ln(1 + eˣ)) */
const mish: Build = (x, y) => ({
  nodes: [
    ...[node('Exp', [x], [`${y}_e`]), node('Add', [`${y}_e`, `${y}_1`], [`${y}_a`])],
    ...[node('Log', [`${y}_a`], [`${y}_l`]), node('Tanh', [`${y}_l`], [`${y}_t`])],
    node('Mul', [x, `${y}_t`], [y]),
  ],
  constants: [scalar(`${y}_1`, 1)],
});
/** ½ · x · (1 + tanh(√(2/π) · (x + 0.044715 · x³))) */
const geluTanh: Build = (x, y) => ({
  nodes: [
    ...[node('Mul', [x, x], [`${y}_2`]), node('Mul', [`${y}_2`, x], [`${y}_3`])],
    ...[node('Mul', [`${y}_3`, `${y}_k`], [`${y}_4`]), node('Add', [x, `${y}_4`], [`${y}_5`])],
    ...[node('Mul', [`${y}_5`, `${y}_r`], [`${y}_6`]), node('Tanh', [`${y}_6`], [`${y}_7`])],
    ...[node('Add', [`${y}_7`, `${y}_1`], [`${y}_8`]), node('Mul', [x, `${y}_8`], [`${y}_9`])],
    node('Mul', [`${y}_9`, `${y}_h`], [y]),
  ],
  constants: [
    ...[scalar(`${y}_k`, 0.044715), scalar(`${y}_r`, Math.sqrt(2 / Math.PI))],
    ...[scalar(`${y}_1`, 1), scalar(`${y}_h`, 0.5)],
  ],
});
/** ½ · x · (1 + erf(x / √2)) */
const geluErf: Build = (x, y) => ({
  nodes: [
    ...[node('Div', [x, `${y}_r`], [`${y}_2`]), node('Erf', [`${y}_2`], [`${y}_3`])],
    ...[node('Add', [`${y}_3`, `${y}_1`], [`${y}_4`]), node('Mul', [x, `${y}_4`], [`${y}_5`])],
    node('Mul', [`${y}_5`, `${y}_h`], [y]),
  ],
  constants: [scalar(`${y}_r`, Math.SQRT2), scalar(`${y}_1`, 1), scalar(`${y}_h`, 0.5)],
});

/** Scale and shift that make some channels of a normalized tensor far wider than the others. */
const affine: Build = (x, y) => ({
  nodes: [node('Mul', [x, `${y}_g`], [`${y}_p`]), node('Add', [`${y}_p`, `${y}_b`], [y])],
  constants: [
    floats(
      `${y}_g`,
      [WIDTH],
      Array.from({ length: WIDTH }, (_, i) => (i % 11 === 0 ? 6 : 1)),
    ),
    floats(`${y}_b`, [WIDTH], randoms(WIDTH, 77)),
  ],
});
/** Mean and variance as sums over n. */
const normSums: Build = (x, y) => {
  const shifted = affine(`${y}_n`, y);
  return {
    nodes: [
      ...[
        node('ReduceSum', [x, `${y}_axes`], [`${y}_sum`]),
        node('Div', [`${y}_sum`, `${y}_c`], [`${y}_mean`]),
      ],
      ...[node('Sub', [x, `${y}_mean`], [`${y}_d`]), node('Mul', [`${y}_d`, `${y}_d`], [`${y}_q`])],
      ...[
        node('ReduceSum', [`${y}_q`, `${y}_axes`], [`${y}_qs`]),
        node('Div', [`${y}_qs`, `${y}_c`], [`${y}_v`]),
      ],
      ...[node('Add', [`${y}_v`, `${y}_e`], [`${y}_ve`]), node('Sqrt', [`${y}_ve`], [`${y}_sd`])],
      ...[node('Div', [`${y}_d`, `${y}_sd`], [`${y}_n`]), ...shifted.nodes],
    ],
    constants: [
      ...[ints(`${y}_axes`, [-1]), scalar(`${y}_c`, WIDTH), scalar(`${y}_e`, 1e-5), ...shifted.constants!],
    ],
  };
};

/** The variance as mean of squares less square of the mean. */
const normSquares: Build = (x, y) => {
  const shifted = affine(`${y}_n`, y);
  const mean = { axes: [-1] };
  return {
    nodes: [
      ...[node('ReduceMean', [x], [`${y}_mean`], mean), node('Mul', [x, x], [`${y}_xx`])],
      ...[
        node('ReduceMean', [`${y}_xx`], [`${y}_ms`], mean),
        node('Mul', [`${y}_mean`, `${y}_mean`], [`${y}_mm`]),
      ],
      ...[node('Sub', [`${y}_ms`, `${y}_mm`], [`${y}_v`]), node('Add', [`${y}_v`, `${y}_e`], [`${y}_ve`])],
      ...[node('Sqrt', [`${y}_ve`], [`${y}_sd`]), node('Sub', [x, `${y}_mean`], [`${y}_d`])],
      ...[node('Div', [`${y}_d`, `${y}_sd`], [`${y}_n`]), ...shifted.nodes],
    ],
    constants: [scalar(`${y}_e`, 1e-5), ...shifted.constants!],
  };
};

/** The product with the reciprocal of the standard deviation. */
const normReciprocal: Build = (x, y) => {
  const shifted = affine(`${y}_n`, y);
  const mean = { axes: [-1] };
  return {
    nodes: [
      ...[node('ReduceMean', [x], [`${y}_mean`], mean), node('Sub', [x, `${y}_mean`], [`${y}_d`])],
      ...[node('Mul', [`${y}_d`, `${y}_d`], [`${y}_q`]), node('ReduceMean', [`${y}_q`], [`${y}_v`], mean)],
      ...[node('Add', [`${y}_v`, `${y}_e`], [`${y}_ve`]), node('Sqrt', [`${y}_ve`], [`${y}_sd`])],
      ...[node('Reciprocal', [`${y}_sd`], [`${y}_r`]), node('Mul', [`${y}_d`, `${y}_r`], [`${y}_n`])],
      ...shifted.nodes,
    ],
    constants: [scalar(`${y}_e`, 1e-5), ...shifted.constants!],
  };
};

/** One step of a gated recurrent cell: z · h + (1 − z) · tanh(W x + U h), with z = σ(V x + T h). */
const recurrentStep: Build = (h, y) => {
  const parts = [
    ...[
      dense(91)('x', `${y}_vx`),
      dense(92)(h, `${y}_th`),
      dense(93)('x', `${y}_wx`),
      dense(94)(h, `${y}_uh`),
    ],
  ];
  return {
    nodes: [
      ...parts.flatMap(({ nodes }) => nodes),
      ...[node('Add', [`${y}_vx`, `${y}_th`], [`${y}_za`]), node('Sigmoid', [`${y}_za`], [`${y}_z`])],
      ...[node('Add', [`${y}_wx`, `${y}_uh`], [`${y}_ca`]), node('Tanh', [`${y}_ca`], [`${y}_c`])],
      ...[node('Sub', [`${y}_1`, `${y}_z`], [`${y}_k`]), node('Mul', [`${y}_k`, `${y}_c`], [`${y}_kc`])],
      ...[node('Mul', [`${y}_z`, h], [`${y}_zh`]), node('Add', [`${y}_zh`, `${y}_kc`], [y])],
    ],
    constants: [...parts.flatMap(({ constants = [] }) => constants), scalar(`${y}_1`, 1)],
  };
};

/** x · σ(W₂ relu(W₁ pool(x))) */
const squeezeExcitation: Build = (x, y) => {
  const point = (name: string, seed: number) =>
    floats(
      name,
      [CHANNELS, CHANNELS, 1, 1],
      spread(randoms(CHANNELS ** 2, seed), () => 0.6),
    );
  return {
    nodes: [
      ...[node('GlobalAveragePool', [x], [`${y}_p`]), node('Conv', [`${y}_p`, `${y}_w1`], [`${y}_a`])],
      ...[node('Relu', [`${y}_a`], [`${y}_r`]), node('Conv', [`${y}_r`, `${y}_w2`], [`${y}_b`])],
      ...[node('Sigmoid', [`${y}_b`], [`${y}_g`]), node('Mul', [x, `${y}_g`], [y])],
    ],
    constants: [point(`${y}_w1`, 51), point(`${y}_w2`, 52)],
  };
};

/** softmax(Q Kᵀ / √d) V, added to its input. */
const attention: Build = (x, y) => {
  const parts = [dense(61)(x, `${y}_q`), dense(62)(x, `${y}_k`), dense(63)(x, `${y}_v`)];
  const out = dense(64)(`${y}_m`, `${y}_o`);
  return {
    nodes: [
      ...parts.flatMap(({ nodes }) => nodes),
      node('Transpose', [`${y}_k`], [`${y}_kt`], { perm: [0, 2, 1] }),
      ...[node('MatMul', [`${y}_q`, `${y}_kt`], [`${y}_s`]), node('Div', [`${y}_s`, `${y}_d`], [`${y}_sd`])],
      ...[node('Softmax', [`${y}_sd`], [`${y}_p`]), node('MatMul', [`${y}_p`, `${y}_v`], [`${y}_m`])],
      ...[...out.nodes, node('Add', [`${y}_o`, x], [y])],
    ],
    constants: [
      ...[...parts, out].flatMap(({ constants = [] }) => constants),
      scalar(`${y}_d`, Math.sqrt(WIDTH)),
    ],
  };
};

/** Boxes in pixels and scores between 0 and 1 in one output. */
const detectionHead: Build = (x, y) => {
  const boxes = conv(71, { factor: () => 40 })(x, `${y}_boxes`);
  const logits = conv(72)(x, `${y}_logits`);
  return {
    nodes: [
      ...[...boxes.nodes, ...logits.nodes, node('Sigmoid', [`${y}_logits`], [`${y}_scores`])],
      node('Concat', [`${y}_boxes`, `${y}_scores`], [y], { axis: 1 }),
    ],
    constants: [...boxes.constants!, ...logits.constants!],
  };
};

/** A network of these parts in a row. */
function chain(shape: readonly number[], parts: readonly Build[], outputShape = shape): Family {
  const built = parts.map((part, i) =>
    part(i === 0 ? 'x' : `t${i}`, i === parts.length - 1 ? 'y' : `t${i + 1}`),
  );
  const size = shape.reduce((a, b) => a * b, 1);
  const sample = (index: number) => {
    // Some are wider than the others, as real samples are.
    const scale = 1 + 2 * Math.abs(Math.sin(3 * index));
    return spread(randoms(size, 1000 + index), () => scale);
  };

  const samples = Array.from({ length: COUNT.calibration + COUNT.validation }, (_, i) => sample(i));

  return {
    network: model({
      nodes: built.flatMap(({ nodes }) => nodes),
      inputs: [value('x', [1, ...shape])],
      outputs: [value('y', [1, ...outputShape])],
      initializers: built.flatMap(({ constants = [] }) => constants),
    }),
    shape,
    calibration: samples.slice(0, COUNT.calibration),
    validation: samples.slice(COUNT.calibration),
  };
}

const image = (activation: Build) => chain(IMAGE, [conv(1), activation, conv(2), activation, conv(3)]);
const sequence = (norm: Build) => chain(TOKENS, [dense(4), norm, dense(5), norm, dense(6)]);
/** Channel ranges from 1 to 60. */
const uneven = (channel: number) => 60 ** (channel / (CHANNELS - 1));

/** The families of networks that fixed defaults do badly on, written out as exporters write them. */
export const FAMILIES: Readonly<Record<string, Family>> = {
  SiLU: image(silu),
  'HardSwish written out': image(hardSwish),
  'Mish written out': image(mish),
  'GELU by tanh': image(geluTanh),
  'GELU by erf': image(geluErf),
  'LayerNorm by sums': sequence(normSums),
  'LayerNorm by mean of squares': sequence(normSquares),
  'LayerNorm by reciprocal': sequence(normReciprocal),
  'recurrent cell': chain(TOKENS, [recurrentStep, recurrentStep, recurrentStep]),
  'depthwise, uneven channels': chain(IMAGE, [
    ...[conv(7), silu, conv(8, { group: CHANNELS, factor: uneven }), silu, conv(9, { factor: () => 0.05 })],
  ]),
  'boxes and scores joined': chain(IMAGE, [conv(10), silu, detectionHead], [2 * CHANNELS, 8, 8]),
  'squeeze-and-excitation': chain(IMAGE, [
    conv(11),
    silu,
    squeezeExcitation,
    conv(12),
    squeezeExcitation,
    conv(13),
  ]),
  attention: chain(TOKENS, [attention, normReciprocal, attention, dense(14)]),
};
