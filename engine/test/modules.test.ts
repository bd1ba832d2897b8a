import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { QuantsmithError, type Problem, type TensorSignature } from '@quantsmith/schemas';
import { decodeImage } from '../src/data/decodeImage.js';
import type { Preprocess } from '../src/data/preprocess.js';
import { openData } from '../src/data/source.js';
import { openTokenizer } from '../src/data/tokenizer.js';
import { openMetric } from '../src/metrics/open.js';
import type { ModuleOptions } from '../src/data/modules/moduleProcess.js';
import { NO_TASK } from '../src/tasks/task.js';
import { isAlive } from '../../test/kit/alive.js';

const dir = mkdtempSync(join(tmpdir(), 'quantsmith-modules-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const INPUT: TensorSignature = { name: 'x', type: 'float32', dims: ['batch', 1] };
const LIMITS: ModuleOptions = { timeLimit: 60, memoryLimit: 2 };
let made = 0;
function write(text: string, extension = 'mjs'): string {
  const name = `module${made++}.${extension}`;
  writeFileSync(join(dir, name), text);
  return name;
}

const load = (loader: string, { limit = null as number | null, modules = LIMITS } = {}) =>
  openData(
    { loader, ...(limit === null ? {} : { limit }) },
    { inputs: [INPUT], baseDir: dir, allowModules: true, configPath: ['data', 'validation'], modules },
  );
const SAMPLE = '{ feeds: { x: { dims: [1, 1], data: [i] } }, label: { answer: i } }';
const context = { name: 'cat.jpg', feeds: {}, image: null, task: NO_TASK };
const openText = (text: string, modules = LIMITS) =>
  openMetric(`./${write(text)}`, { baseDir: dir, allowModules: true, modules });

/** The problem that something ends in. */
const problemOf = (body: Promise<unknown>): Promise<Problem | null> =>
  body.then(
    () => null,
    (error: unknown) => (error instanceof QuantsmithError ? error.problem : Promise.reject(error as Error)),
  );
const thrownBy = (loaded: string, modules = LIMITS) => problemOf(load(write(loaded), { modules }));

describe('a loader', () => {
  it('is read up to the limit', async () => {
    const lines: string[] = [];
    const counted = `export default function* () { for (let i = 0; i < 20000; i++) { console.log(i); yield ${SAMPLE}; } }`;
    const source = await load(write(counted), {
      limit: 3,
      modules: { ...LIMITS, onConsole: (_, more) => lines.push(...more) },
    });
    expect([source.count, lines]).toEqual([3, ['0', '1', '2']]);
    expect((await source.get(2)).label).toEqual({ answer: 2 });
  });

  it('is asked for listed samples one by one', async () => {
    const source = await load(
      write(
        `export default { length: 5000, get: (i) => { if (i > 2) throw new Error('too far'); return ${SAMPLE}; } }`,
      ),
    );
    expect([source.count, source.hasLabels]).toEqual([5000, true]);
    expect(Array.from((await source.get(2)).feeds['x']!.data as Float32Array)).toEqual([2]);
  });

  it('is told of the inputs, and handed what reads data', async () => {
    const source = await load(
      write(`export default async function* ({ inputs, resolve, letterbox, preprocess }) {
        const image = { data: new Uint8Array(3 * 4 * 2).fill(255), width: 4, height: 2, channels: 3 };
        const framed = await letterbox(image, { size: 4, pad: 0 });
        const { dims, data } = preprocess(framed, { scale: 255 });
        const sum = data.reduce((all, x) => all + x, 0);
        yield { feeds: { [inputs[0].name]: { dims: [1, 1], data: [sum] } }, label: dims, name: resolve('.'), image: framed.placement };
      }`),
    );
    const sample = await source.get(0);
    expect(sample).toMatchObject({ name: dir, label: [1, 3, 4, 4], image: { offsetY: 1, inputHeight: 4 } });
    expect(Array.from(sample.feeds['x']!.data as Float32Array)).toEqual([3 * 4 * 2]);
  });

  it('decodes images and reads tokenizers as a config does', async () => {
    const [png, tokens] = ['oracles/preprocess/color.png', '../examples/text/tokenizer.json'].map((path) =>
      fileURLToPath(new URL(`../../test/${path}`, import.meta.url)),
    );
    const settings = { resize: [5, 4], interpolation: 'bicubic', color: 'gray' };
    const source = await load(
      write(`export default async ({ decodeImage, preprocess, tokenizer }) => {
        const image = await decodeImage(${JSON.stringify(png)}, ${JSON.stringify(settings)});
        const { encode, decode } = await tokenizer(${JSON.stringify(tokens)});
        const { ids, typeIds } = encode('a good film');
        const pixels = preprocess(image, { scale: 51, mean: [1], std: [2] });
        const bytes = preprocess(image, {}, 'uint8');
        return [{
          feeds: { x: { dims: [1, 1], data: [0] } },
          label: {
            ids, typeIds, text: decode(ids) + decode([]), size: [image.height, image.width], bytes: Array.from(bytes.data),
            pixels: Array.from(pixels.data), dims: pixels.dims, scaleX: image.placement.scaleX,
          },
        }];
      };`),
    );
    const { label } = (await source.get(0)) as unknown as { readonly label: Record<string, unknown> };
    const image = await decodeImage(
      { file: png!, bytes: readFileSync(png!) },
      settings as Preprocess,
      2 ** 20,
    );
    const { encode, decode } = await openTokenizer(tokens!);
    const { ids, typeIds } = encode('a good film');
    expect(label).toMatchObject({
      ids,
      typeIds,
      text: decode(ids) + decode([]),
      size: [5, 4],
      dims: [1, 1, 5, 4],
    });
    expect(label['bytes']).toEqual(Array.from(image.data));
    const expected = Array.from(image.data, (byte) =>
      Math.fround(Math.fround(Math.fround(byte / 51) - 1) / 2),
    );
    expect([label['pixels'], label['scaleX']]).toEqual([expected, 4 / 24]);
  });

  it('has labels, names and imported files in the identity of its data', async () => {
    const helper = 'helper.mjs';
    const text = (label: number, name: string) =>
      `import { scale } from './${helper}'; export default [{ feeds: { x: { dims: [1, 1], data: [scale] } }, label: ${label} - ${label} + globalThis.process.argv.length * 0 + ${label}, name: '${name}' }];`;
    const fingerprint = async (...given: Parameters<typeof text>) =>
      (await load(write(text(...given)))).fingerprint();
    writeFileSync(join(dir, helper), 'export const scale = 1;');
    const first = await fingerprint(1, 'a');
    expect(await fingerprint(1, 'a')).toBe(first);
    writeFileSync(join(dir, helper), 'export const scale = 1; // edited');
    const others = [await fingerprint(1, 'a'), await fingerprint(2, 'a'), await fingerprint(1, 'b')];
    expect(new Set([first, ...others]).size).toBe(4);
  });

  it.each([
    ['no samples', 'export default 5;', /to start: its default export is neither samples/],
    ['a strange length', 'export default { length: -1, get() {} };', /its length is -1/],
    ['a sample that is none', 'export default [null];', /at sample 0: the sample is null/],
    [
      'wrong dims',
      'export default [{ x: { dims: [1, 2], data: [1] } }];',
      /"x" has 1 values, but \[1, 2\] needs 2/,
    ],
    ['no dims', 'export default [{ feeds: { x: [1] } }];', /"x" is not \{dims, data\}/],
    ['a label that cannot be sent', `export default [{ feeds: {}, label: () => 1 }];`, /could not be cloned/],
  ])('that gives %s is refused', async (_, text, expected) => {
    const problem = await thrownBy(text);
    expect(problem).toMatchObject({ code: 'loader-failed', configPath: ['data', 'validation', 'loader'] });
    expect(problem?.message).toMatch(expected);
  });
});

describe('what a module does wrong is a problem with its place', () => {
  it('an exception names file, line, sample and stack', async () => {
    const problem = await thrownBy(
      `export default {\n  length: 2,\n  get() {\n    throw new Error('no image');\n  },\n};`,
    );
    expect(problem?.code).toBe('loader-failed');
    expect(problem?.message).toMatch(/module\d+\.mjs failed at sample 0, line 4: no image\.$/);
    expect(problem?.data).toMatchObject({
      line: 4,
      sample: '#0',
      stack: expect.stringContaining('no image'),
    });
  });

  it('an exception in an imported file names that file', async () => {
    writeFileSync(join(dir, 'read.mjs'), `export function read() {\n  throw new Error('no file');\n}\n`);
    const problem = await thrownBy(`import { read } from './read.mjs';\nexport default () => read();`);
    expect(problem).toMatchObject({ file: join(dir, 'read.mjs'), data: { line: 2 } });
    expect(problem?.message).toMatch(/line 2 of .*read\.mjs: no file\.$/);
  });

  it.each([
    ['throws no Error', `export default () => { throw 'a text'; };`, /to start: a text\.$/],
    ['rejects with nothing', `export default () => Promise.reject();`, /to start: undefined was thrown\.$/],
    [
      'throws an Error without a message',
      `export default {\n  length: 1,\n  get() {\n    throw new RangeError();\n  },\n};`,
      /at sample 0, line 4: RangeError without a message\.$/,
    ],
    [
      'throws what cannot be read',
      `export default () => { throw new Proxy({}, { get() { throw 1; }, getPrototypeOf() { throw 1; } }); };`,
      /to start/,
    ],
    [
      'calls process.exit',
      `export default () => {\n  process.exit(3);\n};`,
      /line 2: process\.exit\(3\) was called\.$/,
    ],
    [
      'imports exit',
      `import { exit } from 'node:process';\nexport default () => exit(3);`,
      /line 2: process\.exit\(3\) was called\.$/,
    ],
    ['kills its process', `process.kill(process.pid, 'SIGKILL');`, /its process ended by SIGKILL\./],
    [
      'throws in a timer',
      `setTimeout(() => {\n  throw new Error('late');\n});\nexport default () => new Promise(() => {});`,
      /line 2: late\.$/,
    ],
    [
      'has a promise that nobody awaits',
      `export default () => {\n  Promise.reject(new Error('lost'));\n  return new Promise(() => {});\n};`,
      /line 2: lost\.$/,
    ],
    ['does not parse', `export default {\n  length: 2,\n  get( {\n};`, /to start, line 4: /],
    ['imports what is not there', `import './gone.mjs';\nexport default [];`, /Cannot find module/],
  ])('a module that %s', async (_, text, expected) => {
    const problem = await thrownBy(text);
    expect(problem).toMatchObject({ code: 'loader-failed' });
    expect(problem?.message).toMatch(expected);
  });

  it.each([
    ['never returns', `export default () => { for (;;); };`],
    ['never answers', `export default () => new Promise(() => {});`],
    ['prints endlessly', `export default () => { for (;;) console.log('again'); };`],
  ])('a module that %s is ended after the time limit', async (_, text) => {
    const lines: string[] = [];
    const onConsole: ModuleOptions['onConsole'] = (_name, more) => lines.push(...more);
    const problem = await thrownBy(text, { ...LIMITS, timeLimit: 8, onConsole });
    expect(problem?.code).toBe('loader-failed');
    expect(problem?.message).toMatch(/it did not answer within 8 s \(modules\.time_limit\)\.$/);
    expect(lines.length).toBeLessThanOrEqual(1001);
  });

  it.each([
    ['objects', `export default () => { const kept = []; for (;;) kept.push({ kept: [1, 2, 3] }); };`],
    [
      'buffers',
      `export default () => { const kept = []; for (;;) kept.push(new Uint8Array(1 << 20).fill(1)); };`,
    ],
  ])('a module that allocates %s without end is ended at the memory limit', async (_, text) => {
    const problem = await thrownBy(text, { ...LIMITS, memoryLimit: 0.25 });
    expect(problem?.message).toMatch(/it used more than 0\.25 GiB of memory \(modules\.memory_limit\)\.$/);
  });
});

it.skipIf(process.platform === 'win32')('what a module has started ends with it', async () => {
  const noted = join(dir, 'started');
  const text = `import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
export default () => {
  const { pid } = spawn('sleep', ['600'], { stdio: 'inherit' });
  writeFileSync(${JSON.stringify(noted)}, String(pid));
  process.kill(process.pid, 'SIGKILL');
};`;
  expect(await thrownBy(text)).toMatchObject({ code: 'loader-failed' });
  const pid = Number(readFileSync(noted, 'utf8'));
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false));
});

