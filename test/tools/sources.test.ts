import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import { encodeModel, makeTensor, TensorProtoSchema } from '@quantsmith/model/onnx';
import { DATA_KIND_NAMES, validateConfig, type DataKind, type QuantizationConfig } from '@quantsmith/schemas';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { runPipeline } from '../../engine/src/pipeline.js';
import { root } from '../kit/builtCli.js';
import { floats, model, node, value } from '../kit/models.js';
import { npyBytes, npyHeader } from '../kit/npy.js';
import { tone, wavFile } from '../kit/wav.js';

// Every kind of source with every kind of labels, from the text of a config to the figure of a quantized model.

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-sources-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function put(name: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), content);
}

/** One way to feed a model and to judge it. */
interface Way {
  readonly source: DataKind;
  /** As docs/data.md says it. */
  readonly form: string;
  readonly labels: string;
  readonly metric: string;
  /** The section of validation, and of calibration without its labels. */
  readonly section: string;
  readonly model: string;
  /** Of the float model. */
  readonly value: number;
  readonly rest?: string;
}

const DETECTION = 'task: {type: detection, decode: yolov8, score_threshold: 0.05, iou_threshold: 0.5}\n';
const TEXTS = 'tokenizer: text/tokenizer.json';
const WAYS: readonly Way[] = [
  {
    source: 'images',
    form: 'folders of classes',
    labels: 'the folders',
    metric: 'top1',
    model: 'colors.onnx',
    section: 'images: colors',
    value: 1,
  },
  {
    source: 'images',
    form: 'a folder',
    labels: '.csv',
    metric: 'top1',
    model: 'colors.onnx',
    section: 'images: colors, labels: colors.csv',
    value: 1,
  },
  {
    source: 'images',
    form: 'a folder',
    labels: 'YOLO texts',
    metric: 'map',
    model: 'detector/boxes.onnx',
    section: 'images: detector/validation, preprocess: {scale: 255}, labels: detector/labels',
    rest: DETECTION,
    value: 0.49,
  },
  {
    source: 'images',
    form: 'a folder',
    labels: 'COCO .json',
    metric: 'map',
    model: 'detector/boxes.onnx',
    section: 'images: detector/validation, preprocess: {scale: 255}, labels: coco.json',
    rest: DETECTION,
    value: 0.49,
  },
  {
    source: 'images',
    form: 'a folder',
    labels: 'masks (.png)',
    metric: 'miou',
    model: 'segmentation/shapes.onnx',
    section: 'images: segmentation/validation, preprocess: {scale: 255}, labels: segmentation/masks',
    value: 0.8298,
  },
  {
    source: 'arrays',
    form: '.npy',
    labels: '.npy',
    metric: 'top1',
    model: 'rows.onnx',
    section: 'arrays: rows.npy, labels: rows-labels.npy',
    value: 1,
  },
  {
    source: 'arrays',
    form: '.npz',
    labels: '.csv',
    metric: 'top1',
    model: 'rows.onnx',
    section: 'arrays: rows.npz, labels: rows.csv',
    value: 1,
  },
  {
    source: 'arrays',
    form: '.npy',
    labels: 'none',
    metric: 'sqnr',
    model: 'rows.onnx',
    section: 'arrays: rows.npy',
    value: 200,
  },
  {
    source: 'tensors',
    form: 'test_data_set_*',
    labels: 'none',
    metric: 'cosine',
    model: 'rows.onnx',
    section: 'tensors: sets',
    value: 1,
  },
  {
    source: 'texts',
    form: '.tsv',
    labels: 'its column',
    metric: 'top1',
    model: 'text/reviews.onnx',
    section: `texts: text/validation.tsv, ${TEXTS}`,
    value: 0.875,
  },
  {
    source: 'texts',
    form: 'pairs in .jsonl',
    labels: 'its scores',
    metric: 'spearman',
    model: 'text/reviews.onnx',
    section: `texts: pairs.jsonl, ${TEXTS}`,
    value: 1,
  },
  {
    source: 'texts',
    form: '.jsonl',
    labels: 'a class for each token',
    metric: 'token_f1',
    model: 'tokens.onnx',
    section: `texts: tokens.jsonl, ${TEXTS}`,
    value: 1,
  },
  {
    source: 'audio',
    form: 'windows',
    labels: 'the folders',
    metric: 'top1',
    model: 'tones.onnx',
    section: 'audio: tones, frames: {length: 64, features: magnitude}',
    value: 1,
  },
  {
    source: 'audio',
    form: 'sequences, states fed back',
    labels: 'the folders',
    metric: 'top1',
    model: 'audio/sweeps.onnx',
    section: 'audio: audio/sounds/validation, frames: {length: 128}, states: {state: state_out}',
    value: 0.7917,
  },
  {
    source: 'audio',
    form: 'windows of a file',
    labels: 'transcripts (.tsv)',
    metric: 'wer',
    model: 'tones.onnx',
    section: 'audio: tones, frames: {length: 64, features: magnitude}, labels: tones.tsv',
    rest: 'task: {type: ctc, blank: 0}\n',
    value: 0,
  },
  {
    source: 'loader',
    form: 'a module',
    labels: "the module's",
    metric: 'top1',
    model: 'rows.onnx',
    section: 'loader: loader.mjs',
    value: 1,
  },
];

