import { expect, it } from 'vitest';
import { RULES } from '../src/rules/list.js';
import { findAll, fixesOf } from '../src/rules/all.js';
import { applied, config } from '../../test/kit/configs.js';

const examples = RULES.filter(({ needs }) => ['text', 'value', 'config'].includes(needs)).flatMap((rule) =>
  rule.examples.map((example) => ({ ...example, rule })),
);
/** What only a model, files or a run can tell. */
const ELSEWHERE =
  /^(already-quantized|model-(cyclic|tensor-twice)|data-unreadable|tokenizer-invalid|nothing-to-quantize|opset-unsupported|runtime-unknown-operator|operators-in-bodies|unknown-node|unknown-operator|pattern-(unmatched|matches-all)|subgraph-empty|model-unreadable|sample-count|sample-shape|metric-unfit|model-type-unfit)$/;

it.each(examples.filter(({ code }) => !ELSEWHERE.test(code)))(
  'the example of $code is found, and its fix gives what the page shows',
  ({ code, before, after }) => {
    const document = config(before, before.startsWith('{') ? 'json' : 'yaml');
    const found = findAll(document, {}).findings.find((finding) => finding.code === code);
    expect(found, before).toBeDefined();
    if (after === null) return;
    expect(findAll(config(after, after.startsWith('{') ? 'json' : 'yaml'), {}).findings).not.toContainEqual(
      expect.objectContaining({ code }),
    );
    const fixes = fixesOf(document, { ...found!, data: found!.data ?? {} });
    expect(fixes.map(({ edits }) => applied(document, edits))).toContain(after);
  },
);

it('every code of a rule has an example of it, and every fix is for one of its codes', () => {
  for (const { codes, examples: own, fixes = {} } of RULES) {
    expect(own.map(({ code }) => code).sort()).toEqual([...codes].sort());
    for (const code of Object.keys(fixes)) expect(codes).toContain(code);
  }
});

it('what a run refuses the config for cannot be left out by a comment', () => {
  const head = 'model: m # quantsmith-disable\ndata: {calibration: {images: x}}\n';
  const codes = (text: string) => findAll(config(text), {}).findings.map(({ code }) => code);
  expect(codes(`${head}foo: 1\n`)).toEqual(['unknown-key']);
  expect(codes(`${head}quantization: {subset_size: 0}\n`)).toEqual(['out-of-range']);
  expect(
    codes(`${head}quantization: {model_type: null, advanced_parameters: {smooth_quant_alphas: {}}}\n`),
  ).toEqual([]);
});

it('a comment is what YAML takes for one: not a line of a block scalar, nor part of a text', () => {
  const dead = 'quantization: {advanced_parameters: {smooth_quant_alphas: {matmul: 0.5}}}\n';
  const codes = (model: string) =>
    findAll(config(`${model}data: {calibration: {images: x}}\n${dead}`), {}).findings.map(({ code }) => code);
  expect(codes('model: |\n  # quantsmith-disable\n  m\n')).toEqual(['dead-setting']);
  expect(codes('model: "a # quantsmith-disable"\n')).toEqual(['dead-setting']);
  expect(codes("model: 'a\n  # quantsmith-disable'\n")).toEqual(['dead-setting']);
  expect(codes('model: a # quantsmith-disable\n')).toEqual([]);
});
