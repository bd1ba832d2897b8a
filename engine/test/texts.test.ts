import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { QuantsmithError, type LabelKind, type Problem, type TensorSignature } from '@quantsmith/schemas';
import { openData } from '../src/data/source.js';
import type { DataSection } from '../src/data/types.js';
import { tokenizerFile } from '../../test/kit/tokenizer.js';

const dir = mkdtempSync(join(tmpdir(), 'quantsmith-texts-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const write = (name: string, text: string) => writeFileSync(join(dir, name), text);
write('tokenizer.json', JSON.stringify(tokenizerFile()));

const input = (name: string, length: number | string = 'length'): TensorSignature => ({
  name,
  type: 'int64',
  dims: ['batch', length],
});
const BERT = [input('input_ids'), input('attention_mask'), input('token_type_ids')];
const open = (
  texts: string,
  section: Partial<DataSection> = {},
  { inputs = BERT, labelKind = null as LabelKind | null } = {},
) =>
  openData(
    { texts, tokenizer: 'tokenizer.json', ...section },
    { inputs, baseDir: dir, allowModules: false, configPath: ['data', 'validation'], labelKind },
  );
const values = async (source: Awaited<ReturnType<typeof open>>, index: number) => {
  const { feeds, ...others } = await source.get(index);
  const read = Object.entries(feeds).map(([name, { dims, data }]) => [
    name,
    [dims, Array.from(data as BigInt64Array, Number)],
  ]);
  return { ...others, feeds: Object.fromEntries(read) as Record<string, unknown> };
};

const problemOf = (body: Promise<unknown>): Promise<Problem | null> =>
  body.then(
    () => null,
    (error: unknown) => (error instanceof QuantsmithError ? error.problem : Promise.reject(error as Error)),
  );

it('lines become ids, mask and types, each of its own length', async () => {
  write('lines.txt', '\uFEFFA very GOOD film\n\nbad films\r\n');
  const source = await open('lines.txt');
  expect([source.count, source.hasLabels]).toEqual([2, false]);
  expect(await values(source, 0)).toEqual({
    name: 'line 1',
    label: null,
    feeds: {
      input_ids: [
        [1, 6],
        [2, 1, 6, 4, 7, 3],
      ],
      attention_mask: [
        [1, 6],
        [1, 1, 1, 1, 1, 1],
      ],
      token_type_ids: [
        [1, 6],
        [0, 0, 0, 0, 0, 0],
      ],
    },
  });
  expect((await values(source, 1)).feeds['input_ids']).toEqual([
    [1, 5],
    [2, 5, 7, 8, 3],
  ]);
});

it('a model of a fixed length has texts filled up and cut', async () => {
  write('two.txt', 'good\nvery very very good film\n');
  const inputs = [input('ids', 5), input('mask', 5), input('position_ids', 5)];
  const source = await open('two.txt', {}, { inputs });
  expect((await values(source, 0)).feeds).toEqual({
    ids: [
      [1, 5],
      [2, 4, 3, 0, 0],
    ],
    mask: [
      [1, 5],
      [1, 1, 1, 0, 0],
    ],
    position_ids: [
      [1, 5],
      [0, 1, 2, 3, 4],
    ],
  });
  expect((await values(source, 1)).feeds['ids']).toEqual([
    [1, 5],
    [2, 6, 6, 6, 3],
  ]);
});

it('max_length cuts the longer text of a pair first, and keeps what the tokenizer adds', async () => {
  write('pairs.tsv', 'text\tpair\tlabel\nvery very very good\tbad film\t0.5\n');
  const source = await open('pairs.tsv', { max_length: 7 });
  const { label, feeds } = await values(source, 0);
  expect(label).toBe(0.5);
  expect(feeds['input_ids']).toEqual([
    [1, 7],
    [2, 6, 6, 3, 5, 7, 3],
  ]);
  expect(feeds['token_type_ids']).toEqual([
    [1, 7],
    [0, 0, 0, 0, 1, 1, 1],
  ]);
});

it('pairs that are judged by a score are a batch of two', async () => {
  write('scored.jsonl', '{"text": "good film", "pair": "bad", "label": 3}\n');
  const { feeds } = await values(await open('scored.jsonl', {}, { labelKind: 'score' }), 0);
  expect(feeds['input_ids']).toEqual([
    [2, 4],
    [2, 4, 7, 3, 2, 5, 3, 0],
  ]);
  expect(feeds['attention_mask']).toEqual([
    [2, 4],
    [1, 1, 1, 1, 1, 1, 1, 0],
  ]);
});

it('labels are numbers, names of classes, texts, or a class a token', async () => {
  write('named.tsv', 'good film\tpositive\nbad\tnegative\n');
  write('classes.txt', 'negative\npositive\n');
  const named = await open('named.tsv', { classes: 'classes.txt' });
  expect([named.classes, (await named.get(0)).label, (await named.get(1)).label]).toEqual([2, 1, 0]);
  expect((await (await open('named.tsv')).get(0)).label).toBe('positive');
  write('tokens.jsonl', '{"text": "good", "label": [-100, 4, -100]}\n');
  const tokens = await open('tokens.jsonl', {}, { inputs: [input('ids', 5)] });
  expect((await tokens.get(0)).label).toEqual({ dims: [5], data: Int32Array.of(-100, 4, -100, -100, -100) });
});

it('texts, labels, settings and the tokenizer belong to the identity of the data', async () => {
  write('one.tsv', 'good\t1\n');
  const prints = [
    await (await open('one.tsv')).fingerprint(),
    await (await open('one.tsv', { max_length: 3 })).fingerprint(),
  ];
  write('one.tsv', 'good\t0\n');
  prints.push(await (await open('one.tsv')).fingerprint());
  write('tokenizer.json', JSON.stringify({ ...tokenizerFile(), version: '1.1' }));
  prints.push(await (await open('one.tsv')).fingerprint());
  expect(new Set(prints).size).toBe(4);
});

it.each([
  [
    'a line that is no JSON',
    'a.jsonl',
    '{"text": "good"}\n{"text":\n',
    {},
    'text-invalid',
    /a\.jsonl, line 2: /,
  ],
  [
    'an object without a text',
    'b.jsonl',
    '{"texts": "good"}\n',
    {},
    'text-invalid',
    /line 1: it is not an object with a "text"/,
  ],
  [
    'a column too few',
    'c.tsv',
    'text\tlabel\ngood\t1\nbad\n',
    {},
    'text-invalid',
    /line 3: it has 1 columns/,
  ],
  ['no tokenizer', 'd.txt', 'good\n', { tokenizer: null }, 'tokenizer-missing', /need a tokenizer/],
  [
    'a tokenizer that is none',
    'e.txt',
    'good\n',
    { tokenizer: 'lines.txt' },
    'tokenizer-invalid',
    /lines\.txt is not a readable tokenizer/,
  ],
  ['nothing', 'f.txt', '\n', {}, 'data-empty', /contains no samples/],
])('%s is said', async (_, name, text, section, code, message) => {
  write('lines.txt', 'A very GOOD film\n');
  write(name, text);
  const problem = await problemOf(open(name, section));
  expect(problem).toMatchObject({ code, message: expect.stringMatching(message) });
});

it('inputs that are none of texts are named', async () => {
  const problem = await problemOf(open('lines.txt', {}, { inputs: [input('a'), input('b')] }));
  expect(problem).toMatchObject({ code: 'data-inputs', message: expect.stringMatching(/are a, b\.$/) });
});
