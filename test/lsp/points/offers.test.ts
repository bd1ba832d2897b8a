import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { encodeModel, inspectModel } from '@quantsmith/model/onnx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { floats, model, node, value } from '../../kit/models.js';
import { DATA as REAL } from '../../kit/realModels.js';
import { startPoints, type PointSession } from './session.js';

// Completion (docs/features.md, 13): where the cursor stands, and what comes first.

const MANY = 1500;
const FILES = 320;

let session: PointSession;
beforeAll(async () => {
  session = await startPoints();
  for (let i = 0; i < 3; i++) {
    session.write(`calib/${i}.png`);
    session.write(`val/${i}.png`);
  }

  session.write('val/labels.csv', 'file,label\n0.png,0\n1.png,1\n2.png,2\n');
  session.write('m.int8.onnx');
  for (let i = 0; i < FILES; i++) session.write(`many/f${String(i).padStart(3, '0')}.onnx`);
  session.write('large.onnx', encodeModel(largeModel()));
});
afterAll(() => session.stop());

/** A row of convolutions with names. */
function largeModel() {
  const nodes = Array.from({ length: MANY }, (_, i) =>
    node('Conv', [`t${i}`, 'w'], [`t${i + 1}`], {}, `/blocks.${i}/Conv`),
  );
  return model({
    inputs: [value('t0', [1, 1, 8, 8])],
    outputs: [value(`t${MANY}`, [1, 1, 8, 8])],
    nodes,
    initializers: [floats('w', [1, 1, 1, 1], [1])],
  });
}

const SCOPE = (name: string, list: string) =>
  `model: ${name}.onnx\nquantization:\n  ignored_scope:\n    ${list}:\n      - ‸\n`;
const DATA = (inner: string) => `model: m.onnx\ndata:\n  calibration:\n    images: calib\n    ${inner}`;

it.each<[string, string, string[]]>([
  [
    'keys by use',
    '‸',
    ['model', 'data', 'data: images ./calib, images ./val', 'accuracy_control', 'quantization'],
  ],
  [
    'keys of a section by use',
    'quantization:\n  ‸\n',
    ['preset', 'ignored_scope', 'target_device', 'subset_size'],
  ],
  ['models before folders, none that a run has written', 'model: ‸\n', ['large.onnx', 'm.onnx', 'many']],
  ['calibration images', 'data:\n  calibration:\n    images: ‸\n', ['./calib', './val']],
  ['validation images', 'data:\n  validation:\n    images: ‸\n', ['./val', './calib']],
  ['labels where they lie', 'data:\n  validation:\n    images: val\n    labels: ‸\n', ['./val/labels.csv']],
  ['known values and the default', 'quantization:\n  subset_size: ‸\n', ['300', '100', '500', '1000']],
  ['a drop', 'accuracy_control:\n  max_drop: ‸\n', ['0.01', '0.005', '0.02']],
  ['sizes from the input', DATA('preprocess:\n      resize: ‸\n'), ['[32, 32]']],
  [
    'means by name',
    DATA('preprocess: {mean: ‸}\n'),
    ['[0.485, 0.456, 0.406]', '[0.48145466, 0.4578275, 0.40821073]'],
  ],
  [
    'deviations by name',
    DATA('preprocess: {std: ‸}\n'),
    ['[0.229, 0.224, 0.225]', '[0.26862954, 0.26130258, 0.27577711]'],
  ],
  ['a skeleton for preprocess', DATA('‸\n'), ['preprocess', 'preprocess: 32×32, imagenet, rgb']],
  ['patterns for unnamed models', SCOPE('m', 'patterns'), ['Conv_.*']],
  ['operator types of the model', SCOPE('m', 'types'), ['Conv', 'Relu', 'GlobalAveragePool']],
  [
    'keys in the braces of a merge',
    'data:\n  calibration: &c\n    images: calib\n  validation:\n    <<: {‸}\n',
    ['images', 'arrays', 'labels'],
  ],
  ['anchors for a merge', 'data:\n  calibration: &c\n    images: calib\n  validation:\n    <<: ‸\n', ['*c']],
  ['the schema', '$schema: ‸\n', ['"urn:quantsmith:quantization-config:1"']],
])('%s', async (_, text, first) => {
  const config = await session.open(text);
  expect(await config.labels(first.length)).toEqual(first);
});

