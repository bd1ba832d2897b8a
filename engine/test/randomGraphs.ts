import {
  type AttributeValue,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  makeInts,
  makeNode,
  makeTensor,
} from '@quantsmith/model/onnx';
import { seededRandom } from '@quantsmith/schemas';
import { model, value } from '../../test/kit/models.js';

/** A small random model with the shapes of its inputs. */
export interface RandomGraph {
  readonly model: ModelProto;
  readonly inputs: Readonly<Record<string, readonly number[]>>;
}

export interface Random {
  /** In [0, 1). */
  readonly next: () => number;
  readonly below: (count: number) => number;
  readonly chance: (probability: number) => boolean;
  readonly pick: <T>(items: readonly T[]) => T;
  readonly normal: () => number;
}

/** The same numbers for the same seed. */
export function randomOf(seed: number): Random {
  const next = seededRandom(seed);
  const below = (count: number) => Math.floor(next() * count);
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick: (items) => items[below(items.length)]!,
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  };
}

interface Tensor {
  readonly name: string;
  readonly dims: readonly number[];
}

class Sketch {
  readonly nodes: NodeProto[] = [];
  readonly constants: TensorProto[] = [];
  readonly tensors: Tensor[] = [];
  private count = 0;

  constructor(
    readonly random: Random,
    readonly opset: number,
  ) {}

  name(base: string): string {
    return `${base}${this.count++}`;
  }

  /** A constant of normal values; sometimes one that is there already. */
  weight(dims: readonly number[], spread: number, mean = 0): string {
    const shape = dims.join();
    const same = this.constants.filter(({ dataType, dims: own }) => dataType === 1 && own.join() === shape);
    if (same.length > 0 && this.random.chance(0.2)) return this.random.pick(same).name;
    const name = this.name('w');
    const length = dims.reduce((a, b) => a * b, 1);
    const values = Float32Array.from({ length }, () => mean + spread * this.random.normal());
    this.constants.push(makeTensor(name, dims, 1, values));
    return name;
  }

  /** A constant of positive values, for variances and factors. */
  positive(dims: readonly number[]): string {
    const name = this.name('p');
    const length = dims.reduce((a, b) => a * b, 1);
    this.constants.push(
      makeTensor(
        name,
        dims,
        1,
        Float32Array.from({ length }, () => 0.5 + this.random.next()),
      ),
    );
    return name;
  }

  scalar(number: number): string {
    const name = this.name('s');
    this.constants.push(makeTensor(name, [], 1, Float32Array.of(number)));
    return name;
  }

  ints(values: readonly number[]): string {
    const name = this.name('i');
    this.constants.push(makeInts(name, values));
    return name;
  }