describe('a metric', () => {
  it('keeps any JSON of each sample', async () => {
    const metric = await openText(`export default {
      accumulate: (outputs, label) => ({ seen: [label] }),
      result: (states) => states.reduce((sum, { seen: [label] }) => sum + label, 0),
    };`);
    const states = [
      await metric.accumulate({}, 2, null, context),
      await metric.accumulate({}, 3, null, context),
    ];
    expect([metric.result(states), metric.result([states[0]]), metric.sampleError(states[1])]).toEqual([
      5, 2, -3,
    ]);
    expect(metric.identity).toMatch(/^[0-9a-f]{64}$/);
  });

  it('gets outputs as typed arrays, float16 as float32, and float outputs and inputs where it asks', async () => {
    const metric = await openText(`export default ({ resolve }) => ({
      needsFloatOutputs: true,
      needsInputs: true,
      evaluate: ({ y }, label, { name, feeds }, floatOutputs) =>
        y.data.constructor.name === 'Float32Array' && floatOutputs.y.data[0] === 2n && feeds.x.data[0] === 7 && name === 'cat.jpg' && resolve('.') !== ''
          ? y.data[0] : -1,
    });`);
    const state = await metric.accumulate(
      { y: { type: 'float16', dims: [1], data: Uint16Array.of(0x3c00) } },
      null,
      { y: { type: 'int64', dims: [1], data: BigInt64Array.of(2n) } },
      { ...context, feeds: { x: { type: 'uint8', dims: [1], data: Uint8Array.of(7) } } },
    );
    expect([metric.needsReference, metric.result([state])]).toEqual([true, 1]);
  });

  it.each([
    [
      'throws',
      `export default {\n  evaluate() {\n    throw new Error('no mask');\n  },\n};`,
      /at sample "cat\.jpg", line 3: no mask/,
    ],
    [
      'returns no number',
      `export default { evaluate: () => NaN };`,
      /at sample "cat\.jpg".*"evaluate" returned NaN/,
    ],
    [
      'keeps nothing',
      `export default { accumulate() {}, result: () => 1 };`,
      /"accumulate" returned nothing/,
    ],
    [
      'keeps what JSON cannot hold',
      `export default { accumulate: () => [1 / 0], result: () => 1 };`,
      /a state with Infinity/,
    ],
  ])('that %s at a sample names it', async (_, text, expected) => {
    const metric = await openText(text);
    const problem = await problemOf(Promise.resolve(metric.accumulate({}, 0, null, context)));
    expect(problem).toMatchObject({
      code: 'metric-failed',
      configPath: ['accuracy_control', 'metric'],
      data: { sample: 'cat.jpg' },
    });
    expect(problem?.message).toMatch(expected);
  });

  it('is ended while the engine waits for its value, or for a sample', async () => {
    const endless = `export default { accumulate: () => new Promise(() => {}), result: () => 1 };`;
    const hanging = await openText(endless, { ...LIMITS, timeLimit: 6 });
    const ended = problemOf(Promise.resolve(hanging.accumulate({}, 0, null, context)));
    const metric = await openText(`export default { accumulate: () => 1, result() { for (;;); } };`, {
      ...LIMITS,
      timeLimit: 6,
    });
    const state = await metric.accumulate({}, 0, null, context);
    const waits = () => metric.result([state]);
    expect(waits).toThrow(/to compute the value of 1 samples: it did not answer within 6 s/);
    expect(waits).toThrow(/it did not answer/);
    expect((await ended)?.message).toMatch(/at sample "cat\.jpg": it did not answer within 6 s/);
  });

  it('has the files that it imports in its identity', async () => {
    const text = `import { one } from './one.mjs'; export default { evaluate: () => one };`;
    const name = `./${write(text)}`;
    const identity = async () => (await openMetric(name, { baseDir: dir, allowModules: true })).identity;
    writeFileSync(join(dir, 'one.mjs'), 'export const one = 1;');
    const before = await identity();
    expect(await identity()).toBe(before);
    writeFileSync(join(dir, 'one.mjs'), 'export const one = 2;');
    expect(await identity()).not.toBe(before);
  });

  it('has the files that it is given the paths of while it starts in its identity', async () => {
    const text = `import { readFileSync } from 'node:fs';
      export default ({ resolve }) => {
        const weight = Number(readFileSync(resolve('weight.txt'), 'utf8'));
        return { evaluate: () => weight };
      };`;
    const name = `./${write(text)}`;
    const identity = async () => (await openMetric(name, { baseDir: dir, allowModules: true })).identity;
    writeFileSync(join(dir, 'weight.txt'), '1');
    const before = await identity();
    writeFileSync(join(dir, 'weight.txt'), '2');
    expect(await identity()).not.toBe(before);
  });
});

