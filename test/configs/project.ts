import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toBinary } from '@bufbuild/protobuf';
import { encodeModel, makeTensor, TensorProtoSchema, type ModelProto } from '@quantsmith/model/onnx';
import { seededRandom } from '@quantsmith/schemas';
import { zipSync } from 'fflate';
import sharp from 'sharp';
import { floats, ints, model, node, value } from '../kit/models.js';
import { npyBytes, npyHeader } from '../kit/npy.js';
import { putOdd } from './odd.js';

// The project that the written configs lie in: small models, and data that fits them or does not.

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const DIGITS = join(EXAMPLES, 'digits');
const RESNET = join(EXAMPLES, 'resnet/resnet.onnx');
const CLASSES = ['apple', 'bear', 'cat', 'dog', 'elk', 'fox', 'goat', 'hare', 'ibex', 'jay'];
const IMAGES_A_CLASS = 2;
const SAMPLES = 40;

/** Makes the project in an empty folder. */
export async function writeProject(folder: string): Promise<void> {
  const put = (name: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  };

  cpSync(join(DIGITS, 'data'), join(folder, 'data'), { recursive: true });
  cpSync(join(DIGITS, 'digits.onnx'), join(folder, 'digits.onnx'));
  cpSync(RESNET, join(folder, 'resnet.onnx'));
  for (const name of ['audio', 'detector', 'segmentation', 'text'])
    cpSync(join(EXAMPLES, name), join(folder, name), { recursive: true });

  for (const [name, proto] of Object.entries(models())) put(`${name}.onnx`, encodeModel(proto));
  for (const [name, bytes] of Object.entries(arrays())) put(`arrays/${name}`, bytes);
  await putPhotos(put);
  await putOdd(put);
  putTensors(put);

  put(
    'base.quant.yaml',
    'model: digits.onnx\ndata:\n  calibration:\n    arrays: data/calibration.npy\n    preprocess: {scale: 16}\n',
  );
  put('classes.txt', CLASSES.join('\n') + '\n');
  put('foldernames.txt', CLASSES.join('\n') + '\n');
  put('classes5.txt', CLASSES.slice(0, 5).join('\n') + '\n');
  put('loader.py', 'def load():\n    yield {}\n');
  put('metric.py', 'def metric(outputs, label):\n    return 0\n');
}

const weights = (name: string, dims: readonly number[], seed: number) => {
  const next = seededRandom(seed);
  const count = dims.reduce((product, dim) => product * dim, 1);
  return floats(
    name,
    dims,
    Array.from({ length: count }, () => (next() - 0.5) / Math.sqrt(count / dims[0]!)),
  );
};

function models(): Record<string, ModelProto> {
  return {
    net: classifier('N', 10),
    fixed: classifier(1, 10),
    three: classifier('N', 3),
    'net-nhwc': classifier('N', 10, 'nhwc'),
    seg: convolution([1, 5, 32, 32]),
    detector: detector(),
    tokens: tokens(),
    pair: pair(),
    attention: attention(),
  };
}

/** Two convolutions, the mean of each channel, and a matrix: [batch, 3, 32, 32] to [batch, classes]. */
function classifier(batch: number | string, classes: number, layout: 'nchw' | 'nhwc' = 'nchw'): ModelProto {
  const isLast = layout === 'nhwc';
  return model({
    inputs: [value('image', isLast ? [batch, 32, 32, 3] : [batch, 3, 32, 32])],
    outputs: [value('logits', [batch, classes])],
    nodes: [
      ...(isLast ? [node('Transpose', ['image'], ['planes'], { perm: [0, 3, 1, 2] }, 'planes')] : []),
      node('Conv', [isLast ? 'planes' : 'image', 'w1'], ['c1'], { pads: [1, 1, 1, 1] }, 'conv_1'),
      node('Relu', ['c1'], ['r1'], {}, 'relu_1'),
      node('Conv', ['r1', 'w2'], ['c2'], { pads: [1, 1, 1, 1], strides: [2, 2] }, 'conv_2'),
      node('Relu', ['c2'], ['r2'], {}, 'relu_2'),
      node('GlobalAveragePool', ['r2'], ['means'], {}, 'pool'),
      node('Flatten', ['means'], ['flat'], {}, 'flat'),
      node('Gemm', ['flat', 'w3', 'b3'], ['logits'], {}, 'head'),
    ],
    initializers: [
      weights('w1', [8, 3, 3, 3], 2),
      weights('w2', [16, 8, 3, 3], 3),
      weights('w3', [16, classes], 4),
      weights('b3', [classes], 5),
    ],
  });
}

