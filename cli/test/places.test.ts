import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { builtCli } from '../../test/kit/builtCli.js';
import { copyDigits } from '../../test/kit/digits.js';

const cli = builtCli();
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quantsmith-places-'));
  copyDigits(folder);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = (env: NodeJS.ProcessEnv = {}, ...options: string[]) =>
  spawnSync(process.execPath, [cli, 'run', 'digits-default.quant.yaml', ...options], {
    cwd: folder,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });

describe('files that cannot be read or written end with 4', () => {
  it('a model that breaks off', () => {
    truncateSync(join(folder, 'digits.onnx'), 3000);
    const { status, stderr } = run();
    expect(stderr).toMatch(/digits\.onnx is truncated or damaged at byte \d+.*\[model-unreadable\]/);
    expect(status).toBe(4);
  });

  it('a folder for temporary files that is not there', () => {
    const { status, stderr } = run({ TMPDIR: join(folder, 'none') });
    expect(stderr).toMatch(/none, cannot be used: ENOENT.*TMPDIR.*\[scratch-failed\]/);
    expect(status).toBe(4);
  });

  it('a name that is too long', () => {
    const { status, stderr } = run({}, '--output', `${'x'.repeat(245)}.onnx`);
    expect(stderr).toMatch(/name of 250 bytes; at most 233.*\[output-unusable\]/);
    expect(status).toBe(4);
  });

  it('a file that is not ours, unless it is forced', () => {
    writeFileSync(join(folder, 'notes.txt'), 'notes');
    const { status, stderr } = run({}, '--output', 'notes.txt');
    expect(stderr).toMatch(/notes\.txt is a file that quantsmith did not write.*\[output-unusable\]/);
    expect(status).toBe(4);
    expect(run({}, '--output', 'notes.txt', '--force').status).toBe(0);
  });

  it('a log file that is something else: nothing is added to it', () => {
    for (const name of ['digits.onnx', 'notes.txt', 'digits-default.quant.yaml']) {
      const path = join(folder, name);
      if (name === 'notes.txt') writeFileSync(path, 'notes');
      const before = readFileSync(path);
      const { status, stderr } = run({}, '--log-file', name);
      expect(stderr).toMatch(/is not a log of quantsmith.*\[write-failed\]/);
      expect(status).toBe(4);
      expect(readFileSync(path).equals(before)).toBe(true);
    }
  });

  it.skipIf(process.platform !== 'linux')('a disk that is full, at the model', () => {
    const limited = spawnSync(
      'bash',
      ['-c', `ulimit -f 24; exec "$0" "$1" run digits-default.quant.yaml`, process.execPath, cli],
      { cwd: folder, encoding: 'utf8', env: { ...process.env, QUANTSMITH_CACHE: join(folder, 'cache') } },
    );
    expect(limited.stderr).toMatch(/\[(write-failed|scratch-failed)\]/);
    expect(limited.status).toBe(4);
  });
});
