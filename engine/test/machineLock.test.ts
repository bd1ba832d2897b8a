import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Problem } from '@quantsmith/schemas';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { machineLock } from '../src/measure/machineLock.js';
import { enterFolder } from '../src/processes/lock.js';
import { thisProcess } from '../src/processes/owner.js';

let base = '';
let folder = '';
let waits: number[] = [];
let problems: Problem[] = [];
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'quantsmith-lock-'));
  folder = join(base, 'latency');
  waits = [];
  problems = [];
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const locked = (maxWaitMs = 60_000) =>
  machineLock({
    folder,
    maxWaitMs,
    onWait: (owner) => waits.push(owner?.pid ?? 0),
    warn: (more) => problems.push(...more),
  });
const heldBy = (pid: number, number = 0) => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `owner.${number}.json`), JSON.stringify({ ...thisProcess(), pid, begun: '' }));
};

it('lets one measurement take place at a time, says who is waited for, and leaves nothing', async () => {
  let measuring = 0;
  const order: string[] = [];
  const measure = (name: string) => async () => {
    expect(++measuring).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    order.push(name);
    measuring--;

    return name;
  };

  const results = await Promise.all([locked()(measure('a')), locked()(measure('b')), locked()(measure('c'))]);
  expect(results).toEqual(['a', 'b', 'c']);
  expect(order).toHaveLength(3);
  expect(new Set(waits)).toEqual(new Set([process.pid]));
  expect(problems).toEqual([]);
  expect(existsSync(folder)).toBe(false);
});

it.each([true, false])(
  'is never taken for something else while others leave it (shared: %s)',
  async (shared) => {
    const states: string[] = [];
    const comeAndGo = async () => {
      for (let round = 0; round < 50; round++) {
        const entered = await enterFolder(folder, { shared });
        states.push(entered.state);
        if (entered.state === 'taken') await entered.lock.release();
      }
    };

    await Promise.all(Array.from({ length: 6 }, comeAndGo));
    expect(states).toContain('taken');
    expect(states).not.toContain('not-a-folder');
    expect(existsSync(folder)).toBe(false);
  },
);

it('takes over what a dead process has left', async () => {
  heldBy(2 ** 22 + 1);
  expect(await locked()(() => Promise.resolve(readdirSync(folder).sort()))).toEqual([
    'owner.0.json',
    'owner.1.json',
  ]);
  expect(waits).toEqual([]);
  expect(existsSync(folder)).toBe(false);
});

it('takes over what a process has left that was killed while it took the lock', async () => {
  heldBy(2 ** 22 + 1);
  writeFileSync(join(folder, 'owner.1.json.5f0c7a52-8f7e-4d3e-9a25-0f6b8f5f3c11'), '{"pid": 1');
  await locked()(() => Promise.resolve());
  expect(existsSync(folder)).toBe(false);
});

it('is open to all users, and removes nothing but what owners have left', async () => {
  heldBy(2 ** 22 + 1);
  writeFileSync(join(folder, 'notes.txt'), 'mine');
  await locked()(() => Promise.resolve());
  expect(readdirSync(folder)).toEqual(['notes.txt']);
  rmSync(folder, { recursive: true });
  const modes = await locked()(() =>
    Promise.resolve([statSync(folder).mode & 0o777, statSync(join(folder, 'owner.0.json')).mode & 0o777]),
  );
  expect(modes).toEqual([0o777, 0o644]);
});

it.each([
  ['somebody keeps the lock', () => heldBy(process.ppid), /process \d+ on .* keeps it/],
  ['something else lies there', () => writeFileSync(folder, ''), /is not a folder/],
  ['there is no place for it', () => (folder = join(base, 'none', 'latency')), /ENOENT/],
])('measures all the same where %s, and says so once', async (_, prepare, reason) => {
  prepare();
  const alone = locked(0);
  expect([await alone(() => Promise.resolve(1)), await alone(() => Promise.resolve(2))]).toEqual([1, 2]);
  expect(problems).toMatchObject([{ code: 'latency-not-alone', severity: 'info' }]);
  expect(problems[0]?.message).toMatch(reason);
});

it('gives the lock back where a measurement fails', async () => {
  await expect(locked()(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(existsSync(folder)).toBe(false);
});
