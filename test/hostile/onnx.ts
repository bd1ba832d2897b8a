import {
  type AttributeProto,
  type ModelProto,
  type NodeProto,
  StringStringEntryProtoSchema,
  type TensorProto,
  type ValueInfoProto,
  encodeModel,
  makeAttribute,
} from '@quantsmith/model/onnx';
import { create } from '@bufbuild/protobuf';
import { floats, ints, model as modelOf, node, value } from '../kit/models.js';
import type { Random } from './random.js';

const NAMES = [
  ...['', 'constructor', '__proto__', 'toString', 'hasOwnProperty', 'length', 'a\nb: c', '\u001b[31mred'],
  ...['::error file=x::y', '../../x', 'x'.repeat(5000), '\u202e', '`](command:x)', 'NaN', '0', '\u0000'],
];
const OPERATORS = [
  ...['Conv', 'MatMul', 'Gemm', 'Add', 'Mul', 'Relu', 'Concat', 'Split', 'Reshape', 'Transpose', 'Softmax'],
  ...['BatchNormalization', 'Clip', 'If', 'Loop', 'Scan', 'LSTM', 'GRU', 'Constant', 'ConstantOfShape'],
  ...['QuantizeLinear', 'DequantizeLinear', 'Resize', 'Gather', 'Einsum', 'LayerNormalization', 'Identity'],
  ...['ConvTranspose', 'MaxPool', 'Pad', 'Slice', 'Squeeze', 'Dropout', 'constructor', '__proto__', ''],
];
const SIZES = [0n, -1n, 1n, 2n, 3n, 255n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 62n, -(2n ** 63n)];
const LOCATIONS = [
  '',
  '.',
  '..',
  '/etc/passwd',
  '../../x',
  'missing',
  'a\u0000b',
  '/dev/zero',
  '/dev/stdin',
  'm.onnx',
];

const model = (
  nodes: NodeProto[],
  inputs: ValueInfoProto[],
  outputs: ValueInfoProto[],
  initializers: TensorProto[] = [],
) => modelOf({ nodes, inputs, outputs, initializers });

/** Small models that between them use what readers treat differently. */
export function seedModels(digits: ModelProto): ModelProto[] {
  const weights = floats(
    'w',
    [4, 3, 3, 3],
    Array.from({ length: 108 }, (_, index) => Math.sin(index)),
  );
  const image = value('x', ['batch', 3, 8, 8]);
  const inner = model([node('Relu', ['c'], ['inner'])], [], [value('inner')]).graph;
  const branch = node('If', ['flag'], ['y']);
  branch.attribute.push(
    { ...makeAttribute('then_branch', 0), type: 5, g: inner },
    { ...makeAttribute('else_branch', 0), type: 5, g: inner },
  );
  return [
    digits,
    model(
      [
        node('Conv', ['x', 'w'], ['c'], { pads: [1, 1, 1, 1] }),
        node('BatchNormalization', ['c', 's', 's', 's', 's'], ['n']),
        node('Relu', ['n'], ['r']),
        node('Add', ['r', 'c'], ['y']),
      ],
      [image],
      [value('y')],
      [weights, floats('s', [4], [1, 1, 1, 1])],
    ),
    model(
      [
        node('MatMul', ['x', 'm'], ['a']),
        node('Softmax', ['a'], ['b'], { axis: -1 }),
        node('Reshape', ['b', 'shape'], ['c']),
        node('Transpose', ['c'], ['d'], { perm: [1, 0] }),
        node('Concat', ['d', 'd'], ['y'], { axis: 0 }),
      ],
      [value('x', [2, 4])],
      [value('y')],
      [floats('m', [4, 4], new Array(16).fill(0.5)), ints('shape', [4, 2])],
    ),
    model([node('Conv', ['x', 'w'], ['c']), branch], [image, value('flag', [1], 9)], [value('y')], [weights]),
  ];
}

/** A damaged copy of one of the models, as the bytes of a file. Most still parse: the damage is in what they say. */
export function hostileModel(random: Random, seeds: readonly ModelProto[]): Uint8Array {
  const damaged = structuredClone(random.pick(seeds));
  const strokes = 1 + random.below(4);
  for (let count = 0; count < strokes; count++) random.pick(STROKES)(damaged, random);
  const bytes = encodeModel(damaged);
  return random.chance(0.2) ? damagedBytes(bytes, random) : bytes;
}

