import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { cacheCommand } from '../src/commands/cache.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'quantsmith-cache-'));
  vi.stubEnv('QUANTSMITH_CACHE', dir);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true, force: true });
});

it('counts and removes entries of the cache, and no other file', async () => {
  const print = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  writeFileSync(join(dir, `${'a'.repeat(64)}.json`), '12345');
  writeFileSync(join(dir, 'notes.txt'), 'mine');
  expect(await cacheCommand('info', { json: true })).toBe(0);
  expect(JSON.parse(String(print.mock.calls[0]![0]))).toMatchObject({ entries: 1, bytes: 5, folder: dir });
  expect(await cacheCommand('clean', {})).toBe(0);
  expect(readdirSync(dir)).toEqual(['notes.txt']);
  print.mockRestore();
});
