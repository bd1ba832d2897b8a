// What workers over Redis are worth: real runs with one process and with 1, 2 and 4 workers of one thread, whether they make the same
// model and report, what the queue takes for a job; a simulation with these figures, held to the real runs, and carried on to more workers.
//
//   node bench/scale.mjs [--data ../shared/data] [--models mobilenetv2,vit] [--samples N] [--workers 1,2,4] [--json FILE]
//
// Needs the built programs (npm run build) and Debian's Redis (node test/installPrograms.mjs).
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { freePort, spawnRedis } from '../test/kit/redis.mjs';
import { curve } from './scale/curve.mjs';
import { runOf, costsOf, simulate } from './scale/simulate.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    data: { type: 'string', default: join(root, '../shared/data') },
    models: { type: 'string', default: 'mobilenetv2,vit' },
    samples: { type: 'string' },
    workers: { type: 'string', default: '1,2,4' },
    json: { type: 'string' },
  },
});
const data = resolve(values.data);
const { openDispatch, workOnQueue } = createRequire(import.meta.url)(join(root, 'dist/scale.cjs'));
const CORES = cpus().length;

const imagenet = {
  resize: 256,
  center_crop: 224,
  color: 'rgb',
  scale: 255,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  layout: 'nchw',
};
const cifar = {
  ...{ scale: 255, mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201], layout: 'nchw' },
};
/** Validation samples, where none are stated: enough for several units, and for a bench of some minutes. */
const SAMPLES = { mobilenetv2: 128, vit: 256 };
const samplesOf = (model) => Number(values.samples ?? SAMPLES[model]);
const SUBJECTS = {
  mobilenetv2: {
    model: join(data, 'models/imagenet/mobilenetv2.onnx'),
    data: {
      calibration: { images: join(data, 'datasets/imagenet/calibration'), preprocess: imagenet, limit: 10 },
      validation: {
        images: join(data, 'datasets/imagenet/validation'),
        labels: join(data, 'datasets/imagenet/validation/labels.csv'),
        preprocess: imagenet,
        limit: samplesOf('mobilenetv2'),
      },
    },
    // Weights of few bits with one scale lose many answers: there is something to restore.
    quantization: {
      defaults: 'nncf',
      advanced_parameters: {
        weights_quantization_params: { num_bits: 6, per_channel: false },
        backend_params: { threads: 1 },
      },
    },
    accuracy_control: { metric: 'top1', max_drop: 0.03 },
  },
  vit: {
    model: join(data, 'models/cifar10/vit_ibp_3_3_8.onnx'),
    data: {
      calibration: {
        arrays: join(data, 'datasets/cifar10/calibration_x.npy'),
        preprocess: cifar,
        limit: 100,
      },
      validation: {
        arrays: join(data, 'datasets/cifar10/validation_x.npy'),
        labels: join(data, 'datasets/cifar10/validation_y.npy'),
        preprocess: cifar,
        limit: samplesOf('vit'),
      },
    },
    quantization: {
      defaults: 'nncf',
      advanced_parameters: {
        weights_quantization_params: { num_bits: 3, per_channel: false },
        backend_params: { threads: 1 },
      },
    },
    accuracy_control: { metric: 'top1', max_drop: 0.005 },
  },
};

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-scale-bench-'));
const port = await freePort();
const place = {
  name: 'redis',
  options: { host: '127.0.0.1', port, db: 0, maxRetriesPerRequest: null, retryStrategy: () => 200 },
};
const redis = spawnRedis(port, folder);
const children = new Set([redis]);
const figures = { cores: CORES, load: loadavg()[0], perJob: 0, models: [] };
try {
  figures.perJob = await jobOverhead();
  console.log(
    `the queue takes ${(1000 * figures.perJob).toFixed(2)} ms for a job; ${CORES} cores, load ${figures.load.toFixed(1)} at the beginning`,
  );
  for (const model of values.models.split(',')) figures.models.push(await measured(model));
  const mobilenet = figures.models.find(({ model }) => model === 'mobilenetv2');
  if (mobilenet !== undefined) {
    console.log('simulated with these costs, whole runs with 25 states searched, a core for each worker:');
    for (const line of curve(figures.perJob, mobilenet.costs)) console.log(`  ${line}`);
  }
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}