it('a task that fits the model', async () => {
  expect(await (await session.open('model: m.onnx\n‸\n')).labels(20)).toContain('task: classification');
});

it('codes behind a comment that leaves findings out', async () => {
  const config = await session.open('# quantsmith-disable-next-line ‸\nmodel: m.onnx\n');
  expect(await config.labels(100)).toEqual(expect.arrayContaining(['data-empty', 'unknown-node']));
});

it('absolute paths', async () => {
  const config = await session.open(`model: ${session.folder}/‸\n`);
  expect((await config.labels(2)).at(0)).toBe(`${session.folder}/large.onnx`);
});

it.each([
  ['behind a byte order mark', '\uFEFFmodel: m.onnx\n‸', undefined, 'data:\n  '],
  ['in an empty file of JSON', '‸', 'empty.quant.json', '{ "model": "" }'],
  ['on the line of ---', '--- ‸', undefined, undefined],
])('%s', async (_, text, name, written) => {
  const { items } = await (await session.open(text, name)).complete();
  const [first] = items;
  expect(first?.textEdit?.newText).toBe(written);
});

describe('a list that is longer than anybody reads', () => {
  it.each([
    [
      'nodes',
      SCOPE('large', 'names'),
      SCOPE('large', 'names').replace('‸', 'blocks.1498‸'),
      '/blocks.1498/Conv',
    ],
    ['files', 'model: many/‸\n', 'model: many/f319‸\n', 'many/f319.onnx'],
  ])('of %s is filtered before it is cut, and says so', async (_, text, typed, last) => {
    const whole = await (await session.open(text)).complete();
    expect(whole.isIncomplete).toBe(true);
    expect(whole.items.map(({ label }) => label)).not.toContain(last);
    const { items } = await (await session.open(typed)).complete();
    expect(items.map(({ label }) => label)).toContain(last);
  });
});

/** A model with as many nodes as GTCRN, some of whose names are the beginnings of many others. */
function crowdedModel() {
  const names = Array.from({ length: 1786 }, (_, i) =>
    i < 900 ? `n${i}` : `/dpgrnn${i % 3}/intra_${i}/Slice`,
  );
  const nodes = names.map((name, i) => node('Relu', [`t${i}`], [`t${i + 1}`], {}, name));
  return model({ inputs: [value('t0', [1])], outputs: [value(`t${names.length}`, [1])], nodes });
}

describe('every node of a model of 1,786 can be completed by typing the beginning of its name', () => {
  const gtcrn = join(REAL, 'models/audio/gtcrn.onnx');

  it('where many names begin alike', async () => {
    session.write('crowded.onnx', encodeModel(crowdedModel()));
    await reachAll(join(session.folder, 'crowded.onnx'), 1786);
  });

  it.skipIf(!existsSync(gtcrn))('of GTCRN', () => reachAll(gtcrn, 1786));

  /** Types names letter by letter, as far as lists are incomplete: a complete list has all that begin so. */
  async function reachAll(file: string, count: number) {
    const names = (await inspectModel(file)).nodes.map(({ name }) => name);
    expect(names).toHaveLength(count);
    const head = `model: ${file}\nquantization:\n  ignored_scope:\n    names:\n      - `;
    const config = await session.open(`${head}‸\n`);
    const typing = typist(config, head);
    const reached = new Set<string>();
    const queue = [''];
    for (let typed = queue.pop(); typed !== undefined; typed = queue.pop()) {
      const { items, isIncomplete } = await typing(typed);
      for (const { label } of items) reached.add(label);
      if (!isIncomplete) continue;
      const { length } = typed;
      const letters = names.filter((name) => name.startsWith(typed)).map((name) => name.slice(0, length + 1));
      queue.push(...new Set(letters.filter((longer) => longer.length > length)));
    }

    expect(names.filter((name) => !reached.has(name))).toEqual([]);
  }

  function typist({ uri, position, complete }: Awaited<ReturnType<PointSession['open']>>, head: string) {
    let version = 1;
    return async (typed: string) => {
      version++;
      await session.client.connection.sendNotification('textDocument/didChange', {
        textDocument: { uri, version },
        contentChanges: [{ text: `${head}${typed}\n` }],
      });
      const at = { ...position, character: position.character + typed.length };
      return complete(undefined, at);
    };
  }
});
