import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { QuantsmithError, type TensorSignature } from '@quantsmith/schemas';
import { openData } from '../src/data/source.js';
import { openMetric } from '../src/metrics/open.js';
import { NO_TASK } from '../src/tasks/task.js';

const dir = mkdtempSync(join(tmpdir(), 'quantsmith-modules-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const INPUT: TensorSignature = { name: 'x', type: 'float32', dims: ['batch', 1] };
let made = 0;
/** Each module has a name of its own: Node keeps what it has loaded. */
function write(text: string): string {
  const name = `module${made++}.mjs`;
  writeFileSync(join(dir, name), text);
  return name;
}

const load = (loader: string, limit: number | null = null) =>
  openData(
    { loader, ...(limit === null ? {} : { limit }) },
    { inputs: [INPUT], baseDir: dir, allowModules: true, configPath: ['data', 'validation'] },
  );
const SAMPLE = '{ feeds: { x: { dims: [1, 1], data: [i] } }, label: { answer: i } }';

it('a limit stops the loader', async () => {
  const counted = `globalThis.read = 0; export default function* () { for (let i = 0; i < 20000; i++) { globalThis.read++; yield ${SAMPLE}; } }`;
  const source = await load(write(counted), 3);
  expect([source.count, (globalThis as unknown as { read: number }).read]).toEqual([3, 3]);
  expect((await source.get(2)).label).toEqual({ answer: 2 });
});

it('listed samples are asked for one by one', async () => {
  const source = await load(
    write(
      `export default { length: 5000, get: (i) => { if (i > 2) throw new Error('too far'); return ${SAMPLE}; } }`,
    ),
  );
  expect([source.count, source.hasLabels]).toEqual([5000, true]);
  expect(Array.from((await source.get(2)).feeds['x']!.data as Float32Array)).toEqual([2]);
});

it('labels belong to the identity of the data', async () => {
  const text = (label: number) =>
    `export default [1, 2].map((i) => ({ feeds: { x: { dims: [1, 1], data: [i] } }, label: globalThis.label${label} ?? ${label} }));`;
  const [one, two] = [await load(write(text(1))), await load(write(text(2)))];
  expect(await one.fingerprint()).not.toBe(await two.fingerprint());
});

it('what a loader throws names the line', async () => {
  const name = write(`export default {\n  length: 2,\n  get() {\n    throw new Error('no image');\n  },\n};`);
  const problem = await load(name).then(
    () => null,
    (error: unknown) => (error instanceof QuantsmithError ? error.problem : null),
  );
  expect(problem?.code).toBe('loader-failed');
  expect(problem?.message).toMatch(/failed at sample 0, line 4: no image\.$/);
  expect(problem?.data?.['stack']).toMatch(/no image/);
});

const context = { name: 'cat.jpg', feeds: {}, image: null, task: NO_TASK };
const open = (text: string) => openMetric(`./${write(text)}`, { baseDir: dir, allowModules: true });

it('a metric keeps any JSON of each sample', async () => {
  const metric = await open(`export default {
    accumulate: (outputs, label) => ({ seen: [label] }),
    result: (states) => states.reduce((sum, { seen: [label] }) => sum + label, 0),
  };`);
  const states = [
    await metric.accumulate({}, 2, null, context),
    await metric.accumulate({}, 3, null, context),
  ];
  expect([metric.result(states), metric.identity]).toEqual([5, expect.stringMatching(/^[0-9a-f]{64}$/)]);
});

it('what a metric throws, and what is no number, names the sample', async () => {
  const throws = await open(`export default {\n  evaluate() {\n    throw new Error('no mask');\n  },\n};`);
  await expect(throws.accumulate({}, 0, null, context)).rejects.toThrow(
    /at sample "cat\.jpg", line 3: no mask/,
  );
  const strange = await open(`export default { evaluate: () => NaN };`);
  await expect(strange.accumulate({}, 0, null, context)).rejects.toThrow(
    /returned NaN for sample "cat\.jpg"/,
  );
});
