import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isImagePath } from '@quantsmith/schemas';
import { listFiles } from '../../engine/src/data/listFiles.js';
import { latestChange, listImages as imagesOfEditor } from '../../server/src/sources/folders.js';

const imagesOfRun = (root: string) => listFiles(root, isImagePath);

// Some folders of /proc open, and refuse to be read afterwards; so may one on a network. Found by a check of `images: /proc`.

const { opendir } = promises;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quantsmith-unreadable-'));
  for (const name of ['a', 'locked']) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, '1.png'), '');
  }

  promises.opendir = (async (path: string, options?: object) => {
    const opened = await opendir(path, options);
    if (basename(path) !== 'locked') return opened;
    await opened.close();
    return refusing();
  }) as typeof opendir;
  syncBuiltinESMExports();
});
afterEach(() => {
  promises.opendir = opendir;
  syncBuiltinESMExports();
  rmSync(folder, { recursive: true, force: true });
});

// eslint-disable-next-line require-yield -- It refuses the first entry already.
async function* refusing(): AsyncGenerator<never> {
  await Promise.resolve();
  throw Object.assign(new Error('EACCES: permission denied, readdir'), { code: 'EACCES' });
}

it('a folder that opens and cannot be read is passed over, as one that does not open', async () => {
  expect(await imagesOfRun(folder)).toEqual([join(folder, 'a/1.png')]);
  const { signal } = new AbortController();
  expect(await imagesOfEditor(folder, signal)).toMatchObject({ count: 1 });
  expect(await latestChange(folder, signal)).toBeGreaterThan(0);
  await expect(imagesOfRun(join(folder, 'locked'))).rejects.toThrow('EACCES');
});

it.skipIf(process.platform !== 'linux')(
  'there are no images in /proc and /sys, however they are reached',
  async () => {
    symlinkSync('/proc', join(folder, 'a/proc'));
    symlinkSync('/sys', join(folder, 'a/sys'));
    expect(await imagesOfRun(join(folder, 'a'))).toEqual([join(folder, 'a/1.png')]);
    const { signal } = new AbortController();
    for (const path of ['/proc', '/sys'])
      expect(await imagesOfEditor(path, signal)).toEqual({ count: 0, names: [] });
  },
);