/** [1, 3, 32, 32] to a score of each of five classes at each pixel. */
function convolution(output: readonly number[]): ModelProto {
  return model({
    inputs: [value('image', [1, 3, 32, 32])],
    outputs: [value('scores', output)],
    nodes: [
      node('Conv', ['image', 'w1'], ['c1'], { pads: [1, 1, 1, 1] }, 'conv_1'),
      node('Relu', ['c1'], ['r1'], {}, 'relu_1'),
      node('Conv', ['r1', 'w2'], ['scores'], { pads: [1, 1, 1, 1] }, 'conv_2'),
    ],
    initializers: [weights('w1', [8, 3, 3, 3], 2), weights('w2', [5, 8, 3, 3], 3)],
  });
}

/** A YOLOX head of two classes: 4·4 + 2·2 + 1 = 21 places on grids of 8, 16 and 32 pixels. */
function detector(): ModelProto {
  return model({
    inputs: [value('images', [1, 3, 32, 32])],
    outputs: [value('output', [1, 21, 7])],
    nodes: [
      node('Conv', ['images', 'w1'], ['c1'], { strides: [32, 32] }, 'conv_1'),
      node('Sigmoid', ['c1'], ['s1'], {}, 'sigmoid_1'),
      node('Reshape', ['s1', 'shape'], ['output'], {}, 'reshape'),
    ],
    initializers: [weights('w1', [147, 3, 32, 32], 6), ints('shape', [1, 21, 7])],
  });
}

/** Token ids [batch, 16] to a score of each of fifty tokens. */
function tokens(): ModelProto {
  return model({
    inputs: [value('input_ids', ['batch', 16], 7)],
    outputs: [value('logits', ['batch', 16, 50])],
    nodes: [
      node('Gather', ['embedding', 'input_ids'], ['embedded'], {}, 'embed'),
      node('MatMul', ['embedded', 'w1'], ['hidden'], {}, 'hidden'),
      node('Relu', ['hidden'], ['active'], {}, 'relu'),
      node('MatMul', ['active', 'w2'], ['logits'], {}, 'logits'),
    ],
    initializers: [weights('embedding', [50, 12], 7), weights('w1', [12, 24], 8), weights('w2', [24, 50], 9)],
  });
}

/** Two inputs of four numbers each. */
function pair(): ModelProto {
  return model({
    inputs: [value('left', ['N', 4]), value('right', ['N', 4])],
    outputs: [value('sum', ['N', 2])],
    nodes: [
      node('MatMul', ['left', 'w1'], ['l'], {}, 'left_product'),
      node('MatMul', ['right', 'w2'], ['r'], {}, 'right_product'),
      node('Add', ['l', 'r'], ['sum'], {}, 'sum'),
    ],
    initializers: [weights('w1', [4, 2], 10), weights('w2', [4, 2], 11)],
  });
}

/** One head of attention over a sequence [1, 8, 16]. */
function attention(): ModelProto {
  const project = (name: string) => node('MatMul', ['x', `w_${name}`], [name], {}, `project_${name}`);
  return model({
    inputs: [value('x', [1, 8, 16])],
    outputs: [value('y', [1, 8, 16])],
    nodes: [
      ...['q', 'k', 'v'].map(project),
      node('Transpose', ['k'], ['kt'], { perm: [0, 2, 1] }, 'transpose'),
      node('MatMul', ['q', 'kt'], ['scores'], {}, 'scores'),
      node('Softmax', ['scores'], ['shares'], { axis: -1 }, 'softmax'),
      node('MatMul', ['shares', 'v'], ['mixed'], {}, 'mix'),
      node('MatMul', ['mixed', 'w_o'], ['y'], {}, 'project_o'),
    ],
    initializers: ['q', 'k', 'v', 'o'].map((name, index) => weights(`w_${name}`, [16, 16], 12 + index)),
  });
}

function arrays(): Record<string, Uint8Array> {
  const uniform = (length: number, high: number, seed: number) => {
    const next = seededRandom(seed);
    return Array.from({ length }, () => Math.floor(next() * high));
  };

  const bytes = (...shape: number[]) => npy('|u1', shape, Uint8Array.from(uniform(size(shape), 256, 20)));
  const reals = (...shape: number[]) => {
    const next = seededRandom(21);
    return npy(
      '<f4',
      shape,
      Float32Array.from({ length: size(shape) }, () => next() * 2 - 1),
    );
  };

  const longs = (high: number, ...shape: number[]) =>
    npy('<i8', shape, BigInt64Array.from(uniform(size(shape), high, 22), BigInt));

  return {
    'x32.npy': reals(SAMPLES, 3, 32, 32),
    'v32.npy': reals(SAMPLES, 3, 32, 32),
    'x32_nhwc.npy': reals(SAMPLES, 32, 32, 3),
    'x32_u8.npy': bytes(SAMPLES, 32, 32, 3),
    'x32_u8_nchw.npy': bytes(SAMPLES, 3, 32, 32),
    'x40_u8.npy': bytes(SAMPLES, 40, 40, 3),
    'x28.npy': bytes(SAMPLES, 28, 28),
    'x64.npy': reals(SAMPLES, 3, 64, 64),
    'seq.npy': reals(SAMPLES, 8, 16),
    'y40.npy': longs(10, SAMPLES),
    'y30.npy': longs(10, 30),
    'masks40.npy': longs(5, SAMPLES, 32, 32),
    'ids.npy': longs(50, SAMPLES, 16),
    'v_ids.npy': longs(50, SAMPLES, 16),
    'ids32.npy': longs(50, SAMPLES, 32),
    'ids_float.npy': reals(SAMPLES, 16),
    'broken.npy': Buffer.from('<html>404 Not Found</html>'),
    'object.npy': npy('|O', [SAMPLES], Buffer.from('\x80\x04N.', 'latin1')),
    'one.npz': zipSync({ 'image.npy': reals(SAMPLES, 3, 32, 32) }),
    'pair.npz': zipSync({ 'left.npy': reals(SAMPLES, 4), 'right.npy': reals(SAMPLES, 4) }),
    'pair_wrong.npz': zipSync({ 'arr_0.npy': reals(SAMPLES, 4), 'arr_1.npy': reals(SAMPLES, 4) }),
    'pair_shape.npz': zipSync({ 'left.npy': reals(SAMPLES, 4), 'right.npy': reals(SAMPLES, 5) }),
  };
}

