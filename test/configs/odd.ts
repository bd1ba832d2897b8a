import { toBinary } from '@bufbuild/protobuf';
import { encodeModel, makeTensor, TensorProtoSchema } from '@quantsmith/model/onnx';
import { zipSync } from 'fflate';
import sharp from 'sharp';
import { floats, model, node, value } from '../kit/models.js';
import { npyBytes, npyHeader } from '../kit/npy.js';

// Files of the project that are not what their names or their config say.

type Put = (name: string, content: string | Uint8Array) => void;

const SAMPLES = 40;
const npy = (type: string, shape: readonly number[], data: ArrayBufferView) =>
  npyBytes(npyHeader(type, shape), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
const zeros = (...shape: number[]) =>
  npy('<f4', shape, new Float32Array(shape.reduce((product, dim) => product * dim, 1)));
const longs = (shape: readonly number[], valueAt: (index: number) => number) =>
  npy(
    '<i8',
    shape,
    BigInt64Array.from({ length: shape.reduce((product, dim) => product * dim, 1) }, (_, index) =>
      BigInt(valueAt(index)),
    ),
  );

export async function putOdd(put: Put): Promise<void> {
  putOddTensors(put);
  putOddArrays(put);
  putOddModels(put);
  putOddTexts(put);
  await putOddImages(put);
}

/** Test data of ONNX for the model with two inputs of four numbers: what exporters write, and what goes wrong. */
function putOddTensors(put: Put): void {
  const tensor = (name: string, dims: readonly number[], type = 1) =>
    toBinary(
      TensorProtoSchema,
      makeTensor(
        name,
        dims,
        type,
        type === 7
          ? BigInt64Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, index) => BigInt(index))
          : Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, index) => index / 7),
      ),
    );
  const sets = (folder: string, files: readonly (readonly [string, Uint8Array])[], count = 3) => {
    for (let set = 0; set < count; set++)
      for (const [name, bytes] of files) put(`${folder}/test_data_set_${set}/${name}`, bytes);
  };

  sets('odd/wide', [
    ['input_0.pb', tensor('left', [1, 5])],
    ['input_1.pb', tensor('right', [1, 4])],
  ]);
  sets('odd/half', [['input_0.pb', tensor('left', [1, 4])]]);
  sets('odd/longs', [
    ['input_0.pb', tensor('left', [1, 4], 7)],
    ['input_1.pb', tensor('right', [1, 4], 7)],
  ]);
  sets('odd/garbage', [
    ['input_0.pb', Buffer.from('<html>404 Not Found</html>')],
    ['input_1.pb', tensor('right', [1, 4])],
  ]);
  sets('odd/hollow', [['output_0.pb', tensor('sum', [1, 2])]]);
  sets('odd/npy', [['input_0.npy', zeros(1, 4)]]);
  for (const set of ['a', 'b', 'c'])
    for (const [index, name] of ['left', 'right'].entries())
      put(`odd/plain/${set}/input_${index}.pb`, tensor(name, [1, 4]));
  for (const [index, name] of ['left', 'right'].entries())
    put(`odd/single/input_${index}.pb`, tensor(name, [1, 4]));
  for (const [index, name] of ['first', 'second'].entries())
    put(`odd/unnamed/test_data_set_0/input_${index}.pb`, tensor(name, [1, 4]));
}

