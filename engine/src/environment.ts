import type { EngineEnvironment } from '@quantsmith/schemas';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultCache } from './cache/defaultCache.js';
import { imageLibraryVersion } from './data/decodeImage.js';
import { cpuFeatures } from './runtime/cpu.js';
import { runtimeVersion } from './runtime/session.js';
import { defaultThreads } from './runtime/threads.js';

/** What the engine finds on this machine. */
export async function engineEnvironment(): Promise<EngineEnvironment> {
  const { dir } = defaultCache();
  return {
    runtime: { name: 'onnxruntime', version: runtimeVersion() },
    images: { name: 'sharp', version: imageLibraryVersion() },
    cpu: await cpuFeatures(),
    threads: defaultThreads(),
    cache: { dir, bytes: await bytesIn(dir) },
  };
}

/** Bytes of the files in a folder; 0 when it does not exist. */
async function bytesIn(dir: string): Promise<number> {
  const names = await readdir(dir).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(dir, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );

  return sizes.reduce((sum, size) => sum + size, 0);
}