/** Rows in which one of three values is the largest: its place is the class. */
const ROWS = Array.from({ length: 12 }, (_, i) =>
  [0, 1, 2].map((c) => (c === i % 3 ? 1 : 0.1 * ((i + c) % 4))),
);
const COLORS = { blue: [30, 40, 220], green: [40, 200, 60], red: [220, 50, 40] };

/** y = x·W + b, which gives what it is given for the identity. */
const linear = (input: (number | string)[], weights: number[][]) =>
  model({
    inputs: [value('x', input)],
    outputs: [value('y', [input[0]!, weights[0]!.length])],
    nodes: [node('MatMul', ['x', 'W'], ['y'])],
    initializers: [floats('W', [weights.length, weights[0]!.length], weights.flat())],
  });
const identity = (size: number) =>
  Array.from({ length: size }, (_, i) => Array.from({ length: size }, (__, j) => Number(i === j)));

beforeAll(async () => {
  for (const name of ['audio', 'detector', 'segmentation', 'text'])
    cpSync(join(root, 'examples', name), join(folder, name), { recursive: true });
  await putImages();
  putArrays();
  putTexts();
  putTones();
});

async function putImages(): Promise<void> {
  const { default: sharp } = await import('sharp');
  const order = Object.keys(COLORS);
  for (const [name, [r, g, b]] of Object.entries(COLORS))
    for (const shade of [0, 10]) {
      const image = sharp({
        create: { width: 4, height: 4, channels: 3, background: { r: r! - shade, g: g!, b: b! } },
      });
      put(`colors/${name}/${name}${shade}.png`, await image.png().toBuffer());
    }

  put(
    'colors.csv',
    `file,label\n${order.flatMap((name, i) => [0, 10].map((shade) => `${name}/${name}${shade}.png,${i}`)).join('\n')}\n`,
  );
  // The mean of each channel; blue is class 0, red class 2.
  const means = model({
    inputs: [value('x', [1, 3, 4, 4])],
    outputs: [value('y', [1, 3])],
    nodes: [
      node('ReduceMean', ['x'], ['mean'], { axes: [2, 3], keepdims: 0 }),
      node('MatMul', ['mean', 'W'], ['y']),
    ],
    initializers: [floats('W', [3, 3], [0, 0, 1, 0, 1, 0, 1, 0, 0])],
  });
  put('colors.onnx', encodeModel(means));
  put('coco.json', cocoOf('detector/labels', 64));
}

/** The same boxes as YOLO's texts have, in pixels. */
function cocoOf(labels: string, size: number): string {
  const texts = readdirSync(join(folder, labels)).sort();
  const annotations = texts.flatMap((name, image_id) =>
    readFileSync(join(folder, labels, name), 'utf8')
      .trim()
      .split('\n')
      .map((line) => {
        const [category = 0, x = 0, y = 0, w = 0, h = 0] = line.split(' ').map(Number);
        const bbox = [size * (x - w / 2), size * (y - h / 2), size * w, size * h];
        return { image_id, category_id: category + 1, bbox, area: bbox[2]! * bbox[3]!, iscrowd: 0 };
      }),
  );
  return JSON.stringify({
    images: texts.map((name, id) => ({
      id,
      file_name: name.replace('.txt', '.png'),
      width: size,
      height: size,
    })),
    annotations: annotations.map((annotation, id) => ({ id: id + 1, ...annotation })),
    categories: [
      { id: 1, name: 'reddish' },
      { id: 2, name: 'bluish' },
    ],
  });
}

