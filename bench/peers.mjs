// Quantizes the same models with this engine, NNCF and ONNX Runtime: the same calibration samples and threads, each in a
// process of its own, in turns; then runs all results side by side. Prints a table for each model, writes all as JSON.
//
//   npm run bench:peers -- [--models a,b] [--tools ours,nncf] [--repeats 3] [--data FOLDER] [--threads 2] [--no-percentile]
//
// Olive joins in where OLIVE_PYTHON names a Python with it (pip install olive-ai: it brings PyTorch, 6 GB in all).
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle } from './bundle.mjs';
import { models } from './models.mjs';
import { execute, prepare, script } from './peers/execute.mjs';
import { peerTable } from './peers/table.mjs';
import { peersPython } from './peers/venv.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({
  options: {
    models: { type: 'string' },
    repeats: { type: 'string', default: '3' },
    data: { type: 'string', default: join(root, '../shared/data') },
    threads: { type: 'string', default: String(Math.min(4, availableParallelism())) },
    'no-percentile': { type: 'boolean', default: false },
    tools: { type: 'string' },
  },
});
const threads = Number(options.threads);
const data = resolve(options.data);
if (!existsSync(data)) {
  console.error(`The models and samples are looked for in ${data}, which does not exist (--data).`);
  process.exit(1);
}

const wanted = options.models?.split(',') ?? models.map(({ name }) => name);
const work = `${root}.tools/bench`;
const python = peersPython();
const runner = await bundle('bench/peers/quantize_ours.ts');
const results = {};
for (const model of models.filter(({ name }) => wanted.includes(name))) {
  results[model.name] = compare(model);
  console.log(peerTable(model.name, results[model.name]));
}

mkdirSync(`${root}bench/results`, { recursive: true });
writeFileSync(`${root}bench/results/peers.json`, `${JSON.stringify({ threads, results }, null, 2)}\n`);

function compare(model) {
  const out = `${work}/${model.name}`;
  const prepared = prepare(python, model, data, out, threads);
  const tools = toolsOf(model, out);
  const runs = Object.fromEntries(Object.keys(tools).map((name) => [name, []]));
  for (let repeat = 0; repeat < Number(options.repeats); repeat++) {
    for (const [name, { once: single, quantize }] of Object.entries(tools)) {
      if (single && repeat > 0) continue;
      runs[name].push(quantize());
    }
  }

  const plain = script(
    python,
    'plain',
    {
      model: `${out}/peer.onnx`,
      calibration: `${out}/calibration.npy`,
      threads,
    },
    `${out}/plain`,
    threads,
  );
  const written = Object.entries(tools).filter(([name]) =>
    runs[name].every((run) => run.failed === undefined),
  );
  const evaluated = script(
    python,
    'evaluate',
    {
      models: {
        float: `${out}/peer.onnx`,
        ...Object.fromEntries(written.map(([name, tool]) => [name, tool.output])),
      },
      validation: `${out}/validation.npy`,
      labels: prepared.labels ? `${out}/labels.npy` : null,
      threads,
      latency_runs: 60,
    },
    `${out}/evaluate`,
    threads,
  );
  return { prepared, plain, runs, evaluated };
}

function toolsOf(model, out) {
  const calibration = `${out}/calibration.npy`;
  const nncf = (preset) => ({
    output: `${out}/nncf-${preset}.onnx`,
    quantize: () =>
      script(
        python,
        'quantize_nncf',
        {
          model: `${out}/peer.onnx`,
          calibration,
          output: `${out}/nncf-${preset}.onnx`,
          threads,
          preset,
          transformer: model.transformer === true,
        },
        `${out}/nncf-${preset}`,
        threads,
      ),
  });
  const ort = (method) => ({
    output: `${out}/ort-${method}.onnx`,
    once: method === 'Percentile',
    quantize: () =>
      script(
        python,
        'quantize_ort',
        {
          model: `${out}/peer.ort.onnx`,
          calibration,
          output: `${out}/ort-${method}.onnx`,
          threads,
          method,
        },
        `${out}/ort-${method}`,
        threads,
      ),
  });
  const olive = {
    output: `${out}/olive.onnx`,
    quantize: () =>
      script(
        process.env.OLIVE_PYTHON,
        'quantize_olive',
        { model: `${out}/peer.onnx`, calibration, output: `${out}/olive.onnx`, threads },
        `${out}/olive`,
        threads,
      ),
  };
  const tools = {
    ours: { output: `${out}/ours.onnx`, quantize: () => ours(model, out, {}) },
    'ours fixed': {
      output: `${out}/ours-fixed.onnx`,
      quantize: () => ours(model, out, { defaults: 'nncf' }, 'ours-fixed'),
    },
    'ours mixed': {
      output: `${out}/ours-mixed.onnx`,
      quantize: () => ours(model, out, { preset: 'mixed' }, 'ours-mixed'),
    },
    // The ranges of ONNX Runtime's minmax, which the documented defaults (mean_minmax) are not.
    'ours minmax': {
      output: `${out}/ours-minmax.onnx`,
      once: true,
      quantize: () =>
        ours(
          model,
          out,
          { advanced_parameters: { activations_range_estimator_params: 'minmax' } },
          'ours-minmax',
        ),
    },
    nncf: nncf('performance'),
    'nncf mixed': nncf('mixed'),
    'ort minmax': ort('MinMax'),
    ...(options['no-percentile'] ? {} : { 'ort percentile': ort('Percentile') }),
    ...(process.env.OLIVE_PYTHON ? { olive } : {}),
  };
  const chosen = options.tools?.split(',');
  return Object.fromEntries(Object.entries(tools).filter(([name]) => chosen?.includes(name) ?? true));
}

function ours(model, out, { advanced_parameters: advanced, ...quantization }, name = 'ours') {
  const config = {
    model: join(data, model.file),
    data: { calibration: { arrays: `${out}/calibration.npy` } },
    quantization: {
      ...quantization,
      // All samples, as the peers take them.
      subset_size: 1_000_000,
      ...(model.transformer ? { model_type: 'transformer' } : {}),
      advanced_parameters: { ...advanced, backend_params: { threads } },
    },
  };
  const task = { config, output: `${out}/${name}.onnx`, cache: false };
  return execute(process.execPath, [runner], task, `${out}/${name}`, threads);
}
