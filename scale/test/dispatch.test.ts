import type { ChildProcess } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TestedProcessor } from '@quantsmith/schemas';
import { openDispatch, workOnQueue, type RedisPlace } from '../src/index.js';
import { workerKey } from '../src/names.js';
import { freePort, hasRedis } from '../../test/kit/redis.mjs';
import { startRedis } from './processes.js';
import { RUN } from './processors.js';

const PASSWORD = 'secret-of-the-test';
const PATIENCE_MS = 1500;

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-dispatch-'));
let server: ChildProcess | undefined;
let port = 0;

/** Each test has a database of its own. */
const placeOf = (db: number, at = port): RedisPlace => ({
  name: `redis://127.0.0.1:${at}/${db}`,
  options: {
    ...{ host: '127.0.0.1', port: at, db, password: PASSWORD },
    ...{ maxRetriesPerRequest: null, retryStrategy: () => 100 },
  },
});

/** A worker until it is stopped, with the keys of the units that it was given and what it has noted. */
function startWorker(place: RedisPlace, { tested = RUN, modules = false } = {}) {
  const keys: string[] = [];
  const notes: string[] = [];
  const stop = new AbortController();
  const refusal = workOnQueue(place, {
    ...{ tested, modules, signal: stop.signal },
    note: (text) => notes.push(text),
    compute(key) {
      keys.push(key);
      return key.startsWith('bad') ? Promise.reject(new Error('no such kernel')) : Promise.resolve(0.1);
    },
  });

  return {
    keys,
    notes,
    refusal,
    signal: stop.signal,
    stop() {
      stop.abort();
      return refusal;
    },
  };
}

function startRun(place: RedisPlace, patienceMs = PATIENCE_MS) {
  const notes: string[] = [];
  const dispatch = openDispatch(place, { patienceMs, note: (text) => notes.push(text) });
  dispatch.announce(RUN);
  const offer = (key: string, { modules = false, threads = 1 } = {}) =>
    dispatch.offer({ key, modules, unit: { key }, processor: { ...RUN.processor, threads } });

  return { notes, offer, close: () => dispatch.close() };
}

const changed = (changes: Partial<TestedProcessor['processor']>): TestedProcessor => ({
  ...RUN,
  processor: { ...RUN.processor, ...changes },
});

