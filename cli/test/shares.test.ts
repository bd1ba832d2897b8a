import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { builtCli, root } from '../../test/kit/builtCli.js';
import { copyDigits } from '../../test/kit/digits.js';

const cli = builtCli();
const folder = mkdtempSync(join(tmpdir(), 'quantsmith-shares-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const quantsmith = (...args: string[]) => {
  const { status, stderr } = spawnSync(process.execPath, [cli, ...args], { cwd: folder, encoding: 'utf8' });
  return { status, stderr };
};

/** Plays a task of SLURM's array, which runs the example's script. */
async function arrayTask(task: number, config: string): Promise<number | null> {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'quantsmith'), `#!/bin/sh\nexec "${process.execPath}" "${cli}" "$@"\n`, {
    mode: 0o755,
  });
  const env = {
    ...process.env,
    ...{
      PATH: `${bin}:${process.env['PATH'] ?? ''}`,
      SLURM_ARRAY_TASK_ID: String(task),
      SLURM_ARRAY_TASK_COUNT: '2',
    },
  };
  const child = spawn(join(root, 'examples/scale/slurm.sh'), [config, 'store'], {
    cwd: folder,
    env,
    stdio: 'ignore',
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
}

it('shares and their merge make the model of one process; what is missing is named, and wrong use refused', async () => {
  copyDigits(folder);
  const config = 'digits.quant.yaml';
  const store = ['--store', 'store'];
  const missing = quantsmith('merge', config, ...store);
  expect(missing).toMatchObject({ status: 4, stderr: expect.stringContaining('[shares-missing]') as string });
  expect(quantsmith('shard', '1/2', config, ...store)).toMatchObject({
    status: 0,
    stderr: expect.stringContaining('Share 1 of 2 is computed as far as the others are') as string,
  });
  const named = quantsmith('merge', config, ...store);
  expect(named.stderr).toContain('of share 2');
  expect(await Promise.all([arrayTask(1, config), arrayTask(2, config)])).toEqual([0, 0]);
  expect(quantsmith('merge', config, ...store).status).toBe(0);
  expect(quantsmith('run', config, '--output', 'alone.onnx').status).toBe(0);
  const model = (name: string) => readFileSync(join(folder, name)).toString('base64');
  expect(model('digits.int8.onnx')).toBe(model('alone.onnx'));

  for (const args of [
    ['shard', '3/2', config, ...store],
    ['shard', 'one', config, ...store],
    ['merge', config],
  ])
    expect(quantsmith(...args).status).toBe(2);
});
