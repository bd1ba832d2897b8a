import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type {
  EvaluateRequest,
  ModelEvaluation,
  OverflowSummary,
  QuantizationConfig,
} from '@quantsmith/schemas';
import { evaluateModel } from '../engine/src/validation/evaluateModel.js';
import { plan } from '../engine/src/plan/plan.js';
import { findEmulator } from '../engine/src/emulator.js';
import { overflowPipeline, runPipeline } from '../engine/src/pipeline.js';
import { models, type BenchData, type BenchModel } from './models.mjs';

const { values: options } = parseArgs({
  options: {
    models: {
      type: 'string',
      default: 'mobilenetv2,squeezenet1.1,resnet8-bn,resnet-4b,vit-ibp,mnist-8,digits',
    },
    samples: { type: 'string', default: '200' },
    data: { type: 'string', default: '../shared/data' },
    qemu: { type: 'string', default: '' },
    /** Settings that are also run on the emulated CPU. */
    'qemu-fixes': { type: 'string', default: 'disable,first_layer,enable,auto' },
    /** Internal: what the emulated process is told. */
    evaluate: { type: 'string' },
  },
});
const work = resolve('.tools/bench/overflow');
const quiet = () => undefined;

type Row = OverflowSummary['settings'][number] & {
  readonly qemu?: { readonly here: number; readonly metric: number; readonly equal: number };
};
interface Result {
  readonly model: string;
  readonly metric: string | null;
  readonly layers: number;
  readonly rows: readonly Row[];
}

if (options.evaluate === undefined) await main();
else await evaluate(options.evaluate);

async function main(): Promise<void> {
  mkdirSync(work, { recursive: true });
  mkdirSync('bench/results', { recursive: true });
  const results: Result[] = [];
  for (const name of options.models.split(',')) {
    const result = await measure(name, options.qemu.split(',').includes(name));
    console.log(table(result));
    results.push(result);
    writeFileSync('bench/results/overflow.json', `${JSON.stringify(results, null, 2)}\n`);
  }
}

async function measure(name: string, emulated: boolean): Promise<Result> {
  const model = models.find((candidate) => candidate.name === name);
  if (model === undefined && name !== 'digits') throw new Error(`There is no model "${name}".`);
  const config = model === undefined ? digitsConfig() : configOf(model);
  const request = {
    config,
    configPath: join(work, `${name}.quant.json`),
    configSha256: '',
    allowModules: false,
  };
  const summary = await overflowPipeline({ kind: 'run', ...request }, quiet);
  const rows: Row[] = [];
  for (const setting of summary.settings) {
    const fixed = withAdvanced(config, { overflow_fix: setting.fix as 'auto' });
    const there = emulated && options['qemu-fixes'].split(',').includes(setting.fix);
    rows.push(there ? { ...setting, qemu: await underQemu(name, { ...request, config: fixed }) } : setting);
  }

  return { model: name, metric: summary.metric, layers: summary.layers.length, rows };
}

/** Writes the model, runs it here and under QEMU, counts outputs that are bit-identical. */
async function underQemu(
  name: string,
  request: Omit<EvaluateRequest, 'kind' | 'modelPath'>,
): Promise<NonNullable<Row['qemu']>> {
  const modelPath = join(work, `${name}.onnx`);
  await runPipeline({ kind: 'run', ...request, output: modelPath }, quiet);
  const evaluation: EvaluateRequest = { kind: 'evaluate', ...request, modelPath };
  const here = await evaluateModel(evaluation, plan(evaluation.config), quiet);
  const file = join(work, `${name}.evaluate.json`);
  // Emulated threads that wait for each other cost more than they bring.
  const alone = withAdvanced(request.config, { backend_params: { threads: 1 } });
  writeFileSync(file, JSON.stringify({ ...evaluation, config: alone }));
  const emulator = await findEmulator('haswell');
  const script = process.argv[1]!;
  const { stdout } = spawnSync(
    emulator.path,
    [...emulator.args, process.execPath, script, '--evaluate', file],
    {
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    },
  );
  const there = JSON.parse(stdout) as ModelEvaluation;
  return {
    here: here.metric.value,
    metric: there.metric.value,
    equal: here.outputs.filter((hash, index) => hash === there.outputs[index]).length,
  };
}

async function evaluate(file: string): Promise<void> {
  const request = JSON.parse(readFileSync(file, 'utf8')) as EvaluateRequest;
  process.stdout.write(JSON.stringify(await evaluateModel(request, plan(request.config), quiet)));
}

function configOf(model: BenchModel): QuantizationConfig {
  const data = resolve(options.data);
  const source = ({ images, array, labels }: BenchData) => ({
    ...(images === undefined ? {} : { images: join(data, images) }),
    ...(array === undefined ? {} : { arrays: join(data, array) }),
    ...(labels === undefined ? {} : { labels: join(data, labels) }),
    ...(model.preprocess === null ? {} : { preprocess: preprocessOf(model.preprocess) }),
  });
  const validation = { ...source(model.validation), limit: Number(options.samples) };
  return {
    model: join(data, model.file),
    data: { calibration: { ...source(model.calibration), limit: 300 }, validation },
    quantization: {
      ...(model.transformer === true ? { model_type: 'transformer' } : {}),
      advanced_parameters: {
        backend_params: { target_isa: 'avx2', threads: Math.min(2, availableParallelism()) },
      },
    },
  };
}

/** The benchmarks' names of the preprocessing keys to those of a config. */
function preprocessOf({ size, crop, ...rest }: Record<string, unknown>): Record<string, unknown> {
  return {
    ...rest,
    ...(size === undefined ? {} : { resize: size }),
    ...(crop === undefined ? {} : { center_crop: crop }),
  };
}

function digitsConfig(): QuantizationConfig {
  const data = (name: string) => resolve('examples/digits/data', name);
  return {
    model: resolve('examples/digits/digits.onnx'),
    data: {
      calibration: { arrays: data('calibration.npy'), preprocess: { scale: 16 } },
      validation: {
        arrays: data('validation.npy'),
        labels: data('validation-labels.npy'),
        preprocess: { scale: 16 },
      },
    },
    quantization: { advanced_parameters: { backend_params: { target_isa: 'avx2' } } },
  };
}

type Advanced = NonNullable<NonNullable<QuantizationConfig['quantization']>['advanced_parameters']>;

function withAdvanced(config: QuantizationConfig, changes: Advanced): QuantizationConfig {
  const { quantization } = config;
  const advanced = { ...quantization?.advanced_parameters, ...changes };
  return { ...config, quantization: { ...quantization, advanced_parameters: advanced } };
}

function table({ model, metric, layers, rows }: Result): string {
  const share = (value: number | null | undefined) =>
    value === null || value === undefined
      ? '–'
      : metric?.startsWith('top')
        ? (100 * value).toFixed(2)
        : value.toFixed(3);
  const lines = rows.map(
    ({ fix, half_range: half, at_risk: risk, saturating, metric: here, predicted, qemu }) =>
      [
        model,
        fix,
        half,
        risk,
        saturating,
        share(here),
        share(predicted),
        share(qemu?.metric),
        qemu?.equal ?? '–',
      ].join(' | '),
  );
  return [
    `${model}: ${layers} layers with 8-bit weights`,
    '| model | overflow_fix | half range | at risk | saturate | ' +
      `${metric ?? 'metric'} here | predicted without VNNI | QEMU Haswell | outputs equal |`,
    '| --- | --- | --: | --: | --: | --: | --: | --: | --: |',
    ...lines.map((line) => `| ${line} |`),
  ].join('\n');
}