function putOddArrays(put: Put): void {
  const classes = (index: number) => index % 10;
  const arrays: Record<string, Uint8Array> = {
    'onehot.npy': zeros(SAMPLES, 10),
    'column.npy': longs([SAMPLES, 1], classes),
    'soft.npy': npy(
      '<f4',
      [SAMPLES],
      Float32Array.from({ length: SAMPLES }, (_, index) => index / 40),
    ),
    'negative.npy': longs([SAMPLES], (index) => classes(index) - 1),
    'fromone.npy': longs([SAMPLES], (index) => classes(index) + 1),
    'masks16.npy': longs([SAMPLES, 16, 16], classes),
    'masks9.npy': longs([SAMPLES, 32, 32], (index) => index % 9),
    'tokens16.npy': longs([SAMPLES, 16], (index) => index % 50),
    'tokens_high.npy': longs([SAMPLES, 16], (index) => 40 + (index % 20)),
    'text.npy': npy('<U4', [SAMPLES], new Uint8Array(SAMPLES * 16)),
    'none.npy': zeros(0, 3, 32, 32),
    'scalar.npy': npyBytes(`{'descr': '<f4', 'fortran_order': False, 'shape': (), }`, new Uint8Array(4)),
    'complex.npy': npy('<c8', [SAMPLES, 3, 32, 32], new Float32Array(SAMPLES * 3 * 32 * 32 * 2)),
    'big_endian.npy': npy('>f4', [SAMPLES, 3, 32, 32], new Float32Array(SAMPLES * 3 * 32 * 32)),
    'fortran.npy': npyBytes(
      `{'descr': '<f4', 'fortran_order': True, 'shape': (${SAMPLES}, 3, 32, 32), }`,
      new Uint8Array(SAMPLES * 3 * 32 * 32 * 4),
    ),
    'nan.npy': npy('<f4', [SAMPLES, 3, 32, 32], new Float32Array(SAMPLES * 3 * 32 * 32).fill(Number.NaN)),
    'short.npy': zeros(SAMPLES, 3, 32, 32).subarray(0, 60_000),
    'rgba_u8.npy': npy('|u1', [SAMPLES, 32, 32, 4], new Uint8Array(SAMPLES * 32 * 32 * 4)),
    'flat.npy': zeros(SAMPLES, 3 * 32 * 32),
    'batched.npy': zeros(SAMPLES, 1, 3, 32, 32),
    'ids_high.npy': longs([SAMPLES, 16], (index) => 60 + (index % 20)),
    'no.npz': Buffer.from('PK not at all'),
    'empty.npz': zipSync({}),
    'uneven.npz': zipSync({ 'left.npy': zeros(SAMPLES, 4), 'right.npy': zeros(30, 4) }),
    'labels.npz': zipSync({ 'labels.npy': longs([SAMPLES], classes) }),
  };
  for (const [name, bytes] of Object.entries(arrays)) put(`odd/${name}`, bytes);
}

function putOddModels(put: Put): void {
  const image = () => value('image', ['N', 3, 32, 32]);
  const weight = floats('w', [3, 3, 1, 1], new Float32Array(9).fill(0.3));
  const conv = node('Conv', ['image', 'w'], ['y'], {}, 'conv');
  const net = (nodes: Parameters<typeof model>[0]['nodes'], more = {}) =>
    encodeModel(
      model({
        inputs: [image()],
        outputs: [value('y', ['N', 3, 32, 32])],
        nodes,
        initializers: [weight],
        ...more,
      }),
    );
  const whole = net([conv]);

  put('odd/small.onnx', whole);
  put('odd/cut.onnx', whole.subarray(0, Math.floor(whole.length / 2)));
  put('odd/zero.onnx', '');
  put('odd/page.onnx', '<!DOCTYPE html><html><body>Not Found</body></html>');
  put(
    'odd/pointer.onnx',
    `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 98765\n`,
  );
  put('odd/archive.onnx', zipSync({ 'archive/data.pkl': new Uint8Array(64) }));
  put(
    'odd/cycle.onnx',
    net([
      node('Add', ['a', 'b'], ['b'], {}, 'loop'),
      node('Conv', ['image', 'w'], ['a'], {}, 'c'),
      node('Relu', ['b'], ['y'], {}, 'r'),
    ]),
  );
  put('odd/twice.onnx', net([conv, node('Relu', ['image'], ['y'], {}, 'again')]));
  put('odd/undefined.onnx', net([node('Conv', ['nowhere', 'w'], ['y'], {}, 'conv')]));
  put('odd/custom.onnx', net([conv, node('Mystery', ['y'], ['z'], {}, 'mystery')]));
  put('odd/old.onnx', net([conv], { opset: 5, ir: 3 }));
  put('odd/new.onnx', net([conv], { opset: 99 }));
  put('odd/relu.onnx', net([node('Relu', ['image'], ['y'], {}, 'relu')]));
  put(
    'odd/double.onnx',
    encodeModel(
      model({
        inputs: [value('image', ['N', 3, 32, 32], 11)],
        outputs: [value('y', ['N', 3, 32, 32], 11)],
        nodes: [node('Relu', ['image'], ['r']), node('Conv', ['r', 'w'], ['y'])],
        initializers: [weight],
      }),
    ),
  );
  put(
    'odd/noinput.onnx',
    encodeModel(
      model({
        inputs: [],
        outputs: [value('y', [1, 3, 4, 4])],
        nodes: [node('Conv', ['x', 'w'], ['y'], {}, 'conv')],
        initializers: [weight, floats('x', [1, 3, 4, 4], new Float32Array(48))],
      }),
    ),
  );
  put(
    'odd/rgba.onnx',
    encodeModel(
      model({
        inputs: [value('image', ['N', 4, 32, 32])],
        outputs: [value('y', ['N', 2, 32, 32])],
        nodes: [node('Conv', ['image', 'w'], ['y'], {}, 'conv')],
        initializers: [floats('w', [2, 4, 1, 1], new Float32Array(8).fill(0.3))],
      }),
    ),
  );
  put(
    'odd/infinite.onnx',
    encodeModel(
      model({
        inputs: [image()],
        outputs: [value('y', ['N', 3, 32, 32])],
        nodes: [conv],
        initializers: [floats('w', [3, 3, 1, 1], new Float32Array(9).fill(Number.POSITIVE_INFINITY))],
      }),
    ),
  );
}