const size = (shape: readonly number[]) => shape.reduce((product, dim) => product * dim, 1);

const npy = (type: string, shape: readonly number[], data: Uint8Array | Float32Array | BigInt64Array) =>
  npyBytes(npyHeader(type, shape), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));

type Put = (name: string, content: string | Uint8Array) => void;

/** train: a folder for each class; val: twenty images side by side, with labels of every kind. */
async function putPhotos(put: Put): Promise<void> {
  const image = (seed: number) => {
    const next = seededRandom(seed);
    const data = Uint8Array.from({ length: 48 * 40 * 3 }, () => next() * 256);
    return sharp(data, { raw: { width: 48, height: 40, channels: 3 } })
      .png()
      .toBuffer();
  };

  const mask = (seed: number) => {
    const next = seededRandom(seed);
    const data = Uint8Array.from({ length: 32 * 32 }, () => next() * 5);
    return sharp(data, { raw: { width: 32, height: 32, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
  };

  const names: string[] = [];
  for (const [index, name] of CLASSES.entries())
    for (let i = 0; i < IMAGES_A_CLASS; i++) {
      const file = `p${index}${i}.png`;
      put(`photos/train/${name}/${file}`, await image(100 + names.length));
      put(`photos/test/${name}/${file}`, await image(400 + names.length));
      put(`photos/val/${file}`, await image(200 + names.length));
      put(`photos/masks/${file}`, await mask(300 + names.length));
      put(`boxes/${file.replace('.png', '.txt')}`, '0 0.5 0.5 0.4 0.4\n1 0.2 0.3 0.1 0.2\n');
      names.push(file);
    }

  const table = (separator: string, label: (index: number) => string | number) =>
    names.map((name, index) => `${name}${separator}${label(index)}\n`).join('');
  const number = (index: number) => Math.floor(index / IMAGES_A_CLASS);
  put('photos/val/labels.csv', `file,label\n${table(',', number)}`);
  put('photos/names.csv', `file,label\n${table(',', (index) => CLASSES[number(index)]!)}`);
  put('photos/labels.tsv', table('\t', number));
  put(
    'photos/labels.jsonl',
    names.map((file, index) => JSON.stringify({ file, label: number(index) }) + '\n').join(''),
  );
  put('photos/semicolons.csv', `file;label\n${table(';', number)}`);
  put('photos/val_map.txt', table(' ', number));
  put('photos/half.csv', `file,label\n${table(',', number).split('\n').slice(0, 10).join('\n')}\n`);
  put('photos/other.csv', `file,label\n${table(',', number).replaceAll('p', 'img_')}`);
  put('photos/empty/.gitkeep', '');
  put('photos/notes/readme.txt', 'The photos are on the share.\n');
  put(
    'coco.json',
    JSON.stringify({
      images: names.map((file_name, id) => ({ id, file_name, width: 48, height: 40 })),
      annotations: names.map((_, id) => ({
        id,
        image_id: id,
        category_id: 1 + (id % 2),
        bbox: [4, 4, 20, 20],
        area: 400,
        iscrowd: 0,
      })),
      categories: [
        { id: 1, name: 'a' },
        { id: 2, name: 'b' },
      ],
    }),
  );
}

/** ONNX test data for the model with two inputs. */
function putTensors(put: Put): void {
  for (let set = 0; set < 4; set++)
    for (const [index, name] of ['left', 'right'].entries()) {
      const next = seededRandom(400 + 2 * set + index);
      const tensor = makeTensor(name, [1, 4], 1, Float32Array.from({ length: 4 }, next));
      put(`tensors/test_data_set_${set}/input_${index}.pb`, toBinary(TensorProtoSchema, tensor));
    }
}
