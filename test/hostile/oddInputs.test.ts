import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compare, inspect, readReport } from '@quantsmith/api';
import { readModel, writeModel } from '@quantsmith/model/onnx';
import {
  NAMED_PATHS,
  type Problem,
  type QuantizationConfig,
  QuantsmithError,
  type RunRequest,
} from '@quantsmith/schemas';
import { checkConfigFile } from '@quantsmith/server';
import {
  debugPipeline,
  overflowPipeline,
  runPipeline,
  sensitivityPipeline,
} from '../../engine/src/pipeline.js';
import { overflowOfModel } from '../../engine/src/saturation/model.js';
import { builtCli, root } from '../kit/builtCli.js';

// FIFOs, sockets, devices, files of /proc, folders and links to them wherever a command reads something: nobody waits, and what
// comes is a problem that names the file and the place. A slot is a key of the schema that is marked as a path.

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-odd-'));
const at = (name: string) => join(folder, name);
const socket = createServer();
const cli = builtCli();

beforeAll(async () => {
  cpSync(join(root, 'examples/digits'), folder, { recursive: true });
  execFileSync('mkfifo', [at('fifo')]);
  mkdirSync(at('folder'));
  symlinkSync('fifo', at('link-to-fifo'));
  symlinkSync('/dev/zero', at('link-to-device'));
  symlinkSync('nowhere', at('link-to-nothing'));
  symlinkSync('itself', at('itself'));
  await new Promise<void>((resolve) => socket.listen(at('socket'), resolve));
});
afterAll(() => {
  socket.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Everything that is no regular file, and regular files that are none. A folder is fine where one may be. */
const KINDS: Readonly<Record<string, string>> = {
  'a FIFO': 'fifo',
  'a link to a FIFO': 'link-to-fifo',
  'a socket': 'socket',
  'a device': '/dev/zero',
  'a link to a device': 'link-to-device',
  'a file of /proc': '/proc/self/status',
  'a file of /proc that waits': '/proc/kmsg',
  'a folder': 'folder',
  'a link to nothing': 'link-to-nothing',
  'a link to itself': 'itself',
};

const calibration = { arrays: 'data/calibration.npy', preprocess: { scale: 16 }, limit: 4 };
const validation = { arrays: 'data/validation.npy', labels: 'data/validation-labels.npy', limit: 4 };
const sound: QuantizationConfig = { model: 'digits.onnx', data: { calibration } };
const measured = (section: object, metric = 'top1'): QuantizationConfig => ({
  ...sound,
  data: { calibration, validation: section },
  accuracy_control: { metric, max_drop: 0.1 },
});

type Slot = Extract<(typeof NAMED_PATHS)[number], { use: 'read' | 'module' }>['path'];
type SlotName = Slot extends infer S ? (S extends readonly string[] ? Joined<S> : never) : never;
type Joined<S extends readonly string[]> = S extends readonly [infer A extends string]
  ? A
  : S extends readonly [infer A extends string, ...infer R extends readonly string[]]
    ? `${A}.${Joined<R>}`
    : never;

/** A config with something odd at each place where a run reads. A new key does not compile before it has its line. */
const SLOTS: Readonly<Record<SlotName, (odd: string) => QuantizationConfig>> = {
  model: (odd) => ({ ...sound, model: odd }),
  'data.calibration.images': (images) => ({ ...sound, data: { calibration: { images } } }),
  'data.calibration.arrays': (arrays) => ({ ...sound, data: { calibration: { arrays } } }),
  'data.calibration.tensors': (tensors) => ({ ...sound, data: { calibration: { tensors } } }),
  'data.calibration.texts': (texts) => ({
    ...sound,
    data: { calibration: { texts, tokenizer: 'tokenizer.json' } },
  }),
  'data.calibration.tokenizer': (tokenizer) => ({
    ...sound,
    data: { calibration: { texts: 'digits.quant.yaml', tokenizer } },
  }),
  'data.calibration.audio': (audio) => ({ ...sound, data: { calibration: { audio } } }),
  'data.calibration.loader': (loader) => ({ ...sound, data: { calibration: { loader } } }),
  'data.validation.images': (images) => measured({ images }, 'sqnr'),
  'data.validation.arrays': (arrays) => measured({ arrays }),
  'data.validation.tensors': (tensors) => measured({ tensors }),
  'data.validation.texts': (texts) => measured({ texts, tokenizer: 'tokenizer.json' }),
  'data.validation.tokenizer': (tokenizer) => measured({ texts: 'digits.quant.yaml', tokenizer }),
  'data.validation.audio': (audio) => measured({ audio }, 'sqnr'),
  'data.validation.loader': (loader) => measured({ loader }),
  'data.validation.labels': (labels) => measured({ ...validation, labels }),
  'data.validation.classes': (classes) => measured({ ...validation, classes }),
  'task.alphabet': (alphabet) => ({ ...measured(validation, 'cer'), task: { type: 'ctc', alphabet } }),
  'accuracy_control.metric': (metric) => measured(validation, metric),
};

/** Only what is called like a module is taken for one. */
function moduleOf(odd: string): string {
  const name = `${basename(odd)}.mjs`;
  symlinkSync(odd, at(name));
  return name;
}

const NAMES = Object.keys(SLOTS) as SlotName[];
const requestOf = (config: QuantizationConfig): RunRequest => ({
  kind: 'run',
  config,
  configPath: at('odd.quant.yaml'),
  configSha256: '',
  allowModules: true,
  cache: false,
  output: at('odd.int8.onnx'),
});

const problemOf = (made: Promise<unknown>): Promise<Problem | null> =>
  made.then(
    () => null,
    (error: unknown) => {
      if (error instanceof QuantsmithError) return error.problem;
      throw error;
    },
  );

it('there is a slot for every path that a run reads', () => {
  const read = NAMED_PATHS.filter(({ use }) => use === 'read' || use === 'module');
  expect(NAMES.toSorted()).toEqual(read.map(({ path }) => path.join('.')).sort());
});

describe.skipIf(process.platform !== 'linux')('what a run reads', () => {
  it.each(NAMES.flatMap((slot) => Object.keys(KINDS).map((kind) => [slot, kind] as const)))(
    '%s is %s',
    async (slot, kind) => {
      const odd = slot === 'accuracy_control.metric' ? moduleOf(KINDS[kind]!) : KINDS[kind]!;
      const config = SLOTS[slot](odd);
      const problem = await problemOf(runPipeline(requestOf(config), () => undefined));
      expect(problem).toMatchObject({ severity: 'error', file: expect.stringContaining(basename(odd)) });
      expect(problem!.code).not.toBe('internal-error');
      expect(problem!.message).toContain(basename(odd));
      // What is wrong with the model is said of it, wherever its path comes from.
      if (slot !== 'model') expect(problem!.configPath?.join('.')).toBe(slot);

      // The same config through check: it ends too.
      writeFileSync(at('odd.quant.yaml'), JSON.stringify(config));
      const { findings } = await checkConfigFile(at('odd.quant.yaml'));
      expect(findings.map(({ code }) => code)).not.toContain('internal-error');
    },
  );

  it.each(Object.entries(KINDS))('external data that is %s', async (_, odd) => {
    const { model } = await readModel(at('digits.onnx'));
    const dir = mkdtempSync(join(folder, 'external-'));
    await writeModel(model, join(dir, 'm.onnx'), { sourceDir: folder, externalData: true });
    rmSync(join(dir, 'm.onnx.data'));
    symlinkSync(odd.startsWith('/') ? odd : `../${odd}`, join(dir, 'm.onnx.data'));
    const config = { ...sound, model: join(dir, 'm.onnx') };
    const problem = await problemOf(runPipeline(requestOf(config), () => undefined));
    expect(problem).toMatchObject({
      code: expect.stringMatching(/^external-data-/),
      file: join(dir, 'm.onnx.data'),
    });
  });

  it('external data of the folder itself that is a FIFO', async () => {
    const dir = mkdtempSync(join(folder, 'external-'));
    const { model } = await readModel(at('digits.onnx'));
    await writeModel(model, join(dir, 'm.onnx'), { sourceDir: folder, externalData: true });
    rmSync(join(dir, 'm.onnx.data'));
    execFileSync('mkfifo', [join(dir, 'm.onnx.data')]);
    const problem = await problemOf(readModel(join(dir, 'm.onnx')));
    expect(problem).toMatchObject({
      code: 'external-data-missing',
      message: expect.stringContaining('a FIFO'),
    });
  });

  it.each([
    ['labels/a.txt', 'map'],
    ['labels/a.png', 'miou'],
  ])('%s that is a FIFO', async (name, metric) => {
    const dir = mkdtempSync(join(folder, 'labels-'));
    mkdirSync(join(dir, 'labels'));
    execFileSync('mkfifo', [join(dir, name)]);
    const images = at('images');
    mkdirSync(images, { recursive: true });
    writeFileSync(join(images, 'a.png'), PIXEL);
    const config = measured({ images, labels: join(dir, 'labels') }, metric);
    const problem = await problemOf(runPipeline(requestOf(config), () => undefined));
    expect(problem).toMatchObject({ severity: 'error', file: join(dir, name) });
  });

  it.each([
    ['sensitivity', sensitivityPipeline],
    ['overflow', overflowPipeline],
    ['debug', (request: RunRequest, emit: () => void) => debugPipeline({ ...request, kind: 'debug' }, emit)],
  ] as const)('%s of a FIFO', async (_, pipeline) => {
    const config = SLOTS['data.calibration.arrays']('fifo');
    expect(await problemOf(pipeline(requestOf(config), () => undefined))).toMatchObject({
      code: 'data-not-found',
      message: expect.stringContaining('a FIFO, not a regular file'),
    });
  });
});

/** A PNG of one pixel. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==',
  'base64',
);

describe.skipIf(process.platform !== 'linux')('what other commands read', () => {
  it.each(Object.entries(KINDS))('%s: inspect, overflow, report, compare, check', async (kind, odd) => {
    const path = odd.startsWith('/') ? odd : at(odd);
    for (const act of [
      () => inspect(path),
      () => overflowOfModel(path),
      () => readReport(path),
      () => compare(path, at('digits.onnx')),
      () => compare(at('digits.onnx'), path),
    ])
      expect(await problemOf(act())).toMatchObject({ severity: 'error', file: path });

    const { config, findings } = await checkConfigFile(path);
    expect(config).toBeNull();
    expect(findings.length).toBeGreaterThan(0);
    writeFileSync(at('child.quant.yaml'), `extends: ${path}\n`);
    const extended = await checkConfigFile(at('child.quant.yaml'));
    const isThere = !/nothing|itself/.test(kind);
    expect(extended.findings[0]!.code).toBe(isThere ? 'extends-invalid' : 'extends-missing');
  });

  it.each([
    ['run', 'fifo'],
    ['run', 'digits.quant.yaml', '--resume', '--log-file', 'fifo'],
    ['check', 'fifo'],
    ['sensitivity', 'fifo'],
    ['debug', 'fifo'],
    ['overflow', 'fifo.onnx'],
    ['inspect', 'fifo'],
    ['init', 'fifo', '--output', 'new.quant.yaml'],
    ['report', 'fifo'],
    ['compare', 'fifo', 'fifo'],
  ])('quantsmith %s %s', (...args) => {
    if (args.includes('fifo.onnx')) symlinkSync('fifo', at('fifo.onnx'));
    const { status, signal, stderr, stdout } = spawnSync(process.execPath, [cli, ...args], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 300_000,
    });
    expect(signal).toBeNull();
    // A config that cannot be read is no valid one; check counts what it finds.
    const expected = { run: args.length === 2 ? 3 : 4, sensitivity: 3, debug: 3, check: 1 }[args[0]] ?? 4;
    expect(status, stderr).toBe(expected);
    expect(stdout + stderr).toMatch(/fifo.*(a FIFO|not a regular file)/);
  });
});
