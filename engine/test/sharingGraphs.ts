import {
  type AttributeValue,
  type NodeProto,
  type TensorProto,
  makeInts,
  makeNode,
  makeTensor,
} from '@quantsmith/model/onnx';
import { model, value } from '../../test/kit/models.js';
import { randomOf, type Random, type RandomGraph } from './randomGraphs.js';

/** All tensors of these graphs have this shape: any of them can be read by any step. */
const SHAPE = [1, 8, 8];

/** Steps from the branches of which one value is read by several operators, at once or behind operators that only move it. */
const BRANCHES = 4;

interface Sketch {
  readonly random: Random;
  readonly nodes: NodeProto[];
  readonly constants: TensorProto[];
}

type Step = (sketch: Sketch, x: string, other: string) => string;

function add(
  { nodes }: Sketch,
  op: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  outputs = 1,
): string[] {
  const name = `${op}_${nodes.length}`;
  const made = Array.from({ length: outputs }, (_, i) => `${name}_${i}`);
  nodes.push(makeNode(op, inputs, made, attributes, { name }));
  return made;
}

function weight({ random, constants }: Sketch, dims: readonly number[], spread: number): string {
  const name = `w${constants.length}`;
  const length = dims.reduce((product, dim) => product * dim, 1);
  constants.push(
    makeTensor(
      name,
      dims,
      1,
      Float32Array.from({ length }, () => spread * random.normal()),
    ),
  );
  return name;
}

function ints({ constants }: Sketch, values: readonly number[]): string {
  const name = `i${constants.length}`;
  constants.push(makeInts(name, values));
  return name;
}

const step =
  (op: string, attributes: Readonly<Record<string, AttributeValue>> = {}): Step =>
  (sketch, x) =>
    add(sketch, op, [x], attributes)[0]!;

/** Several operators one behind the other. */
const chain =
  (...steps: readonly Step[]): Step =>
  (sketch, x, other) =>
    steps.reduce((tensor, next) => next(sketch, tensor, other), x);

const reshape =
  (dims: readonly number[]): Step =>
  (sketch, x) =>
    add(sketch, 'Reshape', [x, ints(sketch, dims)])[0]!;

const linear: Step = (sketch, x) => {
  const [product] = add(sketch, 'MatMul', [x, weight(sketch, [8, 8], 0.35)]);
  return sketch.random.chance(0.6) ? add(sketch, 'Add', [product!, weight(sketch, [8], 0.2)])[0]! : product!;
};

const COMPUTING: readonly Step[] = [
  linear,
  linear,
  (sketch, x) => add(sketch, 'Conv', [x, weight(sketch, [8, 8, 1], 0.35), weight(sketch, [8], 0.2)])[0]!,
  (sketch, x) => add(sketch, 'Conv', [x, weight(sketch, [8, 8, 1], 0.35)])[0]!,
  chain(
    reshape([8, 8]),
    (sketch, x) => add(sketch, 'Gemm', [x, weight(sketch, [8, 8], 0.35)])[0]!,
    reshape(SHAPE),
  ),
  (sketch, x, other) => add(sketch, 'MatMul', [x, other])[0]!,
  (sketch, x, other) => add(sketch, 'Add', [x, other])[0]!,
  (sketch, x, other) => add(sketch, 'Mul', [x, other])[0]!,
  step('Relu'),
  step('Sigmoid'),
  step('Softmax', { axis: -1 }),
  step('AveragePool', { kernel_shape: [3], pads: [1, 1] }),
];

const MOVING: readonly Step[] = [
  step('Transpose', { perm: [0, 2, 1] }),
  chain(reshape([1, 4, 16]), reshape(SHAPE)),
  chain(step('Flatten'), reshape(SHAPE)),
  step('MaxPool', { kernel_shape: [3], pads: [1, 1] }),
  (sketch, x) => {
    const [high] = add(sketch, 'Slice', [x, ...[[3], [8], [1]].map((values) => ints(sketch, values))]);
    const [low] = add(sketch, 'Slice', [x, ...[[0], [3], [1]].map((values) => ints(sketch, values))]);
    return add(sketch, 'Concat', [high!, low!], { axis: 1 })[0]!;
  },
  (sketch, x) => {
    const halves = add(sketch, 'Split', [x, ints(sketch, [4, 4])], { axis: 1 }, 2);
    return add(sketch, 'Concat', halves.toReversed(), { axis: 1 })[0]!;
  },
  (sketch, x) => add(sketch, 'Gather', [x, ints(sketch, [7, 6, 5, 4, 3, 2, 1, 0])], { axis: 1 })[0]!,
  (sketch, x) => {
    const raised = add(sketch, 'Unsqueeze', [x, ints(sketch, [1])])[0]!;
    return add(sketch, 'Squeeze', [raised, ints(sketch, [1])])[0]!;
  },
  (sketch, x, other) => {
    const [both] = add(sketch, 'Concat', [x, other], { axis: 1 });
    return add(sketch, 'Slice', [both!, ...[[4], [12], [1]].map((values) => ints(sketch, values))])[0]!;
  },
];

/** A small random model in which operators share the operators that move values for them. */
export function sharingGraph(seed: number): RandomGraph {
  const random = randomOf(seed);
  const sketch: Sketch = { random, nodes: [], constants: [] };
  const tensors = ['x'];
  const recent = () => tensors[Math.max(0, tensors.length - 1 - random.below(BRANCHES))]!;
  for (let left = 5 + random.below(9); left > 0; left--) {
    const next = random.pick(random.chance(0.55) ? COMPUTING : MOVING);
    tensors.push(next(sketch, recent(), recent()));
  }

  const read = new Set(sketch.nodes.flatMap(({ input }) => input));
  const ends = sketch.nodes.flatMap(({ output }) => output).filter((tensor) => !read.has(tensor));

  return {
    model: model({
      nodes: sketch.nodes,
      inputs: [value('x', SHAPE)],
      outputs: ends.map((tensor) => value(tensor)),
      initializers: sketch.constants,
      opset: 13,
      ir: 8,
    }),
    inputs: { x: SHAPE },
  };
}
