import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../src/index.js';

/** What ended an engine whose whole program is the text. */
async function problemOf(program: string) {
  const enginePath = join(folder, 'engine.cjs');
  writeFileSync(enginePath, program);
  const outcome = await startEngine({ kind: 'environment' }, { enginePath, onEvent: () => undefined });
  return outcome.code === 'failed' ? outcome.problem : null;
}

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'quantsmith-crash-'))));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('an engine that ends without a result', () => {
  const here = `${process.platform}-${process.arch}`;

  it.each([
    ["require('onnxruntime-node')", `ONNX Runtime is not installed for ${here}.`],
    ["require('sharp')", `The image library sharp is not installed for ${here}.`],
    ["throw new Error('ONNX Runtime is not installed: …')", `ONNX Runtime is not installed for ${here}.`],
  ])('names the native part that is missing: %s', async (program, message) => {
    expect(await problemOf(program)).toMatchObject({ code: 'runtime-missing', message });
  });

  it('gives the reason of a native part that cannot be loaded', async () => {
    writeFileSync(join(folder, 'broken.node'), 'no library');
    expect(await problemOf("require('./broken.node')")).toMatchObject({
      code: 'runtime-missing',
      message: expect.stringMatching(/^A native library cannot be loaded on .*broken\.node/) as string,
    });
  });

  it('says how it ended, and its last words', async () => {
    const ended = { code: 'engine-crashed', severity: 'error' };
    expect(await problemOf("console.error('out of ideas'); process.exit(9)")).toMatchObject({
      ...ended,
      message: 'The engine process ended unexpectedly (exit code 9). Last output: out of ideas',
    });
    expect(await problemOf("process.kill(process.pid, 'SIGKILL')")).toMatchObject({
      ...ended,
      message: expect.stringContaining('may have run out of memory') as string,
    });
  });
});