describe('TypeScript', () => {
  it.each(['ts', 'mts'])('.%s runs, and what it throws keeps its line', async (extension) => {
    const text = [
      `import type { Loader } from 'quantsmith/module';`,
      `interface Row {`,
      `  readonly value: number;`,
      `}`,
      `enum Kind { bad = 2 }`,
      `const loader: Loader = function* () {`,
      `  for (const { value } of [{ value: 1 }, { value: 2 }] satisfies Row[]) {`,
      `    if ((value as Kind) === Kind.bad) throw new Error('bad row');`,
      `    yield { feeds: { x: { dims: [1, 1], data: [value] } } };`,
      `  }`,
      `};`,
      `export default loader;`,
    ].join('\n');
    const problem = await problemOf(load(write(text, extension)));
    expect(problem?.message).toMatch(/at sample 1, line 8: bad row\.$/);
  });

  it('may import other TypeScript, and be CommonJS', async () => {
    writeFileSync(join(dir, 'values.ts'), 'export const values: number[] = [4];');
    const text = `import { values } from './values.ts';\nexport default values.map((i: number) => (${SAMPLE}));`;
    const source = await load(write(text, 'ts'));
    expect((await source.get(0)).label).toEqual({ answer: 4 });
    const common = await load(write(`const i: number = 5; module.exports = [${SAMPLE}];`, 'cts'));
    expect((await common.get(0)).label).toEqual({ answer: 5 });
  });

  it('that does not parse names the line', async () => {
    const problem = await problemOf(load(write(`const a = 1;\nconst = 2;\nexport default [];`, 'ts')));
    expect(problem?.message).toMatch(/to start, line 2: /);
  });
});

it('no module starts without permission', async () => {
  const marked = join(dir, 'ran');
  const name = write(
    `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(marked)}, ''); export default [];`,
  );
  const refused = { baseDir: dir, allowModules: false };
  const loader = openData(
    { loader: name },
    { ...refused, inputs: [INPUT], configPath: ['data', 'calibration'] },
  );
  expect(await problemOf(loader)).toMatchObject({ code: 'modules-not-allowed' });
  expect(await problemOf(openMetric(`./${name}`, refused))).toMatchObject({ code: 'modules-not-allowed' });
  expect(() => readFileSync(marked)).toThrow();
});
