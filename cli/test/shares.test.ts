import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
  const child = spawn(join(root, 'examples/scale/slurm.sh'), [config, 'store', '60'], {
    cwd: folder,
    env,
    stdio: 'ignore',
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
}

it('shares of an array are merged to a model; what is missing is named, and wrong use refused', async () => {
  copyDigits(folder);
  const config = 'digits.quant.yaml';
  const store = ['--store', 'store'];
  expect(quantsmith('shard', '1/2', config, ...store)).toMatchObject({
    status: 0,
    stderr: expect.stringContaining('Share 1 of 2 has computed what it can') as string,
  });
  const missing = quantsmith('merge', config, ...store);
  expect(missing).toMatchObject({ status: 4, stderr: expect.stringContaining('of share 2') as string });
  expect(missing.stderr).toContain('[shares-missing]');
  expect(await Promise.all([arrayTask(1, config), arrayTask(2, config)])).toEqual([0, 0]);
  expect(quantsmith('merge', config, ...store).status).toBe(0);
  expect(existsSync(join(folder, 'digits.int8.onnx'))).toBe(true);

  for (const [args, reason] of [
    [['shard', '3/2', config, ...store], 'is not a share: write 1/8'],
    [['shard', '1/2000000', config, ...store], 'there may be at most 1000000 of them'],
    [['merge', config], '--store DIR'],
  ] as const) {
    const { status, stderr } = quantsmith(...args);
    expect([status, stderr]).toEqual([2, expect.stringContaining(reason)]);
  }

  expect(quantsmith('shard', '100000/100000', config, ...store).status).toBe(0);
});
