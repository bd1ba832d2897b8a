import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeModel } from '@quantsmith/model/onnx';
import type { QuantizationReport } from '@quantsmith/schemas';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { builtCli, root } from '../../test/kit/builtCli.js';
import { floats, ints, model, node, value } from '../../test/kit/models.js';
import { tokenizerFile, WORDS } from '../../test/kit/tokenizer.js';

const cli = builtCli();
const folder = mkdtempSync(join(tmpdir(), 'quantsmith-texts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, content: string | Uint8Array) => writeFileSync(join(folder, name), content);
const quantsmith = (...args: string[]) =>
  spawnSync(process.execPath, [cli, ...args], { cwd: folder, encoding: 'utf8' });

/** Words that speak for one class or the other; the first two dimensions of their vectors say so. */
const SIDES = new Map([
  ['good', 1],
  ['bad', -1],
  ['very', 0.1],
]);

/** Means of word vectors (`pooled`), or a class for each token; the mask takes the filling out. */
function textModel(pooled: boolean): Uint8Array {
  const vectors = WORDS.flatMap((word, id) => [
    SIDES.get(word) ?? 0,
    -(SIDES.get(word) ?? 0),
    0.01 * id,
    0.3,
  ]);
  const shape = pooled ? ['batch', 2] : ['batch', 'length', 2];
  return encodeModel(
    model({
      inputs: [value('input_ids', ['batch', 'length'], 7), value('attention_mask', ['batch', 'length'], 7)],
      outputs: [value('logits', shape)],
      nodes: [
        node('Gather', ['vectors', 'input_ids'], ['words']),
        node('Cast', ['attention_mask'], ['mask'], { to: 1 }),
        node('Unsqueeze', ['mask', 'last'], ['mask3']),
        node('Mul', ['words', 'mask3'], ['masked']),
        ...(pooled ? [node('ReduceMean', ['masked'], ['hidden'], { axes: [1], keepdims: 0 })] : []),
        node('MatMul', [pooled ? 'hidden' : 'masked', 'weight'], ['logits']),
      ],
      initializers: [
        floats('vectors', [WORDS.length, 4], vectors),
        floats('weight', [4, 2], [-1, 1, 1, -1, 0.1, 0.1, 0.2, -0.2]),
        ints('last', [2]),
      ],
    }),
  );
}

const TEXTS = [
  'good film',
  'very good',
  'bad film',
  'not very bad',
  'good good films',
  'bad very bad',
  'very very good film',
];

beforeAll(() => {
  write('tokenizer.json', JSON.stringify(tokenizerFile()));
  write('text.onnx', textModel(true));
  write('tokens.onnx', textModel(false));
  write('train.tsv', TEXTS.map((text) => `${text}\t0`).join('\n'));
  write('reviews.tsv', TEXTS.map((text) => `${text}\t${text.includes('good') ? 1 : 0}`).join('\n'));
  const page = readFileSync(join(root, 'docs/data.md'), 'utf8');
  const [, config] = /^```yaml\n# texts\.quant\.yaml\n(.*?)^```/ms.exec(page)!;
  write('texts.quant.yaml', config!);
});

function reportOf(name: string): QuantizationReport {
  expect(quantsmith('check', `${name}.quant.yaml`).stdout).not.toMatch(/error/);
  const { status, stderr } = quantsmith('run', `${name}.quant.yaml`, '--output', `${name}.int8.onnx`);
  expect([status, stderr]).toEqual([0, expect.any(String)]);
  return JSON.parse(
    readFileSync(join(folder, `${name}.int8.onnx.report.json`), 'utf8'),
  ) as QuantizationReport;
}

it("the page's classifier of texts", () => {
  expect(reportOf('texts').metric).toMatchObject({
    name: 'top1',
    baseline: 1,
    quantized: 1,
    satisfied: true,
  });
});

it('a class for each token', () => {
  const rows = TEXTS.map((text) => {
    // The tokenizer adds one token on each side, and cuts "films" in two.
    const words = text.split(' ').flatMap((word) => (word === 'films' ? ['film', '##s'] : [word]));
    return JSON.stringify({
      text,
      label: [
        -100,
        ...words.map((word) => (SIDES.has(word) && SIDES.get(word)! > 0 ? 1 : SIDES.has(word) ? 0 : -100)),
        -100,
      ],
    });
  });
  write('tokens.jsonl', rows.join('\n'));
  write(
    'tokens.quant.yaml',
    'model: tokens.onnx\ndata:\n  calibration: &texts {texts: tokens.jsonl, tokenizer: tokenizer.json}\n  validation: *texts\naccuracy_control: {metric: token_f1, max_drop: 0.01}\n',
  );
  expect(reportOf('tokens').metric).toMatchObject({ name: 'token_f1', baseline: 1, satisfied: true });
});

it('pairs of texts with a score', () => {
  write(
    'pairs.tsv',
    'text\tpair\tlabel\ngood film\tvery good\t5\ngood\tbad\t0\nbad film\tfilm\t2\nvery good\tgood\t4.5\n',
  );
  write(
    'pairs.quant.yaml',
    'model: text.onnx\ndata:\n  calibration: {texts: reviews.tsv, tokenizer: tokenizer.json}\n  validation: {texts: pairs.tsv, tokenizer: tokenizer.json}\naccuracy_control: {metric: spearman, max_drop: 0.3}\n',
  );
  const { metric } = reportOf('pairs');
  expect(metric).toMatchObject({ name: 'spearman', satisfied: true });
  expect(metric!.baseline).toBeGreaterThan(0.7);
});

it('texts without a tokenizer, and for a model of other inputs, are found by check', () => {
  write('none.quant.yaml', 'model: text.onnx\ndata: {calibration: {texts: reviews.tsv}}\n');
  expect(quantsmith('check', 'none.quant.yaml').stdout).toMatch(/\[tokenizer-missing\]/);
});