function putOddTexts(put: Put): void {
  put(
    'odd/semicolons.csv',
    Array.from({ length: 20 }, (_, i) => `p${Math.floor(i / 2)}${i % 2}.png;${Math.floor(i / 2)}\n`).join(''),
  );
  put('odd/list.json', JSON.stringify([{ image: 'p00.png', label: 0 }]));
  put('odd/lines.txt', Array.from({ length: 20 }, (_, i) => `${Math.floor(i / 2)}\n`).join(''));
  put(
    'odd/fromone.csv',
    'file,label\n' +
      Array.from(
        { length: 20 },
        (_, i) => `p${Math.floor(i / 2)}${i % 2}.png,${1 + Math.floor(i / 2)}\n`,
      ).join(''),
  );
  put(
    'odd/capital.csv',
    'file,label\n' +
      Array.from({ length: 20 }, (_, i) => `P${Math.floor(i / 2)}${i % 2}.PNG,${Math.floor(i / 2)}\n`).join(
        '',
      ),
  );
  put('odd/blank.csv', 'file,label\n');
  put('odd/words.txt', 'one two three\nfour five\n');
  put('odd/blank.txt', '\n\n');
  put('odd/half.jsonl', '{"text": "a"}\n{"text": \n');
  put('odd/tokenizer.json', '{"model": ');
  put('odd/not-tokenizer.json', '{"name": "x"}');
  put('odd/broken.quant.yaml', 'model: [net.onnx\n');
  put('odd/list.quant.yaml', '- model: net.onnx\n');
  put('odd/self.quant.yaml', 'extends: self.quant.yaml\n');
  put('odd/alphabet.txt', 'a\nb\n');
}

async function putOddImages(put: Put): Promise<void> {
  const picture = (channels: 3 | 4) =>
    sharp(new Uint8Array(48 * 40 * channels).fill(90), { raw: { width: 48, height: 40, channels } });
  put('odd/cutphotos/a.png', (await picture(3).png().toBuffer()).subarray(0, 60));
  put('odd/named/a.png', '<html></html>');
  put('odd/named/b.png', '<html></html>');
  put('odd/gifs/a.gif', await picture(3).gif().toBuffer());
  put('odd/gifs/b.bmp', Buffer.from('BM'));
  put('odd/rgba/a.png', await picture(4).png().toBuffer());
  for (let i = 0; i < 20; i++) {
    const name = `p${Math.floor(i / 2)}${i % 2}.png`;
    put(`odd/colour-masks/${name}`, await picture(3).png().toBuffer());
    if (i > 0)
      put(
        `odd/some-masks/${name}`,
        await sharp(new Uint8Array(48 * 40), { raw: { width: 48, height: 40, channels: 1 } })
          .toColourspace('b-w')
          .png()
          .toBuffer(),
      );
    put(`odd/yolo-bad/${name.replace('.png', '.txt')}`, '0 10 20 30 40\n');
    put(`odd/yolo-class/${name.replace('.png', '.txt')}`, '7 0.5 0.5 0.2 0.2\n');
  }
}
