import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findEmulator, type Emulator } from '../src/emulator.js';
import type { HostTensor } from '@quantsmith/model/arrays';

/** A model and its one input. */
export interface EmulatedCase {
  readonly model: Uint8Array;
  readonly input: { readonly name: string; readonly value: HostTensor };
}

/** A CPU without VNNI; null where there is no emulator, with which CI is not content. */
export async function emulatedHaswell(): Promise<Emulator | null> {
  try {
    return await findEmulator('haswell');
  } catch (error) {
    if (process.env['CI'] === 'true') throw error;
    return null;
  }
}

/** The bytes of each case's first output as the emulated CPU computes it. */
export function runEmulated(emulator: Emulator, cases: readonly EmulatedCase[]): Buffer[] {
  const dir = mkdtempSync(join(tmpdir(), 'quantsmith-emulated-'));
  try {
    const files = cases.map(({ model, input: { name, value } }, index) => {
      const path = join(dir, `${index}.onnx`);
      writeFileSync(path, model);
      writeFileSync(`${path}.input`, value.data as Float32Array);
      return { path, name, dims: value.dims };
    });
    const script = fileURLToPath(new URL('./runModels.mjs', import.meta.url));
    const { status, stderr } = spawnSync(
      emulator.path,
      [...emulator.args, process.execPath, script, JSON.stringify(files)],
      { encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(stderr);
    return files.map(({ path }) => readFileSync(`${path}.output`));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
