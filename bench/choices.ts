import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { withChange, type QuantizationChange, type QuantizationConfig } from '@quantsmith/schemas';
import { runPipeline } from '../engine/src/pipeline.js';
import { evaluate } from './choices/evaluate.js';
import type { Choice } from '../engine/src/choose/choose.js';
import { subjects, type Subject } from './choices/subjects.js';

/** What the runs differ in. */
const SETTINGS: Readonly<Record<string, QuantizationChange>> = {
  measured: {},
  nncf: { defaults: 'nncf' },
  minmax: { defaults: 'nncf', advanced_parameters: { activations_range_estimator_params: 'minmax' } },
};

interface Result {
  readonly model: string;
  readonly setting: string;
  /** dB for each output. */
  readonly outputs?: Readonly<Record<string, number>>;
  readonly metric?: { readonly name: string; readonly float: number; readonly quantized: number };
  readonly cpuSeconds?: number;
  readonly seconds?: number;
  readonly peakMb?: number;
  readonly smaller?: number;
  readonly choices?: readonly Choice[];
  readonly failed?: string;
}

const { values: options } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/data' },
    only: { type: 'string' },
    settings: { type: 'string', default: Object.keys(SETTINGS).join() },
    threads: { type: 'string', default: '2' },
    /** At most so many samples, spread over the validation set. */
    validation: { type: 'string', default: '1000' },
    scratch: { type: 'string', default: '.tools/bench/choices' },
    /** One run, in a process of its own: `MODEL SETTING`. */
    one: { type: 'string' },
  },
});

const scratch = resolve(options.scratch);
mkdirSync(scratch, { recursive: true });
const all = await subjects(resolve(options.data), scratch);

function inProcess(model: string, setting: string): Result {
  const args = [
    process.argv[1]!,
    '--one',
    `${model} ${setting}`,
    '--threads',
    options.threads,
    '--validation',
    options.validation,
  ];
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [...args, '--data', options.data, '--scratch', scratch],
    { encoding: 'utf8' },
  );
  const line = stdout.trim().split('\n').at(-1) ?? '';
  const result: Result = line.startsWith('{')
    ? (JSON.parse(line) as Result)
    : { model, setting, failed: stderr.trim().split('\n').slice(-12).join(' ') };
  console.error(JSON.stringify(result));

  return result;
}

async function measure({ name, config, metric }: Subject, setting: string): Promise<Result> {
  const output = join(scratch, `${name}.${setting}.onnx`);
  rmSync(output, { force: true });
  const changed = withChange(threaded(config), SETTINGS[setting]!);
  // Quantized alone first: validation is no part of the time.
  const { validation, ...data } = changed.data;
  const begun = { cpu: process.cpuUsage(), time: performance.now() };
  let spent = { cpuSeconds: 0, seconds: 0, peakMb: 0 };
  const { report } = await runPipeline({ ...request(output), config: { ...changed, data } }, (event) => {
    if (event.type !== 'progress' || event.stage !== 'measure' || spent.seconds > 0) return;
    const { user, system } = process.cpuUsage(begun.cpu);
    spent = {
      cpuSeconds: (user + system) / 1e6,
      seconds: (performance.now() - begun.time) / 1000,
      peakMb: peakMb(),
    };
  });

  const evaluation = await evaluate(config.model, output, validation!, Number(options.validation));
  const top1 = evaluation.top1 === null ? {} : { metric: { name: 'top1', ...evaluation.top1 } };

  return {
    model: name,
    setting,
    outputs: evaluation.outputs,
    ...(metric === 'map' ? await averagePrecision(changed, setting, name) : top1),
    ...spent,
    smaller: statSync(config.model).size / statSync(output).size,
    choices: report.choices ?? [],
  };
}

/** Of detectors: by a second run, which validates. */
async function averagePrecision(config: QuantizationConfig, setting: string, name: string) {
  const output = join(scratch, `${name}.${setting}.validated.onnx`);
  const controlled: QuantizationConfig = { ...config, accuracy_control: { metric: 'map', max_drop: 1 } };
  const { report } = await runPipeline({ ...request(output), config: controlled }, () => undefined);
  const { baseline, quantized } = report.metric!;

  return { metric: { name: 'map', float: baseline, quantized } };
}

const request = (output: string) =>
  ({
    kind: 'run',
    configPath: join(scratch, 'x.quant.yaml'),
    configSha256: '',
    output,
    allowModules: false,
    cache: false,
    force: true,
  }) as const;

const threaded = (config: QuantizationConfig): QuantizationConfig =>
  withChange(config, {
    advanced_parameters: { backend_params: { threads: Number(options.threads) } },
  });

/** The most memory that this process ever had resident. */
const peakMb = () => Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024;

function table(results: readonly Result[]): string {
  const head = ['model', 'setting', 'metric', 'outputs, dB', 'CPU s', 'memory, MB', 'smaller'];
  const rows = results.map((result) => {
    if (result.failed !== undefined) return [result.model, result.setting, result.failed];
    const { metric } = result;
    const outputs = Object.values(result.outputs ?? {}).map((value) => value?.toFixed(1) ?? '∞');
    return [
      result.model,
      result.setting,
      metric
        ? `${metric.name} ${(100 * metric.quantized).toFixed(2)} (${(100 * metric.float).toFixed(2)})`
        : '',
      outputs.join(', '),
      result.cpuSeconds?.toFixed(1) ?? '',
      result.peakMb?.toFixed(0) ?? '',
      result.smaller?.toFixed(2) ?? '',
    ];
  });

  return markdown(head, rows);
}

const markdown = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** What was chosen over what, with the figures of each candidate. */
function evidence(results: readonly Result[]): string {
  const head = ['model', 'setting', 'chosen, dB', 'over, dB', 'samples', 's'];
  const rows = results.flatMap(({ model, choices = [] }) =>
    choices.map((choice) => [
      model,
      choice.setting.split('.').at(-1)!,
      candidate(choice),
      choice.over.map(candidate).join('; '),
      String(choice.samples),
      choice.seconds?.toFixed(1) ?? '',
    ]),
  );

  return markdown(head, rows);
}

function candidate({ value, sqnr_db }: { readonly value: string; readonly sqnr_db?: number | null }): string {
  return `${short(value)} ${sqnr_db?.toFixed(1) ?? '–'}`;
}

/** Operators in float by their number. */
function short(value: string): string {
  if (!value.startsWith('[')) return value;
  const entries = JSON.parse(value) as readonly { readonly names: readonly string[] }[];
  return `${entries.flatMap(({ names }) => names).length} in float`;
}

if (options.one !== undefined) {
  const [name, setting = ''] = options.one.split(' ');
  const subject = all.find((each) => each.name === name)!;
  console.log(JSON.stringify(await measure(subject, setting)));
} else {
  const wanted = options.only?.split(',') ?? all.map(({ name }) => name);
  const settings = options.settings.split(',');
  const results = wanted.flatMap((name) => settings.map((setting) => inProcess(name, setting)));
  console.log(table(results));
  console.log(`\n${evidence(results)}`);
  mkdirSync('bench/results', { recursive: true });
  writeFileSync('bench/results/choices.json', `${JSON.stringify(results, null, 2)}\n`);
}