if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);

/** The runs of one model, and what the simulator says of them and of more workers. */
async function measured(model) {
  const subject = { model, samples: samplesOf(model), runs: [] };
  console.log(`${model}, ${subject.samples} samples`);
  const alone = await timedRun(model, 'alone', 0);
  report(subject, alone, alone);
  let traced = null;
  for (const count of values.workers.split(',').map(Number)) {
    const run = await timedRun(model, `with-${count}`, count);
    traced ??= runOf(run.trace, run.seconds);
    subject.costs ??= {
      ...costsOf(run.trace),
      ...{ head: traced.head, tail: traced.tail, pack: median(traced.waves.slice(1).map(({ gap }) => gap)) },
    };
    run.simulated = simulate(traced, { workers: count, perJob: figures.perJob, cores: CORES });
    report(subject, run, alone);
  }

  subject.simulated = Object.fromEntries(
    [1, 2, 8, 64, 512].map((workers) => [workers, simulate(traced, { workers, perJob: figures.perJob })]),
  );
  const { perSample, load, pack, head, tail } = subject.costs;
  console.log(
    `  measured: ${(1000 * perSample).toFixed(1)} ms for a sample, ${(1000 * load).toFixed(0)} ms for loading a model, ${(1000 * pack).toFixed(0)} ms between measurements, ${head.toFixed(1)} s before the first and ${tail.toFixed(1)} s after the last`,
  );
  for (const [workers, seconds] of Object.entries(subject.simulated))
    console.log(
      `  simulated, ${workers} workers with a core each: ${seconds.toFixed(1)} s, ${(subject.simulated[1] / seconds).toFixed(2)} times as fast as one`,
    );

  return { ...subject, waves: traced.waves.map(({ gap, units }) => ({ gap, units: units.length })) };
}

/** Seconds that an empty job takes, one after the other, from the offer to the answer. */
async function jobOverhead() {
  const processor = { protocol: 0, tool: 'bench', runtime: '', arch: '', isa: [], threads: 1 };
  const tested = { processor, canary: { sha256: '', values: [] } };
  const ending = new AbortController();
  const worker = workOnQueue(place, {
    tested,
    modules: false,
    compute: () => Promise.resolve(0),
    note: () => undefined,
    signal: ending.signal,
  });
  const dispatch = openDispatch(place, { note: console.error });
  dispatch.announce(tested);
  const offer = (i) => dispatch.offer({ key: `${i}`.padStart(64, 'a'), unit: {}, processor, modules: false });
  for (let i = 0; i < 20; i++) await offer(i);
  const begun = performance.now();
  for (let i = 20; i < 220; i++) await offer(i);
  const seconds = (performance.now() - begun) / 1000 / 200;
  await dispatch.close();
  ending.abort();
  await worker;
  return seconds;
}

