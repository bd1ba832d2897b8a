// Programs that read their task from a file and write their result to another.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Runs a program; files are called after `base`. The result, or `failed` with the reason. */
export function execute(command, args, task, base, threads) {
  const [taskPath, resultPath] = [`${base}.task.json`, `${base}.result.json`];
  writeFileSync(taskPath, JSON.stringify(task));
  const { status, stderr } = spawnSync(command, [...args, taskPath, resultPath], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, OMP_NUM_THREADS: String(threads), NNCF_TELEMETRY: '0' },
  });
  if (status === 0) return JSON.parse(readFileSync(resultPath, 'utf8'));
  const reason = stderr.trim().split('\n').at(-1) ?? '';
  return { failed: reason.slice(0, 300) };
}

/** Runs one of the Python scripts beside this file. */
export function script(python, name, task, base, threads) {
  const path = fileURLToPath(new URL(`${name}.py`, import.meta.url));
  return execute(python, [path], task, base, threads);
}

/** Decodes a model's samples into `out`, once. */
export function prepare(python, model, data, out, threads) {
  mkdirSync(out, { recursive: true });
  const path = `${out}/prepared.json`;
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8'));
  const prepared = script(python, 'prepare', { ...model, data, out }, `${out}/prepare`, threads);
  if (prepared.failed === undefined) writeFileSync(path, JSON.stringify(prepared));
  return prepared;
}
