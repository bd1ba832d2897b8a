import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pathToFileURL } from 'node:url';
import { startEngine } from '@quantsmith/engine';
import type { EngineEvent, EngineRequest, QuantizationReport } from '@quantsmith/schemas';
import { CodeActionRequest } from 'vscode-languageserver-protocol/node';
import { copyOfCheckout, ROOT } from '../kit/checkout.js';
import { realProcess } from '../kit/lspClient.js';

/** The number of files that ARCHITECTURE.md's "How to add" gives for a thing. */
function statedFiles(thing: string): number {
  const text = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8');
  const row = text.split('\n').find((line) => line.startsWith(`| ${thing} `));
  return Number(row?.split('|')[3]);
}

const RULE = `import { setValue } from '../document/edit.js';
import { findEntry } from '../document/tree.js';
import { fix } from '../findings/fix.js';
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
  fixes: { 'few-samples': (document, { path }) => fix('Take 300 samples', setValue(document, path, 300)) },
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

const KEY = `"keep_products_float": {
              "description": "Leave products of matrices in float.",
              "type": "boolean",
              "default": false
            },
            `;

const COMMAND = `import type { ModelSummary } from '@quantsmith/schemas';

export const countNodes = ({ nodes }: ModelSummary) => nodes.length;
`;

/** A client that takes fixes as they are, not as commands. */
const LITERAL_ACTIONS = {
  textDocument: { codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: [''] } } } },
};

const CONFIG = `model: digits.onnx
data:
  calibration: {arrays: data/calibration.npy, preprocess: &prep {scale: 16}, limit: 20}
  validation: {arrays: data/validation.npy, labels: data/validation-labels.npy, preprocess: *prep}
quantization:
  preset: mixed
  subset_size: 3
  advanced_parameters:
    keep_products_float: true
    weights_quantization_params: {num_bits: 4, per_channel: false}
accuracy_control:
  metric: top3
  max_drop: 0
  advanced_accuracy_restorer_params: {tune_hyperparams: true, max_num_iterations: 1}
