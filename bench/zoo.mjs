// init → run → self-check over real models by family, beside NNCF and ONNX Runtime's quantizer on the same samples. Prints a table
// and writes bench/results/zoo.json.
//
//   npm run bench:zoo -- [--models a,b] [--data FOLDER] [--calibration 32] [--validation 60] [--labelled 500] [--threads 2]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parse, stringify } from 'yaml';
import { execute } from './peers/execute.mjs';
import { peersPython } from './peers/venv.mjs';
import { zoo } from './zoo/models.mjs';
import { placeModel } from './zoo/place.mjs';
import { zooTable } from './zoo/table.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({
  options: {
    models: { type: 'string' },
    data: { type: 'string', default: join(root, '../shared/data') },
    calibration: { type: 'string', default: '32' },
    validation: { type: 'string', default: '60' },
    labelled: { type: 'string', default: '500' },
    threads: { type: 'string', default: String(Math.min(4, availableParallelism())) },
  },
});
const data = resolve(options.data);
const threads = Number(options.threads);
const work = `${root}.tools/zoo`;
const python = peersPython();
const cli = `${root}dist/cli.cjs`;
mkdirSync(work, { recursive: true });

const wanted = options.models?.split(',') ?? zoo.map(({ name }) => name);
const results = [];
for (const model of zoo.filter(({ name }) => wanted.includes(name))) {
  const result = one(model);
  results.push(result);
  console.error(JSON.stringify(result));
}

console.log(zooTable(results));
mkdirSync(`${root}bench/results`, { recursive: true });
writeFileSync(`${root}bench/results/zoo.json`, `${JSON.stringify({ threads, results }, null, 2)}\n`);

function one(model) {
  const { name, family, refused, transformer = false } = model;
  const out = `${work}/${name}`;
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const file = `${out}/model.onnx`;
  placeModel(model, file, { data, work, python });
  const init = quantsmith('init', file);
  if (refused !== undefined)
    return { name, family, refused: codeOf(quantsmith('check', initPath(out))), wanted: refused };

  const script = (script, task, base) =>
    execute(python, [`${root}bench/zoo/${script}.py`], task, `${out}/${base}`, threads);
  const samples = script(
    'samples',
    {
      ...{ data: model.data, root: data, out, model: file },
      ...{
        calibration: Number(options.calibration),
        validation: Number(model.data.labels ? options.labelled : options.validation),
      },
    },
    'samples',
  );
  if (samples.failed !== undefined) return { name, family, failed: samples.failed };

  const configPath = `${out}/model.onnx.quant.yaml`;
  const config = init.status === 0 ? parse(readFileSync(initPath(out), 'utf8')) : {};
  writeFileSync(
    configPath,
    stringify({
      ...{ model: 'model.onnx', output: 'ours.onnx', data: { calibration: { tensors: 'samples' } } },
      quantization: {
        ...config.quantization,
        ...(transformer ? { model_type: 'transformer' } : {}),
        advanced_parameters: { backend_params: { threads } },
      },
    }),
  );
  const begun = performance.now();
  const run = quantsmith('run', configPath, '--no-cache');
  const seconds = (performance.now() - begun) / 1000;
  if (run.status !== 0) return { name, family, failed: codeOf(run) ?? run.stderr.slice(-300) };
  const report = JSON.parse(readFileSync(`${out}/ours.onnx.report.json`, 'utf8'));
  const models = { float: file, ours: `${out}/ours.onnx` };
  const peers = {};
  for (const tool of ['nncf', 'ort']) {
    const output = `${out}/${tool}.onnx`;
    const task = { tool, model: file, calibration: `${out}/calibration.npz`, output, threads, transformer };
    peers[tool] = script('peer', task, tool);
    if (peers[tool].failed === undefined) models[tool] = output;
  }

  const labels = existsSync(`${out}/labels.npy`) ? `${out}/labels.npy` : null;
  const compare = (given) =>
    script('compare', { models: given, validation: `${out}/validation.npz`, labels, threads }, 'compare');
  let compared = compare(models);
  // A peer's file that does not run ends the comparison: without it then.
  for (const tool of ['nncf', 'ort']) {
    if (compared.failed === undefined || models[tool] === undefined) continue;
    const again = compare(Object.fromEntries(Object.entries(models).filter(([name]) => name !== tool)));
    if (again.failed === undefined) {
      peers[tool] = { failed: `does not run: ${compared.failed}` };
      compared = again;
    }
  }

  return {
    ...{ name, family, samples, seconds, init: init.status === 0, peers, compared },
    verified: report.verified.passed,
    warnings: report.warnings.filter(({ severity }) => severity !== 'info').map(({ code }) => code),
  };
}

/** The config that `init` has written. */
function initPath(folder) {
  return join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.quant.yaml')),
  );
}

function quantsmith(...args) {
  return spawnSync(process.execPath, [cli, ...args], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
}

function codeOf({ stdout, stderr }) {
  return /error: .*\[([a-z-]+)\]/.exec(stdout + stderr)?.[1] ?? null;
}