  add(
    op: string,
    input: readonly string[],
    dims: readonly number[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): Tensor {
    const tensor = { name: this.name('t'), dims };
    // Exporters name nodes, number them or leave them unnamed.
    const name = this.random.chance(0.3) ? '' : `${op}_${tensor.name}`;
    this.nodes.push(makeNode(op, input, [tensor.name], attributes, { name }));
    this.tensors.push(tensor);
    return tensor;
  }

  sibling({ name, dims }: Tensor): Tensor | undefined {
    const same = this.tensors.filter((other) => other.name !== name && other.dims.join() === dims.join());
    return same.length === 0 ? undefined : this.random.pick(same);
  }
}

type Step = (sketch: Sketch, x: Tensor) => Tensor | undefined;

const unary =
  (op: string, attributes: Readonly<Record<string, AttributeValue>> = {}): Step =>
  (sketch, x) =>
    sketch.add(op, [x.name], x.dims, attributes);

const binary =
  (op: string): Step =>
  (sketch, x) => {
    const other = sketch.sibling(x);
    return other === undefined ? undefined : sketch.add(op, [x.name, other.name], x.dims);
  };

/** What every rank takes. */
const ANY: readonly Step[] = [
  unary('Relu'),
  unary('LeakyRelu', { alpha: { float: 0.1 } }),
  unary('Sigmoid'),
  unary('Tanh'),
  unary('HardSigmoid'),
  unary('Elu'),
  unary('Identity'),
  unary('Softplus'),
  (sketch, x) => sketch.add('Clip', [x.name, sketch.scalar(0), sketch.scalar(6)], x.dims),
  (sketch, x) => sketch.add('Clip', [x.name, '', sketch.scalar(3)], x.dims),
  binary('Add'),
  binary('Add'),
  binary('Mul'),
  binary('Sub'),
  binary('Max'),
  (sketch, x) => sketch.add('Mul', [x.name, sketch.add('Sigmoid', [x.name], x.dims).name], x.dims),
  (sketch, x) => sketch.add('Add', [x.name, sketch.scalar(0.5)], x.dims),
  (sketch, x) => sketch.add('Mul', [sketch.scalar(1.7), x.name], x.dims),
  (sketch, x) => sketch.add('Div', [x.name, sketch.scalar(2)], x.dims),
  (sketch, x) => sketch.add('Dropout', [x.name], x.dims),
  (sketch, x) => {
    const axis = sketch.random.below(x.dims.length);
    const other = sketch.sibling(x) ?? x;
    if (axis === 0 || x.dims[axis]! > 24) return undefined;
    const dims = x.dims.map((dim, at) => (at === axis ? 2 * dim : dim));
    return sketch.add('Concat', [x.name, other.name], dims, { axis });
  },
  (sketch, x) => {
    const axis = 1 + sketch.random.below(Math.max(1, x.dims.length - 1));
    const size = x.dims[axis] ?? 1;
    if (axis >= x.dims.length || size < 2) return undefined;
    const dims = x.dims.map((dim, at) => (at === axis ? size - 1 : dim));
    const [start, end, axes] = [sketch.ints([1]), sketch.ints([size]), sketch.ints([axis])];
    return sketch.add('Slice', [x.name, start, end, axes], dims);
  },
  (sketch, x) => {
    const axis = 1 + sketch.random.below(Math.max(1, x.dims.length - 1));
    const size = x.dims[axis] ?? 1;
    if (axis >= x.dims.length || size % 2 === 1) return undefined;
    const dims = x.dims.map((dim, at) => (at === axis ? size / 2 : dim));
    const [left, right] = [0, 1].map(() => ({ name: sketch.name('t'), dims }));
    sketch.nodes.push(
      makeNode(
        'Split',
        [x.name, sketch.ints([size / 2, size / 2])],
        [left!.name, right!.name],
        { axis },
        { name: `Split_${left!.name}` },
      ),
    );
    sketch.tensors.push(left!, right!);
    return right;
  },
  (sketch, x) => {
    const rest = x.dims.slice(1).reduce((a, b) => a * b, 1);
    return sketch.add('Reshape', [x.name, sketch.ints([0, rest])], [x.dims[0]!, rest]);
  },
  (sketch, x) => sketch.add('Softmax', [x.name], x.dims, { axis: -1 }),
];

const IMAGE: readonly Step[] = [
  ...Array<Step>(6).fill(convolution),
  depthwise,
  transposed,
  (sketch, x) => pool(sketch, x, 'MaxPool'),
  (sketch, x) => pool(sketch, x, 'AveragePool'),
  (sketch, x) => sketch.add('GlobalAveragePool', [x.name], [x.dims[0]!, x.dims[1]!, 1, 1]),
  (sketch, x) => {
    const keepdims = sketch.random.below(2);
    const dims = keepdims === 1 ? [x.dims[0]!, x.dims[1]!, 1, 1] : x.dims.slice(0, 2);
    return mean(sketch, x, [2, 3], keepdims, dims);
  },
  batchNorm,
  (sketch, x) => sketch.add('Add', [x.name, sketch.weight([1, x.dims[1]!, 1, 1], 0.3)], x.dims),
  (sketch, x) => sketch.add('Mul', [sketch.positive([x.dims[1]!, 1, 1]), x.name], x.dims),
  (sketch, x) => sketch.add('PRelu', [x.name, sketch.positive([x.dims[1]!, 1, 1])], x.dims),
  (sketch, x) => {
    const pads = [0, 0, 1, 0, 0, 0, 0, 1];
    const dims = x.dims.map((dim, axis) => dim + pads[axis]! + pads[axis + 4]!);
    return sketch.add('Pad', [x.name, sketch.ints(pads)], dims);
  },
  (sketch, x) => {
    const [n, c, h, w] = x.dims as [number, number, number, number];
    if (c % 2 === 1) return undefined;
    const split = sketch.add('Reshape', [x.name, sketch.ints([n, 2, c / 2, h, w])], [n, 2, c / 2, h, w]);
    const turned = sketch.add('Transpose', [split.name], [n, c / 2, 2, h, w], { perm: [0, 2, 1, 3, 4] });
    return sketch.add('Reshape', [turned.name, sketch.ints([n, c, h, w])], x.dims);
  },
  (sketch, x) => {
    const [n, c, h, w] = x.dims as [number, number, number, number];
    return c % 4 === 0
      ? sketch.add('DepthToSpace', [x.name], [n, c / 4, 2 * h, 2 * w], { blocksize: 2 })
      : undefined;
  },
  (sketch, x) => {
    const [n, c, h, w] = x.dims as [number, number, number, number];
    if (h > 8 || w > 8) return undefined;
    const name = sketch.name('f');
    sketch.constants.push(makeTensor(name, [4], 1, Float32Array.of(1, 1, 2, 2)));
    return sketch.add('Resize', [x.name, '', name], [n, c, 2 * h, 2 * w], { mode: 'nearest' });
  },
  (sketch, x) => sketch.add('Flatten', [x.name], [x.dims[0]!, x.dims.slice(1).reduce((a, b) => a * b, 1)]),
];

function convolution(sketch: Sketch, x: Tensor): Tensor | undefined {
  const { random } = sketch;
  const [n, c, h, w] = x.dims as [number, number, number, number];
  const outputs = random.pick([4, 6, 8]);
  const size = random.pick([1, 1, 3]);
  const pad = size === 3 && random.chance(0.7) ? 1 : 0;
  const stride = h > 5 && w > 5 && random.chance(0.2) ? 2 : 1;
  if (h + 2 * pad < size || w + 2 * pad < size) return undefined;
  const weight = sketch.weight([outputs, c, size, size], 1 / Math.sqrt(c * size * size));
  const bias = random.chance(0.6) ? [sketch.weight([outputs], 0.2)] : [];
  const out = (length: number) => Math.floor((length + 2 * pad - size) / stride) + 1;
  return sketch.add('Conv', [x.name, weight, ...bias], [n, outputs, out(h), out(w)], {
    pads: [pad, pad, pad, pad],
    strides: [stride, stride],
  });
}

function depthwise(sketch: Sketch, x: Tensor): Tensor {
  const channels = x.dims[1]!;
  const weight = sketch.weight([channels, 1, 3, 3], 0.35);
  return sketch.add('Conv', [x.name, weight], x.dims, { group: channels, pads: [1, 1, 1, 1] });
}

function transposed(sketch: Sketch, x: Tensor): Tensor | undefined {
  const [n, c, h, w] = x.dims as [number, number, number, number];
  if (h > 8 || w > 8) return undefined;
  const weight = sketch.weight([c, 4, 2, 2], 1 / Math.sqrt(c));
  return sketch.add('ConvTranspose', [x.name, weight], [n, 4, 2 * h, 2 * w], { strides: [2, 2] });
}

function pool(sketch: Sketch, x: Tensor, op: string): Tensor | undefined {
  const [n, c, h, w] = x.dims as [number, number, number, number];
  if (h < 2 || w < 2) return undefined;
  const dims = [n, c, Math.floor(h / 2), Math.floor(w / 2)];
  return sketch.add(op, [x.name], dims, { kernel_shape: [2, 2], strides: [2, 2] });
}

function batchNorm(sketch: Sketch, x: Tensor): Tensor | undefined {
  const channels = x.dims[1];
  if (channels === undefined || x.dims.length < 2) return undefined;
  const parameters = [
    sketch.positive([channels]),
    sketch.weight([channels], 0.3),
    sketch.weight([channels], 0.3),
    sketch.positive([channels]),
  ];
  return sketch.add('BatchNormalization', [x.name, ...parameters], x.dims);
}

function mean(
  sketch: Sketch,
  x: Tensor,
  axes: readonly number[],
  keepdims: number,
  dims: readonly number[],
): Tensor {
  if (sketch.opset < 18) return sketch.add('ReduceMean', [x.name], dims, { axes, keepdims });
  return sketch.add('ReduceMean', [x.name, sketch.ints(axes)], dims, { keepdims });
}

const MATRIX: readonly Step[] = [
  ...Array<Step>(4).fill(matMul),
  (sketch, x) => {
    const product = matMul(sketch, x);
    return sketch.add('Add', [sketch.weight([product.dims.at(-1)!], 0.2), product.name], product.dims);
  },
  (sketch, x) => {
    const centred = sketch.add(
      'Sub',
      [x.name, mean(sketch, x, [-1], 1, [...x.dims.slice(0, -1), 1]).name],
      x.dims,
    );
    const square = sketch.add('Mul', [centred.name, centred.name], x.dims);
    const variance = mean(sketch, square, [-1], 1, [...x.dims.slice(0, -1), 1]);
    const safe = sketch.add('Add', [variance.name, sketch.scalar(1e-3)], variance.dims);
    return sketch.add('Div', [centred.name, sketch.add('Sqrt', [safe.name], safe.dims).name], x.dims);
  },
  (sketch, x) => {
    const scaled = sketch.add('Div', [x.name, sketch.scalar(Math.SQRT2)], x.dims);
    const raised = sketch.add(
      'Add',
      [sketch.add('Erf', [scaled.name], x.dims).name, sketch.scalar(1)],
      x.dims,
    );
    const product = sketch.add('Mul', [x.name, raised.name], x.dims);
    return sketch.add('Mul', [product.name, sketch.scalar(0.5)], x.dims);
  },
  (sketch, x) => {
    const rank = x.dims.length;
    if (rank < 3) return undefined;
    const perm = Array.from({ length: rank }, (_, axis) => axis);
    [perm[rank - 1], perm[rank - 2]] = [rank - 2, rank - 1];
    const turned = sketch.add(
      'Transpose',
      [x.name],
      perm.map((axis) => x.dims[axis]!),
      { perm },
    );
    const dims = [...x.dims.slice(0, -1), x.dims.at(-2)!];
    const scores = sketch.add('MatMul', [x.name, turned.name], dims);
    return sketch.add('Softmax', [sketch.add('Mul', [scores.name, sketch.scalar(0.3)], dims).name], dims, {
      axis: -1,
    });
  },
  (sketch, x) => sketch.add('Unsqueeze', [x.name, sketch.ints([1])], [x.dims[0]!, 1, ...x.dims.slice(1)]),
  (sketch, x) => {
    const dims = x.dims.map((dim, axis) => (axis === 1 ? 2 * dim : dim));
    if (dims[1]! > 32) return undefined;
    return sketch.add('Tile', [x.name, sketch.ints(x.dims.map((_, axis) => (axis === 1 ? 2 : 1)))], dims);
  },
  (sketch, x) => {
    const last = x.dims.at(-1)!;
    const name = sketch.ints([0, last - 1, Math.floor(last / 2)]);
    return sketch.add('Gather', [x.name, name], [...x.dims.slice(0, -1), 3], { axis: -1 });
  },
];

function matMul(sketch: Sketch, x: Tensor): Tensor {
  const { random } = sketch;
  const depth = x.dims.at(-1)!;
  const columns = random.pick([4, 8, 12]);
  const spread = 1 / Math.sqrt(depth);
  const dims = [...x.dims.slice(0, -1), columns];
  if (x.dims.length === 2 && random.chance(0.6)) return gemm(sketch, x, columns, spread);
  const stack = x.dims.length >= 3 && random.chance(0.4);
  const lead = x.dims.length === 3 && random.chance(0.5) ? [x.dims[0]!] : [1];
  return sketch.add(
    'MatMul',
    [x.name, sketch.weight([...(stack ? lead : []), depth, columns], spread)],
    dims,
  );
}

function gemm(sketch: Sketch, x: Tensor, columns: number, spread: number): Tensor {
  const { random } = sketch;
  const [rows, depth] = x.dims as [number, number];
  const transB = random.below(2);
  const weight = sketch.weight(transB === 1 ? [columns, depth] : [depth, columns], spread);
  const shape = random.pick([null, [columns], [columns], [1, columns], [1], [], [rows, 1], [rows, columns]]);
  const bias = shape === null ? [] : [sketch.weight(shape, 0.2)];
  const scaled = random.chance(0.2) ? { alpha: { float: 1.5 }, beta: { float: 0.5 } } : {};
  return sketch.add('Gemm', [x.name, weight, ...bias], [rows, columns], { transB, ...scaled });
}

/** Elements of a tensor that nothing is computed from any more. */
const TOO_LARGE = 8192;

/** A model of three to a dozen steps over one or two inputs, with one to three outputs. */
export function randomGraph(seed: number): RandomGraph {
  const random = randomOf(seed);
  const opset = random.pick([13, 13, 14, 17, 18, 21]);
  const sketch = new Sketch(random, opset);
  const shape = random.pick([
    [1, 3, 8, 8],
    [1, 4, 6, 6],
    [1, 3, 9, 7],
    [1, 16],
    [2, 12],
    [1, 5, 16],
    [2, 4, 8],
    [1, 2, 4, 8],
    [1, 2, 3, 4, 6],
  ]);
  const inputs: Record<string, readonly number[]> = {};
  for (let count = random.chance(0.2) ? 2 : 1; count > 0; count--) {
    const x = { name: sketch.name('x'), dims: shape };
    inputs[x.name] = shape;
    sketch.tensors.push(x);
  }

  const steps = 3 + random.below(10);
  for (let step = 0; step < steps; step++) {
    // Mostly on from the last one, sometimes a branch from before.
    const x = random.chance(0.75) ? sketch.tensors.at(-1)! : random.pick(sketch.tensors);
    const elements = x.dims.reduce((a, b) => a * b, 1);
    if (elements > TOO_LARGE) continue;
    const special = x.dims.length === 4 ? (random.chance(0.85) ? IMAGE : MATRIX) : MATRIX;
    random.pick(random.chance(0.55) ? special : ANY)(sketch, x);
  }

  const read = new Set(sketch.nodes.flatMap(({ input }) => input));
  const made = sketch.tensors.filter(({ name }) => !(name in inputs));
  if (made.length === 0) made.push(matMul(sketch, sketch.tensors[0]!));
  const ends = made.filter(({ name }) => !read.has(name));
  const outputs = [...new Set([...ends, ...(random.chance(0.15) ? [random.pick(made)] : [])])];
  return {
    model: model({
      nodes: sketch.nodes,
      inputs: Object.entries(inputs).map(([name, dims]) => value(name, dims)),
      outputs: outputs.map(({ name, dims }) => value(name, random.chance(0.2) ? undefined : dims)),
      initializers: sketch.constants,
      opset,
      ir: opset > 20 ? 10 : 8,
    }),
    inputs,
  };
}
