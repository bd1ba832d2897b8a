// Reads the structure of a model of 500 MB whose weights are raw data in the file, each time in a process of its own: how
// long it takes, and how much memory beside what the process had before.
//
//   npm run bench:structure -- [megabytes]
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';
import { spread } from './lsp/client.mjs';
import { large } from './modelView/models.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const RUNS = 9;
const LIMITS = { ms: 200, megabytes: 50 };
const megabytes = Number(process.argv[2] ?? 500);
const folder = `${root}.tools/bench/structure`;
mkdirSync(folder, { recursive: true });
const path = `${folder}/model.onnx`;
try {
  large(path, megabytes);
  const script = await bundle('bench/structure/inspect.ts');
  const runs = Array.from({ length: RUNS }, () => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [script, path], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout);
  });
  const time = spread(runs.map(({ ms }) => ms));
  const memory = spread(runs.map((run) => run.megabytes));
  console.log(
    `${runs[0].nodes} nodes, ${megabytes} MB: ${time.median.toFixed(0)} ms (95th percentile ${time.p95.toFixed(0)}), ${memory.median.toFixed(0)} MB more memory (${memory.p95.toFixed(0)})`,
  );
  mkdirSync(`${root}bench/results`, { recursive: true });
  writeFileSync(`${root}bench/results/structure.json`, `${JSON.stringify({ time, memory }, null, 2)}\n`);
  if (time.median > LIMITS.ms || memory.median > LIMITS.megabytes) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