async function timedRun(model, name, count) {
  const store = join(folder, model, name);
  const output = join(folder, model, `${name}.onnx`);
  mkdirSync(store, { recursive: true });
  const workers = Array.from({ length: count }, () =>
    keep(
      spawn(
        process.execPath,
        [join(root, 'dist/cli.cjs'), 'worker', '--redis', `redis://127.0.0.1:${port}`, '--store', store],
        { stdio: ['ignore', 'ignore', 'pipe'] },
      ),
    ),
  );
  for (const { stderr } of workers) await waitFor(stderr, 'Waiting for work');
  const dispatch = openDispatch(place, { note: console.error });
  const engine = keep(
    fork(join(root, 'dist/engine.cjs'), [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    }),
  );
  const trace = [];
  const begun = performance.now();
  const since = () => (performance.now() - begun) / 1000;
  let problem = null;
  engine.on('message', (event) => {
    if (event.type === 'failed') problem = event.problem;
    if (event.type === 'processor') dispatch.announce(event.tested);
    if (event.type !== 'unit') return;
    const { key, unit } = event.offered;
    const entry = { key, model: unit.model, samples: unit.samples.length, offered: since() };
    trace.push(entry);
    void dispatch.offer(event.offered).then((outcome) => {
      Object.assign(entry, { done: since(), outcome });
      engine.send({ kind: 'outcome', key, outcome });
    });
  });
  engine.send({
    ...{
      kind: 'run',
      config: SUBJECTS[model],
      configPath: join(folder, 'bench.quant.json'),
      configSha256: '',
      output,
    },
    ...{ allowModules: false, cache: false },
    ...(count === 0 ? {} : { work: { store, role: 'offer' } }),
  });
  await once(engine, 'exit');
  const seconds = since();
  if (problem !== null) throw new Error(problem.message);
  await dispatch.close();
  for (const worker of workers) worker.kill('SIGTERM');
  await Promise.all(workers.map((worker) => worker.exitCode ?? once(worker, 'exit')));
  const made = JSON.parse(readFileSync(`${output}.report.json`, 'utf8'));
  const { restoration, timings_ms: timings } = made;
  // What a unit took: of one worker, since the one before was done; the queue's part is known.
  let before = 0;
  for (const entry of [...trace].sort((a, b) => a.done - b.done)) {
    entry.seconds = Math.max(0, entry.done - Math.max(before, entry.offered) - figures.perJob);
    before = entry.done;
  }

  return {
    name,
    seconds,
    timings,
    trace,
    reverted: restoration?.reverted.length ?? 0,
    model: readFileSync(output).toString('base64'),
    report: timeless(made),
  };
}

function median(list) {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
}

/** A report as text, without times, what depends on them, and where its files lie; as test/kit/timeless.ts has it. */
function timeless(made) {
  const times = new Set([
    ...['created', 'timings_ms', 'latency_ms', 'peak_rss_bytes', 'seconds', 'cached', 'predicted'],
    ...['path', 'warnings'],
  ]);
  return JSON.stringify(made, (key, part) => (times.has(key) ? undefined : part));
}

function report(subject, run, alone) {
  const same = run.model === alone.model;
  const sameReport = run.report === alone.report;
  const work = (timings) => (timings.validate + timings.rank + timings.restore) / 1000;
  const entry = {
    name: run.name,
    seconds: run.seconds,
    measuring: work(run.timings),
    speedup: alone.seconds / run.seconds,
    measuringSpeedup: work(alone.timings) / work(run.timings),
    units: run.trace.length,
    here: run.trace.filter(({ outcome }) => outcome === 'here').length,
    same,
    sameReport,
    reverted: run.reverted,
    simulated: run.simulated ?? null,
  };
  subject.runs.push(entry);
  console.log(
    `  ${run.name}: ${run.seconds.toFixed(1)} s (${entry.speedup.toFixed(2)} times as fast as alone; measuring ${entry.measuring.toFixed(1)} s, ${entry.measuringSpeedup.toFixed(2)} times), ${entry.units} units, ${entry.here} of them here, ${run.reverted} operators in float, ${same ? 'the same bytes' : 'OTHER BYTES'}, ${sameReport ? 'the same report' : 'ANOTHER REPORT'}${run.simulated === undefined ? '' : `; simulated ${run.simulated.toFixed(1)} s`}`,
  );
}

function keep(child) {
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

function waitFor(stream, text) {
  return new Promise((resolve) => {
    let seen = '';
    stream.on('data', (chunk) => {
      seen += chunk;
      if (seen.includes(text)) resolve();
    });
  });
}
