// Kills workers, Redis and the run itself at random while two workers measure for a run, and holds what comes out of it to what one
// process makes: the same model, the same report but for times, nothing left over.
//
//   node test/soak/scale.mjs [--rounds 50] [--seed 1] [--first 0]
//
// Needs the built programs (npm run build) and Debian's Redis (node test/installPrograms.mjs). `--first`: the round to begin with.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { freePort, spawnRedis } from '../kit/redis.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cli = join(root, 'dist/cli.cjs');
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
  },
});
const VICTIMS = ['worker', 'redis', 'run'];
/** A run that nobody disturbs takes about so long here; kills fall into this time. */
const SPAN_MS = 5000;
/** Redis forgets a worker without a sign of life after WORKER_SECONDS (12, in scale/src/names.ts). */
const EXPIRED_WITHIN_MS = 16_000;

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-scale-soak-'));
cpSync(join(root, 'examples/digits'), folder, {
  recursive: true,
  filter: (path) => !/int8\.onnx/.test(path),
});
const config = join(folder, 'digits.quant.yaml');
const text = readFileSync(config, 'utf8');
writeFileSync(
  config,
  text.replace('overflow_fix: disable', 'overflow_fix: disable\n    backend_params: {threads: 1}'),
);
const output = join(folder, 'digits.int8.onnx');
const port = await freePort();
const env = {
  ...process.env,
  QUANTSMITH_REDIS: `redis://127.0.0.1:${port}`,
  QUANTSMITH_CACHE: join(folder, 'cache'),
};
const alive = new Set();

const failures = [];
try {
  start(['run', config, '--no-cache']);
  await once([...alive][0], 'exit');
  const expected = made();
  for (let round = Number(values.first); round < Number(values.rounds); round++) {
    const random = generator(Number(values.seed) * 1000 + round);
    const victim = VICTIMS[Math.floor(random() * VICTIMS.length)];
    const at = Math.floor(random() * SPAN_MS);
    const begun = Date.now();
    const wrong = await playRound(victim, at, expected, round);
    console.log(
      `${round}: ${victim} killed after ${at} ms: ${wrong === '' ? 'same' : wrong} (${((Date.now() - begun) / 1000).toFixed(1)} s)`,
    );
    if (wrong !== '') failures.push(round);
  }
} finally {
  for (const child of alive) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}

console.log(
  failures.length === 0 ? 'All rounds came to the same.' : `Rounds that did not: ${failures.join(', ')}`,
);
process.exit(failures.length === 0 ? 0 : 1);

/** One run with two workers, one of which, or something else, is killed and started again. Returns what is wrong. */
async function playRound(victim, at, expected, round) {
  const store = join(folder, `store-${round}`);
  for (const name of ['digits.int8.onnx', 'digits.int8.onnx.report.json', '.quantsmith'])
    rmSync(join(folder, name), { recursive: true, force: true });
  let redis = startRedis();
  const workers = [0, 1].map(() => start(['worker', '--store', store]));
  const run = (...more) => start(['run', config, '--no-cache', '--redis', '--store', store, ...more]);
  let driver = run();
  await Promise.race([new Promise((resolve) => setTimeout(resolve, at)), once(driver, 'exit')]);
  if (victim === 'worker') {
    workers[0].kill('SIGKILL');
    workers.push(start(['worker', '--store', store]));
  } else if (victim === 'redis') {
    redis.kill('SIGKILL');
    await once(redis, 'exit');
    redis = startRedis();
  } else if (driver.exitCode === null) {
    driver.kill('SIGKILL');
    await once(driver, 'exit');
    driver = run('--resume');
  }

  const code = driver.exitCode ?? (await once(driver, 'exit'))[0];
  for (const worker of workers) worker.kill('SIGTERM');
  await Promise.all(workers.map((worker) => worker.exitCode ?? worker.signalCode ?? once(worker, 'exit')));
  const left = await leftOver(store);
  redis.kill('SIGKILL');
  await once(redis, 'exit');
  if (code !== 0) return `exit code ${code}`;
  const found = made();
  if (found.model !== expected.model) return 'another model';
  if (found.report !== expected.report) return 'another report';

  return left.length === 0 ? '' : `left over: ${left.join(', ')}`;
}

/** The model, and the report without times and what follows from them. */
function made() {
  const times = new Set(['created', 'timings_ms', 'latency_ms', 'peak_rss_bytes', 'seconds', 'warnings']);
  const report = JSON.parse(readFileSync(`${output}.report.json`, 'utf8'));
  return {
    model: readFileSync(output).toString('base64'),
    report: JSON.stringify(report, (key, value) => (times.has(key) ? undefined : value)),
  };
}

/** What is left once the signs of life of a worker that was killed have expired, and its engine has seen that it is gone. */
async function leftOver(store) {
  const end = Date.now() + EXPIRED_WITHIN_MS;
  for (;;) {
    const left = leftNow(store);
    if (left.length === 0 || Date.now() > end) return left;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** Files half-written, jobs and signs of life in Redis, engines that outlived their run. */
function leftNow(store) {
  const staged = readdirSync(join(store, 'staging'));
  const beside = readdirSync(folder).filter((name) => /\.restore\.jsonl$|\.tmp$/.test(name));
  const { stdout } = spawnSync('redis-cli', ['-p', String(port), '--scan'], { encoding: 'utf8' });
  const keys = stdout.split('\n').filter((key) => /quantsmith:|:[0-9a-f]{64}$/.test(key));
  const { stdout: processes } = spawnSync('ps', ['-eo', 'ppid,args'], { encoding: 'utf8' });
  const orphans = processes
    .split('\n')
    .filter((line) => /^ *1 /.test(line) && line.includes(join(root, 'dist/engine.cjs')));

  return [...staged, ...beside, ...keys, ...orphans];
}

function start(args) {
  return keep(spawn(process.execPath, [cli, ...args], { env, stdio: 'ignore' }));
}

function startRedis() {
  return keep(spawnRedis(port, folder));
}

function keep(child) {
  alive.add(child);
  child.once('exit', () => alive.delete(child));
  return child;
}

/** Numbers in [0, 1) that are the same for the same seed. Source: Mulberry32. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
