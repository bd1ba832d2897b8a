// Quantizes with accuracy control, this engine and NNCF: the same samples, metric (top-1), target and threads, each in a
// process of its own. Prints a table, writes everything, the curves included, as JSON. Needs the prepared samples, which
// it makes like bench:peers.
//
//   npm run bench:peers-accuracy -- [--cases a,b] [--tools ours,tuned,nncf] [--data FOLDER] [--threads 2] [--limits 2,10,60]
//
// --limits: ours alone, on ViT with a target that it cannot meet (the float model's own answer everywhere, one operator in
// float), with each limit of time in seconds; no other case.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle } from './bundle.mjs';
import { models } from './models.mjs';
import { execute, prepare, script } from './peers/execute.mjs';
import { peersPython } from './peers/venv.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({
  options: {
    cases: { type: 'string' },
    tools: { type: 'string', default: 'ours,tuned,nncf' },
    data: { type: 'string', default: join(root, '../shared/data') },
    limits: { type: 'string' },
    threads: { type: 'string', default: String(Math.min(4, availableParallelism())) },
  },
});
const threads = Number(options.threads);
const data = resolve(options.data);
if (!existsSync(data)) {
  console.error(`The models and samples are looked for in ${data}, which does not exist (--data).`);
  process.exit(1);
}

/** Targets that plain 8-bit quantization misses. */
const cases = [
  { name: 'mobilenetv2', model: 'mobilenetv2', maxDrop: 0.002 },
  { name: 'mobilenetv2-per-tensor', model: 'mobilenetv2', maxDrop: 0.01, perTensor: true },
  { name: 'squeezenet1.1', model: 'squeezenet1.1', maxDrop: 0 },
  { name: 'squeezenet1.1-per-tensor', model: 'squeezenet1.1', maxDrop: 0, perTensor: true },
  { name: 'magika', model: 'magika', maxDrop: 0.005 },
  { name: 'vit-ibp', model: 'vit-ibp', maxDrop: 0.005 },
  { name: 'resnet8-per-tensor', model: 'resnet8-bn', maxDrop: 0.001, perTensor: true },
  { name: 'resnet-4b', model: 'resnet-4b', maxDrop: 0.002 },
];
const tools = options.tools.split(',');
const wanted = options.cases?.split(',') ?? cases.map(({ name }) => name);
const work = `${root}.tools/bench`;
const python = peersPython();
const runner = await bundle('bench/peers/accuracy_ours.ts');
if (options.limits !== undefined) {
  console.log(limitsTable(options.limits.split(',').map(Number)));
  process.exit();
}

const results = {};
for (const each of cases.filter(({ name }) => wanted.includes(name))) {
  results[each.name] = compare(each);
  console.log(table(each, results[each.name]));
}

mkdirSync(`${root}bench/results`, { recursive: true });
writeFileSync(
  `${root}bench/results/peers-accuracy.json`,
  `${JSON.stringify({ threads, results }, null, 2)}\n`,
);

