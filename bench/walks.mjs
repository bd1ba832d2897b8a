// A new user's walk with each kind of model: what `init` guesses of m.onnx and the data beside it, whether `check` agrees, and with
// --run what comes of it. Needs a build, PYTHON, DATA and WHEELS (bench/walks.py says of what). Prints a row for each; everything
// is in FOLDER afterwards.
//
//   PYTHON=python DATA=../shared/data WHEELS=wheels node bench/walks.mjs FOLDER [--only NAME,NAME] [--seconds 60] [--run]
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    run: { type: 'boolean', default: false },
  },
});
const root = resolve(positionals[0] ?? '.tools/bench/walks');
const cli = resolve('dist/cli.cjs');
const { PYTHON = 'python3', DATA = '../../shared/data', WHEELS = '.' } = process.env;
if (!existsSync(root)) {
  const made = spawnSync(PYTHON, ['bench/walks.py', DATA, WHEELS, root], { stdio: 'inherit' });
  if (made.status !== 0) process.exit(1);
}

const wanted = options.only?.split(',');
for (const name of readdirSync(root).filter((entry) => !entry.startsWith('.'))) {
  if (wanted !== undefined && !wanted.includes(name)) continue;
  const quantsmith = (...args) =>
    spawnSync(process.execPath, [cli, ...args], { cwd: join(root, name), encoding: 'utf8' });
  const start = performance.now();
  const init = quantsmith('init', 'm.onnx', '--force', '--seconds', options.seconds);
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  const config = join(root, name, 'm.quant.yaml');
  const lines = existsSync(config) ? readFileSync(config, 'utf8').split('\n') : [];
  const settings = lines.filter((line) => line.trim() !== '' && !line.trim().startsWith('#')).length;
  console.log(`\n## ${name}: init ${init.status}, ${seconds} s, ${settings} lines of settings`);
  console.log(`${init.stdout}${init.stderr}`.trim());
  const check = quantsmith('check', 'm.quant.yaml');
  console.log(`check ${check.status}: ${check.stdout}${check.stderr}`.trim());
  if (!options.run) continue;
  const run = quantsmith('run', 'm.quant.yaml', '--force');
  console.log(`run ${run.status}: ${run.stdout}`.trim());
}
