import { readText } from '@quantsmith/model/files';
import { largest } from '@quantsmith/schemas';
import { randomUUID } from 'node:crypto';
import { chmod, link, lstat, mkdir, readdir, rm, rmdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRunning, thisProcess, type Owner } from './owner.js';

/** A folder that belongs to this process until it is released. */
export interface Lock {
  readonly folder: string;
  /** Removes the folder with what is in it; with `keep` what others than owners have put there stays. */
  readonly release: (keep?: boolean) => Promise<void>;
}

/** What came of asking for a folder. */
export type Entered =
  | { readonly state: 'taken'; readonly lock: Lock }
  | { readonly state: 'busy'; readonly owner: Owner }
  /** `not-a-folder`: something else has its name; `contended`: others came first again and again. */
  | { readonly state: 'not-a-folder' | 'contended' };

export interface LockOptions {
  /**
   * Whether processes of all users may take the folder: they can write into it, and nothing is removed from it but what owners have
   * left, since somebody else may have put a link in its place.
   */
  readonly shared: boolean;
}

/** An owner on another machine, of which nothing was seen for so long, has died. */
const FOREIGN_STALE_MS = 15 * 60_000;
/** How often an owner shows that it lives. */
const SIGN_MS = 30_000;
const OWNER_FILE = /^owner\.(\d+)\.json$/;
/** What owners leave: the file, and a draft of it where one was killed before it was in place. */
const OWNERS_OWN = /^owner\.\d+\.json(\.[0-9a-f-]{36})?$/;
const MAX_ATTEMPTS = 20;
const MAX_OWNER_BYTES = 64 * 1024;

/**
 * Takes a folder: it holds `owner.<n>.json`, and the highest number counts. Whoever finds a dead owner `n` links
 * `owner.<n+1>.json` into place, which only one can; a link is whole as soon as it is there, so that a kill at any moment
 * leaves a folder that the next process understands. Throws what the file system says where it refuses.
 */
export async function enterFolder(folder: string, options: LockOptions): Promise<Entered> {
  const self = thisProcess();
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    await makeFolder(folder, options);
    const kind = await kindOf(folder);
    if (kind === 'other') return { state: 'not-a-folder' };
    // Whoever had it has just removed it.
    if (kind === 'missing') continue;
    const owners = await ownersOf(folder);
    const running = owners.find((owner) => owner.runs);
    if (running !== undefined) return { state: 'busy', owner: running.owner };
    const number = Math.max(-1, largest(owners.map((owner) => owner.number))) + 1;
    const file = join(folder, `owner.${number}.json`);
    const isMade = await linkNew(file, JSON.stringify(self), options).catch(async (error: unknown) => {
      // The disk may be full: the folder that was made for it goes, unless another process has entered it.
      await rmdir(folder).catch(() => undefined);
      throw error;
    });
    if (!isMade) continue;
    // Another process may have taken, and left, the folder since it was looked at: only one of two may stay.
    const other = (await ownersOf(folder)).find((owner) => owner.number !== number && owner.runs);
    if (other === undefined) return { state: 'taken', lock: heldLock(folder, file, options) };
    await rm(file, { force: true });

    return { state: 'busy', owner: other.owner };
  }

  return { state: 'contended' };
}

async function makeFolder(folder: string, { shared }: LockOptions): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    ignore('EEXIST')(error);
    return;
  }

  // Somebody who has just left may have removed it.
  if (shared) await chmod(folder, 0o777).catch(ignore('ENOENT'));
}

/** Whether a run has the staging folder now; null: there is none. */
export async function lockOwner(folder: string): Promise<Owner | 'nobody' | null> {
  if ((await kindOf(folder)) !== 'folder') return null;
  return (await ownersOf(folder)).find((owner) => owner.runs)?.owner ?? 'nobody';
}

/** What is in the folder is removed in the end: a link to another one does not count. */
async function kindOf(path: string): Promise<'folder' | 'other' | 'missing'> {
  const info = await lstat(path).catch(() => null);
  if (info === null) return 'missing';
  return info.isDirectory() ? 'folder' : 'other';
}

function heldLock(folder: string, file: string, { shared }: LockOptions): Lock {
  const sign = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => undefined);
  }, SIGN_MS);

  sign.unref();
  return {
    folder,
    async release(keep = false) {
      clearInterval(sign);
      const names = keep ? [] : await readdir(folder).catch(() => []);
      const others = names.filter(
        (name) => join(folder, name) !== file && (!shared || OWNERS_OWN.test(name)),
      );
      await Promise.all(others.map((name) => rm(join(folder, name), { recursive: !shared, force: true })));
      await rm(file, { force: true });
      // Another run may have entered meanwhile: then the folder is its own.
      await rmdir(folder).catch(() => undefined);
    },
  };
}

interface FoundOwner {
  readonly number: number;
  readonly owner: Owner;
  readonly runs: boolean;
}

async function ownersOf(folder: string): Promise<FoundOwner[]> {
  const names = await readdir(folder).catch(() => []);
  const owners = await Promise.all(
    names.map(async (name): Promise<FoundOwner[]> => {
      const number = OWNER_FILE.exec(name)?.[1];
      if (number === undefined) return [];
      const file = join(folder, name);
      const owner = await readOwner(file);
      if (owner === null) {
        // Another user may keep to himself who he is.
        const runs = (await isForeign(file)) && (await wasSeen(file));
        return [{ number: Number(number), owner: thisProcess(), runs }];
      }

      return [{ number: Number(number), owner, runs: isRunning(owner) ?? (await wasSeen(file)) }];
    }),
  );

  return owners.flat();
}

async function readOwner(file: string): Promise<Owner | null> {
  try {
    const value = JSON.parse(await readText(file, MAX_OWNER_BYTES)) as Partial<Owner>;
    return typeof value.pid === 'number' && typeof value.host === 'string'
      ? { namespace: '', begun: '', since: '', ...value, pid: value.pid, host: value.host }
      : null;
  } catch {
    return null;
  }
}

async function isForeign(file: string): Promise<boolean> {
  const info = await stat(file).catch(() => null);
  return info !== null && process.getuid !== undefined && info.uid !== process.getuid();
}

async function wasSeen(file: string): Promise<boolean> {
  const info = await stat(file).catch(() => null);
  return info !== null && Date.now() - info.mtimeMs < FOREIGN_STALE_MS;
}

/** Makes a file that is whole from the first moment; false: there is one already, or its folder is gone. */
async function linkNew(file: string, text: string, { shared }: LockOptions): Promise<boolean> {
  const draft = `${file}.${randomUUID()}`;
  // Never through a link that somebody else has put there; readable for all users who may wait for it.
  const options = { flag: 'wx', ...(shared ? { mode: 0o644 } : {}) };
  try {
    await writeFile(draft, text, options);
    await link(draft, file);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'EEXIST' || code === 'ENOENT') return false;
    // Some file systems know no links: a new file must do.
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'ENOSYS')
      return await writeFile(file, text, options).then(
        () => true,
        () => false,
      );
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

const ignore = (code: string) => (error: unknown) => {
  if (!(error instanceof Error && 'code' in error && error.code === code)) throw error;
};
