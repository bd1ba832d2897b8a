import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readBytes, readText, sha256, systemReason } from '@quantsmith/model/files';
import { canonicalJson, fail } from '@quantsmith/schemas';
import { isRunning, thisProcess, uniqueNamespace } from '../processes/owner.js';
import type { SampleState } from '../metrics/metric.js';
import type { Unit } from './unit.js';

/**
 * A folder that processes on several machines share. Everything in it lies under a hash of its content or of what it follows from,
 * appears whole, and is never changed: who writes it twice writes the same.
 */
export interface Store {
  readonly dir: string;
  /** Folder of the weights, one file each, named by its SHA-256. */
  readonly weightsDir: string;
  /** Keeps bytes under the SHA-256 of their content. */
  readonly keep: (kind: 'weights' | 'models', bytes: Uint8Array) => Promise<string>;
  /** Throws `store-damaged` where bytes are missing, or are not what they were. */
  readonly read: (kind: 'weights' | 'models', key: string) => Promise<Uint8Array>;
  /** Keeps what a key stands for; a former text is replaced. */
  readonly describe: (key: string, text: string) => Promise<void>;
  /** Throws `store-damaged`. */
  readonly described: (key: string) => Promise<string>;
  readonly keepResult: (key: string, unit: Unit, states: readonly SampleState[]) => Promise<void>;
  /** null: there is none, or it is damaged. */
  readonly result: (key: string, unit: Unit) => Promise<readonly SampleState[] | null>;
}

/** Results are JSON of at most so many bytes. */
const MAX_RESULT_BYTES = 256 * 2 ** 20;

/** Opens a store, which is made where there is none, and removes what processes of this machine have left half-written that are gone. Throws `store-unusable`. */
export async function openStore(dir: string): Promise<Store> {
  const staging = join(dir, 'staging');
  await usable(dir, async () => {
    for (const name of ['weights', 'models', 'subjects', 'units', 'staging'])
      await makeFolder(join(dir, name));
    await removeStaged(staging);
    await publish(join(staging, stagedName()), join(dir, 'staging', '.writable'), '');
    await rm(join(dir, 'staging', '.writable'), { force: true });
  });

  const place = (kind: string, key: string) => join(dir, kind, key);
  const known = new Set<string>();
  const put = (path: string, content: string | Uint8Array) =>
    usable(dir, () => publish(join(staging, stagedName()), path, content));

  return {
    dir,
    weightsDir: join(dir, 'weights'),
    async keep(kind, bytes) {
      const key = sha256(bytes);
      const path = place(kind, key);
      if (known.has(path)) return key;
      const size = await stat(path).then(
        (info) => info.size,
        () => -1,
      );
      if (size !== bytes.byteLength) await put(path, bytes);
      known.add(path);
      return key;
    },
    async read(kind, key) {
      const path = place(kind, key);
      const bytes = await readBytes(path).catch(() => null);
      if (bytes !== null && sha256(bytes) === key) return bytes;
      // What is damaged would stay so: the next process that needs it writes it again.
      if (bytes !== null) await rm(path, { force: true });
      return damaged(path, bytes === null ? 'is missing or cannot be read' : 'is damaged');
    },
    describe: (key, text) => put(place('subjects', `${key}.json`), text),
    described: (key) =>
      readText(place('subjects', `${key}.json`)).catch(() =>
        damaged(place('subjects', `${key}.json`), 'is missing or cannot be read'),
      ),
    async keepResult(key, unit, states) {
      const text = canonicalJson({ unit, states });
      await put(resultPath(dir, key), `${sha256(`${key}\n${text}`)}\n${text}\n`);
    },
    async result(key, unit) {
      const content = await readText(resultPath(dir, key), MAX_RESULT_BYTES).catch(() => '');
      const [sum = '', text = ''] = content.split('\n', 2);
      if (sum === '' || sum !== sha256(`${key}\n${text}`)) return null;
      const { states } = JSON.parse(text) as { states: readonly SampleState[] };
      return states.length === unit.samples.length ? states : null;
    },
  };
}

/** Folders of many thousand files are slow on some file systems. */
const resultPath = (dir: string, key: string) => join(dir, 'units', key.slice(0, 2), `${key}.json`);

/** Nobody else's, on whichever machine; tells who writes it. */
function stagedName(): string {
  const { pid, begun } = thisProcess();
  return [uniqueNamespace() ?? '', pid, begun, randomUUID()].join('.');
}

/** Makes a folder and those around it. That of Node 20 tries without end where a file system takes no folders, as /proc does. */
async function makeFolder(path: string): Promise<void> {
  const make = (folder: string) =>
    mkdir(folder).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    });

  const missing = [path];
  for (let above = dirname(path); !existsSync(above) && above !== missing[0]; above = dirname(above))
    missing.unshift(above);
  for (const folder of missing) await make(folder);
}

/** Writes beside, then renames: nobody sees a part of a file. */
async function publish(staged: string, path: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeFile(staged, content);
    await rename(staged, path).catch(async (error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      await makeFolder(dirname(path));
      await rename(staged, path);
    });
  } catch (error) {
    await rm(staged, { force: true }).catch(() => undefined);
    throw error;
  }
}

const HALF_DAY = 12 * 3600 * 1000;
const STAGED_NAME = /^([0-9a-f]{16}|)\.(\d+)\.(\d*)\.[0-9a-f-]{36}$/;

/** Files of processes of this machine or container that have ended; of others those that nobody can be writing any more. */
async function removeStaged(staging: string): Promise<void> {
  const here = uniqueNamespace();
  for (const name of await readdir(staging)) {
    const [matched, namespace = '', pid = '', begun = ''] = STAGED_NAME.exec(name) ?? [];
    const path = join(staging, name);
    const isOld = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs > HALF_DAY,
      () => false,
    );
    const isDead = namespace === here && isRunning({ ...thisProcess(), pid: Number(pid), begun }) === false;
    if (matched !== undefined && (isOld || isDead)) await rm(path, { force: true });
  }
}

async function usable<T>(dir: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return fail('store-unusable', `The store ${dir} cannot be used: ${systemReason(error)}.`, { file: dir });
  }
}

const damaged = (path: string, what: string): never =>
  fail('store-damaged', `${path} ${what}: the run that wrote it writes it again.`, { file: path });