/** A copy that the runtime mostly loads still: odd names and odd numbers, which must come through a whole run. */
export function oddModel(random: Random, seed: ModelProto): Uint8Array {
  const odd = structuredClone(seed);
  const strokes = 1 + random.below(4);
  for (let count = 0; count < strokes; count++) random.pick(ODD_STROKES)(odd, random);
  return encodeModel(odd);
}

type Stroke = (model: ModelProto, random: Random) => void;

const nodeOf = ({ graph }: ModelProto, random: Random): NodeProto | undefined =>
  graph.node.length === 0 ? undefined : random.pick(graph.node);
const tensorOf = ({ graph }: ModelProto, random: Random): TensorProto | undefined =>
  graph.initializer.length === 0 ? undefined : random.pick(graph.initializer);
const tensors = ({ graph }: ModelProto) => [
  ...graph.input.map(({ name }) => name),
  ...graph.node.flatMap(({ output }) => output),
  ...graph.initializer.map(({ name }) => name),
];

const STROKES: readonly Stroke[] = [
  (model, random) => onNode(model, random, (found) => (found.name = random.pick(NAMES))),
  (model, random) => onNode(model, random, (found) => (found.opType = random.pick(OPERATORS))),
  (model, random) =>
    onNode(model, random, (found) => (found.domain = random.pick(['', 'com.microsoft', ...NAMES]))),
  (model, random) =>
    onNode(model, random, (found) => found.input.push(random.pick([...tensors(model), ...NAMES]))),
  (model, random) => onNode(model, random, (found) => found.input.splice(random.below(3), 1)),
  (model, random) =>
    onNode(model, random, (found) => (found.output[0] = random.pick([...tensors(model), ...NAMES]))),
  (model, random) => onNode(model, random, (found) => found.output.splice(0)),
  (model, random) => onNode(model, random, (found) => found.attribute.push(hostileAttribute(found, random))),
  (model, random) => onNode(model, random, (found) => found.attribute.push(nested(model, random))),
  (model, random) => onNode(model, random, (found) => model.graph.node.push(structuredClone(found))),
  ({ graph }, random) => void graph.node.splice(random.below(graph.node.length + 1), 1 + random.below(3)),
  ({ graph }) => void graph.node.reverse(),
  (model, random) => onTensor(model, random, (found) => (found.dims = hostileDims(random))),
  (model, random) => onTensor(model, random, (found) => (found.dataType = random.below(30) - 1)),
  (model, random) =>
    onTensor(model, random, (found) => (found.name = random.pick([...tensors(model), ...NAMES]))),
  (model, random) => onTensor(model, random, (found) => (found.rawData = random.bytes(random.below(64)))),
  (model, random) => onTensor(model, random, (found) => found.floatData.push(NaN, Infinity, -0, 1e38)),
  (model, random) => onTensor(model, random, (found) => outside(found, random)),
  ({ graph }, random) => void graph.initializer.splice(random.below(graph.initializer.length + 1), 1),
  ({ graph }, random) => void graph.input.splice(random.below(graph.input.length + 1), 1),
  ({ graph }, random) => void graph.output.splice(random.below(graph.output.length + 1), 1),
  ({ graph }, random) => {
    const dim = graph.input[0]?.type?.value;
    if (dim?.case !== 'tensorType' || dim.value.shape === undefined) return;
    for (const size of dim.value.shape.dim) size.value = { case: 'dimValue', value: random.pick(SIZES) };
  },
  (model, random) => {
    for (const entry of model.opsetImport)
      entry.version = random.pick([...SIZES, 7n, 11n, 13n, 17n, 21n, 99n]);
  },
  (model, random) => {
    model.irVersion = random.pick(SIZES);
  },
  (model, random) => {
    for (const entry of model.opsetImport) entry.domain = random.pick(NAMES);
  },
];

const ODD_NUMBERS = [NaN, Infinity, -Infinity, 0, -0, 3.4e38, -3.4e38, 1e-40, 1e-20, 127, 128, 1e10];

const ODD_STROKES: readonly Stroke[] = [
  (model, random) => onNode(model, random, (found) => (found.name = random.pick(NAMES))),
  renamed,
  renamed,
  (model, random) => onTensor(model, random, (found) => oddNumbers(found, random)),
  (model, random) => onTensor(model, random, (found) => oddNumbers(found, random)),
  ({ graph }) => void graph.node.reverse(),
  ({ graph }, random) => void graph.output.splice(random.below(graph.output.length), 0, value('w')),
  (model, random) => onNode(model, random, (found) => (found.docString = random.pick(NAMES))),
  (model, random) => onNode(model, random, (found) => found.attribute.splice(random.below(4), 1)),
  (model, random) =>
    onNode(model, random, (found) =>
      model.graph.node.push(node('Identity', [found.output[0]!], [random.pick(NAMES)], {}, 'identity')),
    ),
  ({ graph }, random) => void graph.input.push(value(random.pick(NAMES), [1, 2])),
  (model, random) => {
    for (const entry of model.opsetImport) entry.version = BigInt(7 + random.below(16));
  },
  ({ graph }, random) => {
    const { type } = graph.input[0]!;
    if (type?.value.case !== 'tensorType') return;
    for (const dim of type.value.value.shape?.dim ?? [])
      if (random.chance(0.5)) dim.value = { case: 'dimParam', value: random.pick(NAMES) };
  },
];

