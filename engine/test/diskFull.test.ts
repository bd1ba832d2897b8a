import { createHash } from 'node:crypto';
import fs, {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeModel } from '@quantsmith/model/onnx';
import { type Problem, type QuantizationConfig, QuantsmithError, type RunRequest } from '@quantsmith/schemas';
import { exitCodeOf } from '../../cli/src/output/exitCodes.js';
import { copyDigits } from '../../test/kit/digits.js';
import { floats, model, node, value } from '../../test/kit/models.js';
import { npyBytes, npyHeader } from '../../test/kit/npy.js';
import { runPipeline } from '../src/pipeline.js';

// The disk is full from the nth write on, for every n that a run comes to: what was there before is there still, or the new
// model and its report are; nothing else is left, and what is thrown names a file and ends with 4.

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quantsmith-full-'));
  for (const name of ['home', 'tmp', 'cache']) mkdirSync(join(folder, name));
  vi.stubEnv('TMPDIR', join(folder, 'tmp'));
  vi.stubEnv('QUANTSMITH_CACHE', join(folder, 'cache'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

type Write = (...args: unknown[]) => unknown;
/** What writes, or makes a name: a full disk refuses both. */
const ASYNC = ['open', 'writeFile', 'mkdir', 'mkdtemp', 'link', 'rename'] as const;
const SYNC = ['writeFileSync', 'appendFileSync', 'renameSync'] as const;
const OF_HANDLES = ['write', 'writeFile', 'sync'] as const;

/** Runs `body`; from the write on that `isFull` says, the disk is full. Returns all writes, by what and on what. */
async function writesOf(body: () => Promise<unknown>, isFull: (number: number, write: string) => boolean) {
  const writes: string[] = [];
  let full = false;
  const refuse = (name: string, path: unknown) => {
    const write = `${name} ${typeof path === 'string' ? path.slice(folder.length) : 'a file'}`;
    full ||= isFull(writes.length, write);
    writes.push(write);
    if (full) throw Object.assign(new Error(`ENOSPC: no space left on device, ${name}`), { code: 'ENOSPC' });
  };

  const undo: (() => void)[] = [];
  const replace = (target: object, name: string, isAsync: boolean, isWrite: (args: unknown[]) => boolean) => {
    const functions = target as Record<string, Write>;
    const original = functions[name]!;
    functions[name] = function (this: unknown, ...args: unknown[]) {
      if (!isWrite(args)) return original.apply(this, args);
      if (!isAsync) {
        refuse(name, args[0]);
        return original.apply(this, args);
      }

      return new Promise((resolve) => {
        refuse(name, args[0]);
        resolve(original.apply(this, args));
      });
    };

    undo.push(() => (functions[name] = original));
  };

  const handle = await promises.open(join(folder, 'tmp'), 'r');
  const prototype = Object.getPrototypeOf(handle) as object;
  await handle.close();
  const mine = (args: unknown[]) => String(args[0]).startsWith(folder);
  const opensToWrite = (args: unknown[]) =>
    mine(args) && typeof args[1] === 'string' && args[1].startsWith('w');
  for (const name of ASYNC) replace(promises, name, true, name === 'open' ? opensToWrite : mine);
  for (const name of SYNC) replace(fs, name, false, mine);
  for (const name of OF_HANDLES) replace(prototype, name, true, () => true);
  syncBuiltinESMExports();
  try {
    await body();
  } finally {
    for (const one of undo) one();
    syncBuiltinESMExports();
  }

  return writes;
}

const problemOf = (made: Promise<unknown>): Promise<Problem | null> =>
  made.then(
    () => null,
    (error: unknown) => {
      if (error instanceof QuantsmithError) return error.problem;
      throw error;
    },
  );

const home = () => join(folder, 'home');
const OUTPUT = 'c.int8.onnx';
const REPORT = `${OUTPUT}.report.json`;
const hash = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
const request = (config: QuantizationConfig): RunRequest => ({
  ...{ kind: 'run', config, configPath: join(home(), 'c.quant.yaml'), configSha256: '0'.repeat(64) },
  allowModules: false,
});
const run = (config: QuantizationConfig) => runPipeline(request(config), () => undefined);

function small(limit: number): QuantizationConfig {
  const weights = Array.from({ length: 108 }, (_, index) => Math.sin(index));
  const conv = node('Conv', ['x', 'w'], ['y'], { pads: [1, 1, 1, 1] });
  const graph = { nodes: [conv], inputs: [value('x', [1, 3, 8, 8])], outputs: [value('y')] };
  writeFileSync(
    join(home(), 'm.onnx'),
    encodeModel(model({ ...graph, initializers: [floats('w', [4, 3, 3, 3], weights)] })),
  );
  const samples = Float32Array.from({ length: 4 * 192 }, (_, index) => Math.sin(index) * index);
  writeFileSync(
    join(home(), 'x.npy'),
    npyBytes(npyHeader('<f4', [4, 3, 8, 8]), new Uint8Array(samples.buffer)),
  );
  return {
    model: 'm.onnx',
    data: { calibration: { arrays: 'x.npy', limit } },
    quantization: { defaults: 'nncf', advanced_parameters: { backend_params: { external_data: true } } },
  };
}

/** Model and report belong together, and nothing else is there that was not. */
function expectPair(write: string): void {
  const names = readdirSync(home()).map((name) => name.replace(/[0-9a-f]{16}\.data$/, 'data'));
  const own = names.filter((name) => name !== 'm.onnx' && name !== 'x.npy' && name !== '.quantsmith');
  expect(own.sort(), write).toEqual([OUTPUT, `${OUTPUT}.data`, REPORT]);
  const { output } = JSON.parse(readFileSync(join(home(), REPORT), 'utf8')) as { output: { sha256: string } };
  expect(output.sha256, write).toBe(hash(join(home(), OUTPUT)));
  expect(readdirSync(join(folder, 'tmp')), write).toEqual([]);
}

describe('a disk that is full', () => {
  it('from any write on', async () => {
    const clean = small(4);
    const writes = await writesOf(
      () => run(clean),
      () => false,
    );
    expect(writes.length).toBeGreaterThan(15);
    const refused = new Set<string>();
    for (let first = 0; first < writes.length; first++) {
      rmSync(home(), { recursive: true });
      rmSync(join(folder, 'cache'), { recursive: true });
      mkdirSync(home());
      const before = small(3);
      await run(before);
      const old = hash(join(home(), OUTPUT));
      const after = small(4);
      let problem: Problem | null = null;
      const made = await writesOf(
        async () => (problem = await problemOf(run(after))),
        (number) => number === first,
      );
      const { code, file } = (problem ?? {}) as Partial<Problem>;
      const write = `${first} ${made[first]}: ${code}`;
      // Only a name may be refused to the model when its report has one already: the next run completes that.
      const half = existsSync(join(home(), `.${OUTPUT}.quantsmith`, 'commit.json'));
      if (half) {
        expect(made[first], write).toMatch(/^renameSync .*\/model$/);
        await run(after);
      }

      expectPair(write);
      if (problem === null) continue;
      refused.add(code!);
      expect(exitCodeOf(problem), write).toBe(4);
      expect(file, write).toContain(folder);
      expect((problem as Problem).message, write).toContain('no space left on device');
      if (!half) expect(hash(join(home(), OUTPUT)), write).toBe(old);
    }

    expect([...refused].sort()).toEqual(['output-unusable', 'scratch-failed', 'write-failed']);
  });

  it('at the journal of a restoration', async () => {
    copyDigits(home());
    const section = { preprocess: { scale: 16 }, limit: 60 };
    const config: QuantizationConfig = {
      model: 'digits.onnx',
      output: OUTPUT,
      data: {
        calibration: { arrays: 'data/calibration.npy', ...section },
        validation: { arrays: 'data/validation.npy', labels: 'data/validation-labels.npy', ...section },
      },
      quantization: {
        defaults: 'nncf',
        advanced_parameters: { weights_quantization_params: { num_bits: 4, per_channel: false } },
      },
      accuracy_control: { metric: 'top1', max_drop: 0.02 },
    };
    let problem: Problem | null = null;
    const writes = await writesOf(
      async () => (problem = await problemOf(run(config))),
      (_, write) => write.endsWith('.restore.jsonl'),
    );
    expect(writes.some((write) => write.endsWith('.restore.jsonl'))).toBe(true);
    expect(problem).toMatchObject({
      code: expect.stringMatching(/^(write|scratch)-failed$/),
      file: expect.stringContaining(folder),
    });
    expect(exitCodeOf(problem!)).toBe(4);
    expect(readdirSync(home()).filter((name) => name.startsWith(OUTPUT))).toEqual([]);
  });
});