function limitsTable(limits) {
  const model = models.find(({ name }) => name === 'vit-ibp');
  const out = `${work}/${model.name}`;
  prepare(python, model, data, out, threads);
  const rows = limits.map((limit) => {
    const config = {
      model: join(data, model.file),
      data: {
        calibration: { arrays: `${out}/calibration.npy` },
        validation: { arrays: `${out}/validation.npy`, labels: `${out}/labels.npy` },
      },
      quantization: { subset_size: 1_000_000, advanced_parameters: { backend_params: { threads } } },
      accuracy_control: {
        ...{ metric: 'agreement', max_drop: 0, time_limit: limit },
        advanced_accuracy_restorer_params: { max_num_iterations: 1, tune_hyperparams: true },
      },
    };
    const task = { config, output: `${out}/limit-${limit}.onnx` };
    const result = execute(process.execPath, [runner], task, `${out}/limit-${limit}`, threads);
    if (result.failed !== undefined) return `| ${limit} s | failed: ${result.failed.slice(0, 100)} |||||||`;
    const { initial, final, reverted, seconds, curve, tried, stop_reason: reason } = result;
    const values = [initial.quantized, final].map((value) => (100 * value).toFixed(2));
    return `| ${[`${limit} s`, ...values, `${reverted}`, `${tried}`, `${curve.length}`, `${seconds.toFixed(1)} s`, reason].join(' | ')} |`;
  });

  return [
    '| limit | quantized | result | float operators | settings tried | sets measured | whole run | stopped because |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function compare({ name, model: wantedModel, maxDrop, perTensor = false }) {
  const model = models.find((candidate) => candidate.name === wantedModel);
  const out = `${work}/${model.name}`;
  prepare(python, model, data, out, threads);
  const control = { metric: 'top1', max_drop: maxDrop };
  const ours = (restorer) => {
    const config = {
      model: join(data, model.file),
      data: {
        calibration: { arrays: `${out}/calibration.npy` },
        validation: { arrays: `${out}/validation.npy`, labels: `${out}/labels.npy` },
      },
      quantization: {
        subset_size: 1_000_000,
        advanced_parameters: {
          backend_params: { threads },
          weights_quantization_params: { per_channel: !perTensor },
        },
      },
      accuracy_control: { ...control, advanced_accuracy_restorer_params: restorer },
    };
    const task = { config, output: `${out}/${name}.ours.onnx` };
    return execute(process.execPath, [runner], task, `${out}/${name}.ours`, threads);
  };

  const nncf = () => {
    const task = {
      model: `${out}/peer.onnx`,
      calibration: `${out}/calibration.npy`,
      validation: `${out}/validation.npy`,
      labels: `${out}/labels.npy`,
      output: `${out}/${name}.nncf.onnx`,
      threads,
      max_drop: maxDrop,
      preset: 'performance',
      weights_per_channel: !perTensor,
    };
    return script(python, 'accuracy_nncf', task, `${out}/${name}.nncf`, threads);
  };

  const runs = { ours: () => ours({}), tuned: () => ours({ tune_hyperparams: true }), nncf };
  return Object.fromEntries(tools.map((tool) => [tool, runs[tool]()]));
}

function table({ name, maxDrop }, all) {
  const percent = (value) => (value === undefined ? '–' : (100 * value).toFixed(2));
  const rows = Object.entries(all).map(([tool, result]) => {
    if (result.failed !== undefined) return `| ${tool} | failed: ${result.failed.slice(0, 100)} |||||||||`;
    const { initial, reverted, operations, seconds, cpu_seconds: cpu, peak_bytes: peak } = result;
    const restoration = result.restoration_cpu_seconds;
    const final = result.final ?? result.curve.at(-1);
    const met = initial.initial - final <= maxDrop + 1e-9 ? 'yes' : 'no';
    return `| ${[tool, percent(initial.initial), percent(initial.quantized), percent(final), met, `${reverted} of ${operations ?? '?'}`, `${seconds.toFixed(1)} s`, `${cpu.toFixed(1)} s`, `${restoration.toFixed(1)} s`, `${(peak / 1e6).toFixed(0)} MB`].join(' | ')} |`;
  });
  const { ours, tuned, nncf } = all;
  const ofNncf = (nncf?.curve ?? []).slice(1).map(percent);
  const ofOurs = (ours?.curve ?? []).map(([reverted, value]) => `${percent(value)} (${reverted} in float)`);
  const curves = [
    `- curve, ours: ${[percent(ours?.initial?.quantized), ...ofOurs].join(', ')}`,
    `- curve, NNCF: ${ofNncf.join(', ')}`,
  ];
  return [
    `\n### ${name}, at most ${(100 * maxDrop).toFixed(1)} points\n`,
    '| tool | float | quantized | result | met | float operators | time | CPU time | of it accuracy control | peak memory |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
    ...ratio('ours', ours, "NNCF's", nncf),
    ...ratio('ours', ours, 'the two validations', validations(ours)),
    ...controlRatio(ours, nncf),
    ...ratio('tuned', tuned, 'the plain search', ours),
    ...curves,
  ].join('\n');
}

/** The two validations, the search, and measuring what it finds: CPU time without import, calibration, choices, checks, report. */
function controlRatio(ours, nncf) {
  const spent = ours?.restoration_cpu_seconds;
  if (spent === undefined) return [];
  const ofNncf =
    nncf?.restoration_cpu_seconds === undefined
      ? ''
      : `${(spent / nncf.restoration_cpu_seconds).toFixed(2)} of NNCF's, `;
  const ofValidations = (spent / ours.validation_cpu_seconds).toFixed(2);
  return [`- ours, accuracy control alone: ${ofNncf}${ofValidations} of the two validations' CPU time`];
}

/** What everybody must do: the float and the quantized model on all validation samples. */
function validations(result) {
  return result?.validation_seconds === undefined
    ? undefined
    : { seconds: result.validation_seconds, cpu_seconds: result.validation_cpu_seconds };
}

function ratio(tool, result, otherName, other) {
  if (result?.seconds === undefined || other?.seconds === undefined) return [];
  const wall = (result.seconds / other.seconds).toFixed(2);
  return [
    `- ${tool}: ${wall} of ${otherName} time, ${(result.cpu_seconds / other.cpu_seconds).toFixed(2)} of the CPU time`,
  ];
}