function putArrays(): void {
  const bytes = (values: Float32Array | Int32Array) => Buffer.from(values.buffer);
  const rows = npyBytes(npyHeader('<f4', [12, 3]), bytes(Float32Array.from(ROWS.flat())));
  const classes = ROWS.map((_, i) => i % 3);
  put('rows.onnx', encodeModel(linear([1, 3], identity(3))));
  put('rows.npy', rows);
  put('rows.npz', zipSync({ 'x.npy': rows }));
  put('rows-labels.npy', npyBytes(npyHeader('<i4', [12]), bytes(Int32Array.from(classes))));
  put('rows.csv', `file,label\n${classes.map((label, i) => `#${i},${label}`).join('\n')}\n`);
  put(
    'loader.mjs',
    `export default () => ({ length: 12, get: (i) => ({ feeds: { x: { dims: [1, 3], data: Float32Array.from(${JSON.stringify(ROWS)}[i]) } }, label: i % 3 }) });\n`,
  );
  ROWS.forEach((row, i) =>
    put(
      `sets/test_data_set_${i}/input_0.pb`,
      toBinary(TensorProtoSchema, makeTensor('x', [1, 3], 1, Float32Array.from(row))),
    ),
  );
}

function putTexts(): void {
  // The score of a pair is 5 for equal texts, less the more they differ.
  const pairs = [
    ['the film is good', 'the film is good', 5],
    ['the film is good', 'the film was great', 3],
    ['the film is good', 'the plot was awful', 0],
  ];
  put('pairs.jsonl', pairs.map(([text, pair, label]) => JSON.stringify({ text, pair, label })).join('\n'));
  // A token's class: 1 where its id is that of a good word, 2 of a bad one.
  const words = Object.keys(
    (parse(readFileSync(join(folder, 'text/tokenizer.json'), 'utf8')) as { model: { vocab: object } }).model
      .vocab,
  );
  const classOf = (id: number) => (id >= 4 && id < 14 ? 1 : id >= 14 && id < 24 ? 2 : 0);
  const texts = ['the film is good', 'the plot was awful and dull', 'a very lovely scene'];
  const labels = texts.map((text) => [
    -100,
    ...text.split(' ').map((word) => classOf(words.indexOf(word))),
    -100,
  ]);
  put('tokens.jsonl', texts.map((text, i) => JSON.stringify({ text, label: labels[i] })).join('\n'));
  const table = words.flatMap((_, id) => [0, 1, 2].map((c) => Number(c === classOf(id))));
  const tokens = model({
    inputs: [value('input_ids', ['batch', 'length'], 7)],
    outputs: [value('classes', ['batch', 'length', 3])],
    nodes: [
      node('Gather', ['table', 'input_ids'], ['vectors']),
      node('MatMul', ['vectors', 'W'], ['classes']),
    ],
    initializers: [floats('table', [words.length, 3], table), floats('W', [3, 3], identity(3).flat())],
  });
  put('tokens.onnx', encodeModel(tokens));
}

function putTones(): void {
  // Bins of 250 Hz: 2,000 Hz is bin 8, 500 Hz is bin 2. Class 0 is high, and CTC's blank.
  const weights = Array.from({ length: 33 }, (_, bin) => (bin < 5 ? [-1, 1] : [1, -1]));
  put('tones.onnx', encodeModel(linear([1, 33], weights)));
  const sounds: Record<string, number[]> = { 'high/a': [2000, 2000], 'low/b': [500, 500] };
  for (const [name, hertz] of Object.entries(sounds))
    put(`tones/${name}.wav`, wavFile([hertz.flatMap((each) => [...tone(each, 128)])]));
  put('tones.tsv', 'high/a.wav\t\nlow/b.wav\t1\n');
}

const nameOf = ({ source, form, labels, metric }: Way) => `${source}: ${form}, labels: ${labels}, ${metric}`;

it.each(WAYS.map((way) => [nameOf(way), way] as const))('%s', async (_, way) => {
  // The example's tokenizer joins no pairs: they are calibrated by single texts.
  const calibration = way.section
    .replace(/, labels: [^,]+/, '')
    .replace('pairs.jsonl', 'text/calibration.tsv');
  const text = `model: ${way.model}\n${way.rest ?? ''}data:\n  calibration: {${calibration}}\n  validation: {${way.section}}\nquantization: {defaults: nncf}\naccuracy_control: {metric: ${way.metric}, max_drop: 500}\n`;
  const config: unknown = parse(text);
  expect(validateConfig(config)).toEqual([]);
  const { report } = await runPipeline(
    {
      ...{
        kind: 'run',
        config: config as QuantizationConfig,
        configSha256: '',
        cache: false,
        allowModules: true,
      },
      ...{ configPath: join(folder, 'c.quant.yaml'), output: join(folder, 'out.onnx'), force: true },
    },
    () => undefined,
  );
  expect(report.metric?.name).toBe(way.metric);
  expect(report.metric?.baseline).toBeCloseTo(way.value, 3);
  expect(report.metric?.quantized).toBeDefined();
});

it('every kind of source is tried, and docs/data.md says with which labels', () => {
  expect([...new Set(WAYS.map(({ source }) => source))].sort()).toEqual([...DATA_KIND_NAMES].sort());
  const rows = WAYS.map(({ source, form, labels, metric }) => [
    `\`${source}\``,
    form,
    labels,
    `\`${metric}\``,
  ]);
  const page = readFileSync(join(root, 'docs/data.md'), 'utf8');
  const listed = [...page.matchAll(/^\| (`\w+`) +\| ([^|]+?) +\| ([^|]+?) +\| (`\w+`) +\|$/gm)].map((row) =>
    row.slice(1),
  );
  expect(listed).toEqual(rows);
});

it('docs/data.md names tests that there are, one for each source', () => {
  const page = readFileSync(join(root, 'docs/data.md'), 'utf8');
  const rows = [...page.matchAll(/^\| (\S[^|]*?) +\|[^|]+\| `([\w/]+\.test\.ts)` +\|$/gm)];
  for (const [, , test] of rows) expect(existsSync(join(root, test!))).toBe(true);
  const named = rows.map(([, what]) => what!.replaceAll('`', ''));
  expect(named).toEqual(expect.arrayContaining([...DATA_KIND_NAMES]));
});
