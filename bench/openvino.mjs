// The `openvino` layout in OpenVINO itself: models of the zoo are quantized with `runtime: openvino`, loaded by OpenVINO from PyPI
// and run on held-out samples beside ONNX Runtime. Prints a table and writes bench/results/openvino.json.
//
//   npm run bench:openvino -- [--models a,b] [--data FOLDER] [--calibration 32] [--validation 16] [--threads 2]
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { execute } from './peers/execute.mjs';
import { peersPython } from './peers/venv.mjs';
import { placeModel } from './zoo/place.mjs';
import { zoo } from './zoo/models.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({
  options: {
    models: {
      type: 'string',
      default: 'mobilenetv2,resnet8-bn,vit-ibp,ultraface,ppocr-cls,magika-v2,wake-word',
    },
    data: { type: 'string', default: join(root, '../shared/data') },
    calibration: { type: 'string', default: '32' },
    validation: { type: 'string', default: '16' },
    threads: { type: 'string', default: String(Math.min(4, availableParallelism())) },
  },
});
const data = resolve(options.data);
const threads = Number(options.threads);
const work = `${root}.tools/openvino`;
const python = peersPython();

const wanted = options.models.split(',');
const results = zoo.filter(({ name }) => wanted.includes(name)).map(one);
console.log(table(results));
mkdirSync(`${root}bench/results`, { recursive: true });
writeFileSync(`${root}bench/results/openvino.json`, `${JSON.stringify({ threads, results }, null, 2)}\n`);

function one(model) {
  const { name, transformer = false } = model;
  const out = `${work}/${name}`;
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const file = `${out}/model.onnx`;
  placeModel(model, file, { data, work, python });
  const script = (path, task, base) =>
    execute(python, [`${root}bench/${path}.py`], task, `${out}/${base}`, threads);
  const counts = { calibration: Number(options.calibration), validation: Number(options.validation) };
  const samples = script(
    'zoo/samples',
    { data: model.data, root: data, out, model: file, ...counts },
    'samples',
  );
  if (samples.failed !== undefined) return { name, failed: samples.failed };
  const config = `${out}/run.quant.yaml`;
  writeFileSync(
    config,
    stringify({
      ...{ model: 'model.onnx', output: 'int8.onnx', data: { calibration: { tensors: 'samples' } } },
      quantization: {
        ...(transformer ? { model_type: 'transformer' } : {}),
        advanced_parameters: { backend_params: { runtime: 'openvino', threads } },
      },
    }),
  );
  const run = spawnSync(process.execPath, [`${root}dist/cli.cjs`, 'run', config, '--no-cache'], {
    encoding: 'utf8',
  });
  if (run.status !== 0) return { name, failed: run.stderr.trim().split('\n').at(-1) };
  const task = { float: file, int8: `${out}/int8.onnx`, validation: `${out}/validation.npz`, threads };

  return { name, ...script('openvino/compare', task, 'compare') };
}

function table(rows) {
  const head = [
    'model',
    'OpenVINO, dB',
    'ONNX Runtime, dB',
    'one against the other, dB',
    'latency ratio in OpenVINO',
  ];
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const decibels = (value) => (value === null ? 'equal' : value.toFixed(1));
  return [
    line(head),
    line(head.map(() => '---')),
    ...rows.map(({ name, failed, openvino, onnxruntime, between, speedup }) =>
      line(
        failed === undefined
          ? [name, decibels(openvino), decibels(onnxruntime), decibels(between), speedup.toFixed(2)]
          : [name, `failed: ${failed}`, '', '', ''],
      ),
    ),
  ].join('\n');
}