/** One tensor gets an odd name wherever it is named, the model's inputs and outputs excepted. */
function renamed({ graph }: ModelProto, random: Random): void {
  const borders = new Set([...graph.input, ...graph.output].map(({ name }) => name));
  const inner = graph.node.flatMap(({ output }) => output).filter((name) => !borders.has(name));
  const names = [...inner, ...graph.initializer.map(({ name }) => name)];
  if (names.length === 0) return;
  const before = random.pick(names);
  const after = random.pick(NAMES.filter((name) => name !== ''));
  const change = (name: string) => (name === before ? after : name);
  for (const each of graph.node) {
    each.input = each.input.map(change);
    each.output = each.output.map(change);
  }

  for (const each of graph.initializer) each.name = change(each.name);
}

/** A few of a weight's numbers, or all of them, become one that breaks sums and ranges. */
function oddNumbers(tensor: TensorProto, random: Random): void {
  if (tensor.dataType !== 1 || tensor.rawData.length < 4) return;
  const raw = tensor.rawData.slice();
  const view = new DataView(raw.buffer);
  const count = raw.length / 4;
  const all = random.chance(0.3);
  const number = random.pick(ODD_NUMBERS);
  for (let index = 0; index < (all ? count : 3); index++)
    view.setFloat32(4 * (all ? index : random.below(count)), number, true);
  tensor.rawData = raw;
}

function onNode(model: ModelProto, random: Random, change: (found: NodeProto) => void): void {
  const found = nodeOf(model, random);
  if (found !== undefined) change(found);
}

function onTensor(model: ModelProto, random: Random, change: (found: TensorProto) => void): void {
  const found = tensorOf(model, random);
  if (found !== undefined) change(found);
}

const hostileDims = (random: Random) => Array.from({ length: random.below(6) }, () => random.pick(SIZES));

function hostileAttribute(found: NodeProto, random: Random): AttributeProto {
  const names = ['axis', 'perm', 'pads', 'strides', 'kernel_shape', 'group', 'value', 'body', ...NAMES];
  const name = random.pick([...found.attribute.map((attribute) => attribute.name), ...names]);
  const attribute = makeAttribute(name, random.pick([0, 'text', [1, -1, 2 ** 31], { float: NaN }]));
  attribute.type = random.below(16);
  attribute.i = random.pick(SIZES);
  attribute.ints = hostileDims(random);
  return attribute;
}

/** The graph inside itself, a few times. */
function nested(model: ModelProto, random: Random): AttributeProto {
  let graph = structuredClone(model.graph);
  for (let depth = random.below(6); depth > 0; depth--) {
    const outer = structuredClone(model.graph);
    outer.initializer = [];
    outer.node = outer.node.slice(0, 1);
    outer.node[0]?.attribute.push({ ...makeAttribute('body', 0), type: 5, g: graph });
    graph = outer;
  }

  return { ...makeAttribute(random.pick(['body', 'then_branch', 'else_branch', 'x']), 0), type: 5, g: graph };
}

function outside(tensor: TensorProto, random: Random): void {
  const entries = [
    ['location', random.pick(LOCATIONS)],
    ['offset', String(random.pick(SIZES))],
    ['length', String(random.pick(SIZES))],
  ].slice(0, 1 + random.below(3)) as [string, string][];
  tensor.dataLocation = 1;
  tensor.rawData = new Uint8Array(0);
  tensor.externalData = entries.map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }));
}

function damagedBytes(bytes: Uint8Array, random: Random): Uint8Array {
  if (random.chance(0.3)) return bytes.slice(0, random.below(bytes.length + 1));
  const damaged = bytes.slice();
  for (let count = 1 + random.below(8); count > 0 && damaged.length > 0; count--) {
    // Most of the file is weights: the structure is at the beginning.
    damaged[random.below(Math.min(damaged.length, 2000))] = random.below(256);
  }

  return damaged;
}