`;

describe('a copy of the repository with one more of each', () => {
  const touched = {
    'a rule': new Set<string>(),
    'a metric': new Set<string>(),
    'a remedy': new Set<string>(),
    'a config key': new Set<string>(),
    'a command on the engine': new Set<string>(),
  };
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

  const addRule = () => add('a rule', 'service/src/rules/fewSamples.ts', RULE);

  const addMetric = () => {
    add('a metric', 'engine/src/metrics/top3.ts', METRIC);
    replace(
      'a metric',
      'schemas/src/metrics.ts',
      '  f1: labelled(',
      "  top3: labelled('class', 'share of samples whose label is among the three largest outputs', '3 of the classes'),\n  f1: labelled(",
    );
    const builtIn = 'engine/src/metrics/builtIn.ts';
    replace('a metric', builtIn, 'import { topK }', "import { top3 } from './top3.js';\nimport { topK }");
    replace('a metric', builtIn, "  top5: topK('top5', 5),", "  top3,\n  top5: topK('top5', 5),");
  };

  const addRemedy = () =>
    replace('a remedy', 'schemas/src/remedies.ts', REMEDY.split('\n', 1)[0] ?? '', REMEDY);

  const addConfigKey = () => {
    const schema = 'schemas/quantization-config.schema.json';
    replace('a config key', schema, '"quantize_outputs": {', `${KEY}"quantize_outputs": {`);
    const stated = '    quantizeOutputs: advanced.quantize_outputs,\n';
    const planned = '    keepProductsFloat: advanced.keep_products_float,\n';
    replace('a config key', 'engine/src/plan/plan.ts', stated, stated + planned);
    const stage = 'engine/src/placement/placeModel.ts';
    const scope = '  readonly scope: IgnoredScope;\n';
    replace('a config key', stage, scope, `${scope}  readonly keepProductsFloat: boolean;\n`);
    replace(
      'a config key',
      stage,
      '...overridden.float]',
      '...overridden.float, ...(plan.keepProductsFloat ? products(prepared.graph) : [])]',
    );
    replace(
      'a config key',
      stage,
      '/** Whether nothing is quantized. */',
      `const products = ({ nodes }: Graph) => nodes.filter((node) => has(node, 'product')).map(({ name }) => name);\n\n$&`,
    );
    replace(
      'a config key',
      stage,
      'import { resolveIgnoredScope',
      "import { has } from '@quantsmith/model/operators';\n$&",
    );
  };

  const addCommand = () => {
    const thing = 'a command on the engine';
    add(thing, 'engine/src/countNodes.ts', COMMAND);
    const protocol = 'schemas/src/protocol.ts';
    replace(
      thing,
      protocol,
      '  | InspectRequest\n',
      "$&  | { readonly kind: 'count'; readonly modelPath: string }\n",
    );
    const event = "  | { readonly type: 'inspected'; readonly model: ModelSummary }\n";
    replace(thing, protocol, event, "$&  | { readonly type: 'counted'; readonly nodes: number }\n");
    const process = 'engine/src/process.ts';
    replace(thing, process, 'import { plan }', "import { countNodes } from './countNodes.js';\n$&");
    replace(
      thing,
      process,
      "  if (request.kind === 'inspect') {",
      "  if (request.kind === 'count') return emit({ type: 'counted', nodes: countNodes(await inspectModel(request.modelPath)) });\n$&",
    );
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
    addRule();
    addMetric();
    addRemedy();
    addConfigKey();
    addCommand();
    writeFileSync(inCopy('examples/digits/more.quant.yaml'), CONFIG);
  });
  afterAll(() => copy.remove());

  it.each(Object.keys(touched) as Thing[])('%s needs as many files as stated', (thing) => {
    expect(touched[thing].size).toBe(statedFiles(thing));
  });

  it('is generated, type-checked and built', () => {
    const tsc = join(ROOT, 'node_modules/typescript-native/bin/tsc');
    for (const command of [['scripts/generate.mjs'], [tsc, '--noEmit', '-p', '.'], ['scripts/build.mjs']]) {
      const { status, stdout, stderr } = node(...command);
      expect(status, `${command.join(' ')}\n${stdout}${stderr}`).toBe(0);
    }
  });

  it('finds what the rule is about, mends and documents it', async () => {
    const { stdout } = quantsmith('explain', 'few-samples');
    expect(stdout).toMatch(/Fewer than ten samples[^]*subset_size: 300/);

    const uri = pathToFileURL(inCopy('examples/digits/more.quant.yaml')).href;
    const client = await realProcess(inCopy('dist/server.cjs'), { capabilities: LITERAL_ACTIONS });
    const pushed = client.pushed(uri);
    await client.open(uri, CONFIG);
    const { diagnostics } = await pushed;
    // No complaint about the key that the schema has now.
    expect(diagnostics.map(({ code }) => code)).toEqual(['few-samples']);
    const range = diagnostics[0]?.range ?? {
      start: { line: 0, character: 0 },
      end: { line: 0, character: 0 },
    };
    const actions = await client.connection.sendRequest(CodeActionRequest.type, {
      textDocument: { uri },
      range,
      context: { diagnostics },
    });
    expect(actions?.map(({ title }) => title)).toContain('Take 300 samples');
    await client.stop();
  });

  it('answers the command', async () => {
    const events: unknown[] = [];
    const request = { kind: 'count', modelPath: inCopy('examples/digits/digits.onnx') };
    await startEngine(request as unknown as EngineRequest, {
      enginePath: inCopy('dist/engine.cjs'),
      onEvent: (event: EngineEvent) => events.push(event),
    });
    expect(events).toContainEqual({ type: 'counted', nodes: 19 });
  });

  it('measures by the metric, tries the remedy and acts on the key', () => {
    const { stderr } = quantsmith('run', 'more.quant.yaml');
    const path = inCopy('examples/digits/more.int8.onnx.report.json');
    expect(existsSync(path), stderr).toBe(true);
    const report = JSON.parse(readFileSync(path, 'utf8')) as QuantizationReport;
    expect(report.metric).toMatchObject({ name: 'top3', higher_is_better: true });
    expect(report.metric?.baseline).toBeGreaterThan(0.9);
    expect(report.layers.find(({ op }) => op === 'Gemm')?.quantized ?? false).toBe(false);
    expect(report.layers.find(({ op }) => op === 'Conv')?.quantized).toBe(true);
    expect(report.restoration?.remedies).toContainEqual(
      expect.objectContaining({ setting: 'quantize_outputs', value: 'true' }),
    );
  });
});