beforeAll(async () => {
  if (!hasRedis) return;
  port = await freePort();
  server = await startRedis(port, folder, PASSWORD);
});
afterAll(() => {
  server?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(!hasRedis).concurrent('units that a run offers', () => {
  it('are computed by workers, and come back where those fail', async () => {
    const place = placeOf(0);
    const run = startRun(place);
    const worker = startWorker(place, { modules: true });
    const units = [run.offer('good'), run.offer('bad'), run.offer('module', { modules: true })];
    expect(await Promise.all(units)).toEqual(['done', 'here', 'done']);
    // On a machine that is busy a unit may be late, and is put into the queue again.
    expect(new Set(worker.keys)).toEqual(new Set(['bad', 'good', 'module']));
    expect(worker.keys.filter((key) => key === 'bad').length).toBeGreaterThanOrEqual(3);
    expect(run.notes).toEqual([
      'A worker could not compute a unit of work, which is computed here: no such kernel',
    ]);
    await run.close();
    expect(await worker.stop()).toBeNull();
    expect(worker.notes).toEqual([`Waiting for work from Redis at ${place.name}.`]);
    expect(await ourKeys(place)).toEqual([]);
  });

  it('are computed by the run where no worker fits, which is said once', async () => {
    const place = placeOf(1);
    const redis = new Redis(place.options);
    for (const [id, text] of [
      ['torn', '{"name": '],
      ['foreign', '{"name": "another program"}'],
    ] as const)
      await redis.set(workerKey(id), text);
    redis.disconnect();

    const otherwise = startWorker(place, { tested: { ...RUN, canary: { sha256: 'b', values: [1, 2, 4] } } });
    const older = startWorker(place, { tested: changed({ isa: ['avx2'] }) });
    const run = startRun(place);
    expect(await Promise.all([run.offer('a'), run.offer('b')])).toEqual(['here', 'here']);
    expect(await run.offer('c', { threads: 2 })).toBe('here');
    expect(await otherwise.refusal).toMatch(/1 of 3 results differ, .* It is refused\.$/);
    expect(await older.stop()).toBeNull();
    expect([...otherwise.keys, ...older.keys]).toEqual([]);
    expect(run.notes.toSorted()).toEqual([
      'No suitable worker is connected: the run computes by itself until one is.',
      expect.stringContaining('but computes differently: 1 of 3 results differ'),
      expect.stringContaining('runs on another kind of processor (x64 with avx2'),
    ]);
    await run.close();
  });

  it('are no longer waited for where nobody has come, and are in the queue for whoever comes', async () => {
    const place = placeOf(3);
    const run = startRun(place);
    expect(await run.offer('first')).toBe('here');
    // A turn of the event loop, where the look for workers takes a second.
    const turn = new Promise((resolve) => setImmediate(resolve, 'waits'));
    expect(await Promise.race([run.offer('next'), turn])).toBe('here');

    const worker = startWorker(place);
    await vi.waitUntil(() => worker.keys.includes('next'), 10_000);
    await vi.waitUntil(async () => (await run.offer(`later ${performance.now()}`)) === 'done', 10_000);
    expect(run.notes).toHaveLength(1);
    await Promise.all([worker.stop(), run.close()]);
  });

  it('are computed by the run, and said why, where the server takes none', async () => {
    const at = await freePort();
    const full = await startRedis(at, folder, PASSWORD);
    const place = placeOf(0, at);
    const redis = new Redis(place.options);
    await redis.config('SET', 'maxmemory', '1');
    const run = startRun(place, 60_000);
    expect(await run.offer('a')).toBe('here');
    expect(run.notes).toEqual([
      expect.stringMatching(
        /^Redis at \S+ takes no units of work: the run computes by itself until it does\. It says: .*OOM/,
      ),
    ]);
    await run.close();
    redis.disconnect();
    full.kill('SIGKILL');
  });

  it('leave nothing behind in a worker that waits for them', async () => {
    const place = placeOf(4);
    const worker = startWorker(place);
    const redis = new Redis(place.options);
    const told = () => redis.keys(workerKey('*'));
    await vi.waitUntil(async () => (await told()).length === 1, 10_000);
    await redis.del(await told());
    // It has told of itself again.
    await vi.waitUntil(async () => (await told()).length === 1, 10_000);
    expect(getEventListeners(worker.signal, 'abort').length).toBeLessThanOrEqual(1);
    redis.disconnect();
    await worker.stop();
  });

  it('wait, and say why, where the server lets nobody in', async () => {
    const { options, name } = placeOf(0);
    const reasons: string[] = [];
    for (const password of ['a-wrong-one', '']) {
      const worker = startWorker({ name, options: { ...options, password } });
      reasons.push(await vi.waitUntil(() => worker.notes[0], 10_000));
      await worker.stop();
    }

    expect(reasons).toEqual([
      `Redis at ${name} cannot be reached (the user or the password is wrong); waiting for it.`,
      `Redis at ${name} cannot be reached (it wants a password); waiting for it.`,
    ]);
  });

  it('are computed by the run where Redis cannot be reached; workers wait for it', async () => {
    const place = placeOf(0, await freePort());
    const run = startRun(place, 500);
    const worker = startWorker(place);
    expect(await run.offer('a')).toBe('here');
    expect(run.notes).toEqual([
      `Redis at ${place.name} cannot be reached (the connection was refused): the run computes by itself until it can. Nothing is lost.`,
    ]);
    expect(worker.notes).toEqual([
      `Redis at ${place.name} cannot be reached (the connection was refused); waiting for it.`,
    ]);
    const [refusal] = await Promise.all([worker.stop(), run.close()]);
    expect(refusal).toBeNull();
  });

  it('are given back when the run lets go of them, and taken out of the queue', async () => {
    const place = placeOf(2);
    const run = startRun(place);
    const unit = run.offer('late');
    await run.close();
    expect(await unit).toBe('here');
    const worker = startWorker(place);
    expect(await worker.stop()).toBeNull();
    expect(worker.keys).toEqual([]);
    expect(await ourKeys(place)).toEqual([]);
  });
});

/** What stays in a database of ours, but for the few keys of BullMQ for each queue. */
async function ourKeys(place: RedisPlace): Promise<string[]> {
  const redis = new Redis(place.options);
  const keys = await redis.keys('*');
  redis.disconnect();
  return keys.filter(
    (key) => !/^bull:quantsmith-[0-9a-f]{24}(-modules)?:(meta|events|id|stalled-check|marker)$/.test(key),
  );
}
