import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as Scale from '@quantsmith/scale';
import { fail, type EngineMessage, type SharedWork, type Sharing } from '@quantsmith/schemas';
import { redisPlace } from './redisPlace.js';

/** How a command lets workers measure. */
export interface ScaleOptions {
  /** The address of a Redis server; default: the environment's QUANTSMITH_REDIS, where `redis` is true. */
  readonly redis?: string | true;
  /** The folder that it shares with its workers. */
  readonly store?: string;
}

/** Loaded where somebody asks for it: nothing else here opens a connection. Throws `usage-invalid` where it is not installed. */
export async function loadScale(): Promise<typeof Scale> {
  const places = ['./scale.cjs', '../../../dist/scale.cjs'].map((place) =>
    fileURLToPath(new URL(place, import.meta.url)),
  );
  const bundled = places.find(existsSync);
  if (bundled === undefined)
    return fail(
      'usage-invalid',
      'Workers need the npm package quantsmith; the extension does not contain them.',
    );

  return (await import(pathToFileURL(bundled).href)) as typeof Scale;
}

/** The address that was given, or that of the environment. What `ps` shows of this process no longer contains it. Throws `usage-invalid`. */
export function redisAddress(stated: string | true | undefined): string {
  const address = typeof stated === 'string' ? stated : process.env['QUANTSMITH_REDIS'];
  if (address === undefined || address === '')
    return fail('usage-invalid', 'Which Redis? Give --redis an address, or set QUANTSMITH_REDIS.');
  if (typeof stated === 'string' && address.includes('@')) process.title = 'quantsmith';

  return address;
}

/** Throws `usage-invalid`. */
export function storeFolder(store: string | undefined): string {
  if (store === undefined || store === '')
    return fail('usage-invalid', 'Name the folder that all processes share: --store DIR.');
  return resolve(store);
}

/** A run's way to workers, until it is closed. */
export interface OpenedSharing extends Sharing {
  readonly close: () => Promise<void>;
}

/** Opens the way to workers where the options ask for it; null: they do not. Throws `usage-invalid`. */
export async function openSharing(
  { redis, store }: ScaleOptions,
  note: (text: string) => void,
): Promise<OpenedSharing | null> {
  if (redis === undefined) {
    if (store !== undefined) fail('usage-invalid', '--store needs --redis: only workers use a store.');
    return null;
  }

  const work: SharedWork = { store: storeFolder(store), role: 'offer' };
  const place = redisPlace(redisAddress(redis));
  const { openDispatch } = await loadScale();
  const dispatch = openDispatch(place, { note });
  let send: (message: EngineMessage) => void = () => undefined;

  return {
    work,
    onStart: (sender) => (send = sender),
    hear(event) {
      if (event.type === 'processor') dispatch.announce(event.tested);
      else if (event.type === 'unit') {
        const { key } = event.offered;
        void dispatch.offer(event.offered).then((outcome) => send({ kind: 'outcome', key, outcome }));
      }

      return event.type === 'processor' || event.type === 'unit';
    },
    close: () => dispatch.close(),
  };
}
