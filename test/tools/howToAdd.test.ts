import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { QuantizationReport } from '@quantsmith/schemas';
import { copyOfCheckout, ROOT } from '../kit/checkout.js';

/** The number of files that ARCHITECTURE.md's "How to add" gives for a thing. */
function statedFiles(thing: string): number {
  const text = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8');
  const row = text.split('\n').find((line) => line.startsWith(`| ${thing} `));
  return Number(row?.split('|')[3]);
}

const RULE = `import { findEntry } from '../document/tree.js';
import { defineRule } from './rule.js';

export const rule = defineRule({
  codes: ['few-samples'],
  needs: 'config',
  check({ document, config }) {
    const entry = findEntry(document.tree, ['quantization', 'subset_size']);
    if (entry?.value == null || (config.quantization?.subset_size ?? 300) >= 10) return [];
    const { start, end } = entry.value;
    const path = ['quantization', 'subset_size'] as const;
    return [{ code: 'few-samples', severity: 'warning', message: 'Few samples.', start, end, path }];
  },
  suppressible: true,
  sections: { 'few-samples': 'Severity: warning.\\n\\nFewer than ten samples.' },
  examples: [
    {
      code: 'few-samples',
      before: 'model: model.onnx\\ndata: {calibration: {images: ./train}}\\nquantization: {subset_size: 3}\\n',
      after: 'model: model.onnx\\ndata: {calibration: {images: ./train}}\\nquantization: {subset_size: 300}\\n',
    },
  ],
});
`;

const METRIC = `import { topK } from './topK.js';

export const top3 = topK('top3', 3);
`;

const REMEDY = `export const REMEDIES: readonly RemedySetting[] = [
  {
    setting: 'quantize_outputs',
    path: ['quantization', 'advanced_parameters', 'quantize_outputs'],
    values: ({ advanced_parameters: { quantize_outputs: current } }) => [!current],
    parse: (text) => text === 'true',
  },`;

const CONFIG = `model: digits.onnx
data:
  calibration: {arrays: data/calibration.npy, preprocess: &prep {scale: 16}, limit: 20}
  validation: {arrays: data/validation.npy, labels: data/validation-labels.npy, preprocess: *prep}
quantization:
  preset: mixed
  subset_size: 3
  advanced_parameters: {weights_quantization_params: {num_bits: 4, per_channel: false}}
accuracy_control:
  metric: top3
  max_drop: 0
  advanced_accuracy_restorer_params: {tune_hyperparams: true, max_num_iterations: 1}
`;

describe('a copy of the repository with a rule, a metric and a remedy more', () => {
  const touched = { rule: new Set<string>(), metric: new Set<string>(), remedy: new Set<string>() };
  type Thing = keyof typeof touched;
  let copy: ReturnType<typeof copyOfCheckout>;
  const inCopy = (...path: string[]) => join(copy.folder, ...path);

  const add = (thing: Thing, path: string, text: string) => {
    expect(existsSync(inCopy(path)), path).toBe(false);
    writeFileSync(inCopy(path), text);
    touched[thing].add(path);
  };

  const replace = (thing: Thing, path: string, before: string, after: string) => {
    const text = readFileSync(inCopy(path), 'utf8');
    expect(text.split(before), `${path}: ${before}`).toHaveLength(2);
    writeFileSync(inCopy(path), text.replace(before, after));
    touched[thing].add(path);
  };

  const node = (...args: string[]) =>
    spawnSync(process.execPath, args, { cwd: copy.folder, encoding: 'utf8' });
  const quantsmith = (...args: string[]) =>
    spawnSync(process.execPath, [inCopy('dist/cli.cjs'), ...args], {
      cwd: inCopy('examples/digits'),
      encoding: 'utf8',
    });

  beforeAll(() => {
    copy = copyOfCheckout(['scripts', 'docs', 'examples/digits', '.prettierrc.json']);
    add('rule', 'service/src/rules/fewSamples.ts', RULE);
    add('metric', 'engine/src/metrics/top3.ts', METRIC);
    replace(
      'metric',
      'schemas/src/metrics.ts',
      '  f1: labelled(',
      "  top3: labelled('class', 'share of samples whose label is among the three largest outputs', '3 of the classes'),\n  f1: labelled(",
    );
    const builtIn = 'engine/src/metrics/builtIn.ts';
    replace('metric', builtIn, 'import { topK }', "import { top3 } from './top3.js';\nimport { topK }");
    replace('metric', builtIn, "  top5: topK('top5', 5),", "  top3,\n  top5: topK('top5', 5),");
    replace('remedy', 'schemas/src/remedies.ts', REMEDY.split('\n', 1)[0]!, REMEDY);
    writeFileSync(inCopy('examples/digits/more.quant.yaml'), CONFIG);
  });
  afterAll(() => copy.remove());

  it.each(['rule', 'metric', 'remedy'] as const)('a %s needs as many files as stated', (thing) => {
    expect(touched[thing].size).toBe(statedFiles(`a ${thing}`));
  });

  it('is generated, type-checked and built', () => {
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    for (const command of [['scripts/generate.mjs'], [tsc, '--noEmit', '-p', '.'], ['scripts/build.mjs']]) {
      const { status, stdout, stderr } = node(...command);
      expect(status, `${command.join(' ')}\n${stdout}${stderr}`).toBe(0);
    }
  });

  it('finds what the rule is about, and documents it', () => {
    const { stdout } = quantsmith('check', 'more.quant.yaml');
    expect(stdout).toMatch(/Few samples\. \[few-samples\]/);
    expect(quantsmith('explain', 'few-samples').stdout).toMatch(/Fewer than ten samples[^]*subset_size: 300/);
  });

  it('measures by the metric and tries the remedy', () => {
    const { stderr } = quantsmith('run', 'more.quant.yaml');
    const path = inCopy('examples/digits/more.int8.onnx.report.json');
    expect(existsSync(path), stderr).toBe(true);
    const report = JSON.parse(readFileSync(path, 'utf8')) as QuantizationReport;
    expect(report.metric).toMatchObject({ name: 'top3', higher_is_better: true });
    expect(report.metric!.baseline).toBeGreaterThan(0.9);
    expect(report.restoration!.remedies).toContainEqual(
      expect.objectContaining({ setting: 'quantize_outputs', value: 'true' }),
    );
  });
});
