import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { METRIC_NAMES } from '@quantsmith/schemas';
import { BUILT_IN } from '../src/metrics/builtIn.js';
import type { Metric, Outputs } from '../src/metrics/metric.js';
import { openMetric } from '../src/metrics/open.js';
import { NO_TASK } from '../src/tasks/task.js';
import { sampleErrors } from '../src/validation/sampleErrors.js';

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-errors-'));
afterAll(() => rmSync(folder, { recursive: true }));

const tensor = (dims: number[], ...values: number[]): Outputs => ({
  y: { type: 'float32', dims, data: Float32Array.from(values) },
});
const vector = (...values: number[]) => tensor([1, values.length], ...values);
const context = (index: number) => ({ name: `sample ${index}`, feeds: {}, image: null, task: NO_TASK });

interface Sample {
  readonly outputs: Outputs;
  readonly label?: number;
  readonly float?: Outputs;
}

/** What the report lists of a metric over some samples. */
async function listed(metric: Metric, samples: readonly Sample[]): Promise<readonly number[] | undefined> {
  const states = await Promise.all(
    samples.map(({ outputs, label = null, float = null }, index) =>
      metric.accumulate(outputs, label, float, context(index)),
    ),
  );
  return sampleErrors(metric, states).sample_errors;
}

function openModule(name: string, text: string): Promise<Metric> {
  writeFileSync(join(folder, `${name}.mjs`), text);
  const modules = { timeLimit: 60, memoryLimit: 2 };
  return openMetric(`./${name}.mjs`, { baseDir: folder, allowModules: true, modules });
}

const SAMPLES: Sample[] = [
  // Differences of 1 and 2, of none, and of 0.2, which no float32 is: the rounding lies behind the sixth digit.
  { outputs: vector(1, 2), float: vector(2, 4), label: 0 },
  { outputs: vector(3, 3), float: vector(3, 3), label: 1 },
  { outputs: vector(0, 1.2), float: vector(0, 1), label: 1 },
];

it('are what each sample came to, in their order and with six digits', async () => {
  expect(await listed(BUILT_IN.mse, SAMPLES)).toEqual([2.5, 0, 0.02]);
  expect(await listed(BUILT_IN.mae, SAMPLES)).toEqual([1.5, 0, 0.1]);
});

it('are larger where a sample is worse, also of metrics whose values are then smaller', async () => {
  const [far = 0, equal = 0, near = 0] = (await listed(BUILT_IN.psnr, SAMPLES)) ?? [];
  expect(far).toBeGreaterThan(near);
  expect(near).toBeGreaterThan(equal);
});

it('are not listed where single answers are, or where no sample alone says which model is better', async () => {
  expect(await listed(BUILT_IN.top1, SAMPLES)).toBeUndefined();
  // A pair whose vectors are closer is no better answered: the correlation goes by the order of all pairs.
  const pair = { outputs: tensor([2, 2], 1, 0, 0.6, 0.8), label: 0.5 };
  expect(await listed(BUILT_IN.spearman, [pair, pair])).toBeUndefined();
});

it('are listed of every other built-in metric', () => {
  const unlisted = METRIC_NAMES.filter(
    (name) => BUILT_IN[name].answer !== undefined || BUILT_IN[name].comparesSamples === false,
  );
  expect(unlisted).toEqual(METRIC_NAMES.filter((name) => /^(top|f1|spearman)/.test(name)));
});

it('are not listed where one of them is no number', async () => {
  const broken = { outputs: vector(NaN, 1), float: vector(1, 1) };
  expect(await listed(BUILT_IN.mse, [...SAMPLES, broken])).toBeUndefined();
});

it('of a module are its values, turned round where larger is better', async () => {
  const first = '(outputs) => outputs.y.data[0]';
  const higher = await openModule('higher', `export default { evaluate: ${first} };`);
  const lower = await openModule('lower', `export default { higherIsBetter: false, evaluate: ${first} };`);
  expect(await listed(higher, SAMPLES)).toEqual([-1, -3, 0]);
  expect(await listed(lower, SAMPLES)).toEqual([1, 3, 0]);
});

it('of a module that makes its value of states are not asked for', async () => {
  const metric = await openModule(
    'states',
    `export default {
    accumulate: (outputs) => outputs.y.data[0],
    result(states) {
      if (states.length < 2) throw new Error('a single sample has no value');
      return states.length;
    },
  };`,
  );
  expect(await listed(metric, SAMPLES)).toBeUndefined();
});
