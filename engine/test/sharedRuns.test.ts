import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { QuantizationConfig, RunRequest } from '@quantsmith/schemas';
import { DIGITS } from '../../test/kit/digits.js';
import { timeless } from '../../test/kit/timeless.js';
import { runPipeline } from '../src/pipeline.js';
import { shareRuns, type SharedRuns } from '../src/run/shared.js';

const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-shared-runs-'));
const cacheBefore = process.env['QUANTSMITH_CACHE'];
afterAll(() => {
  if (cacheBefore === undefined) delete process.env['QUANTSMITH_CACHE'];
  else process.env['QUANTSMITH_CACHE'] = cacheBefore;
  rmSync(scratch, { recursive: true, force: true });
});
const example = (path: string) => join(DIGITS, path);

const config = (quantization: QuantizationConfig['quantization'], metric = 'top1'): QuantizationConfig => ({
  model: example('digits.onnx'),
  history: false,
  data: {
    calibration: { arrays: example('data/calibration.npy'), preprocess: { scale: 16 }, limit: 20 },
    validation: {
      ...{ arrays: example('data/validation.npy'), labels: example('data/validation-labels.npy') },
      ...{ preprocess: { scale: 16 }, limit: 48 },
    },
  },
  quantization: {
    ...quantization,
    advanced_parameters: { ...quantization?.advanced_parameters, backend_params: { threads: 1 } },
  },
  accuracy_control: { metric, max_drop: 0.5 },
});

const CONFIGS = [
  config({ defaults: 'nncf', preset: 'performance' }),
  config({ defaults: 'nncf', preset: 'mixed' }),
  config({ preset: 'mixed', advanced_parameters: { overflow_fix: 'disable' } }),
  config({ defaults: 'nncf', ignored_scope: { types: ['Gemm'] } }),
  config({ defaults: 'nncf', preset: 'mixed' }, 'agreement'),
];

/** Each run with a cache of its own, so that it finds nothing but what runs share by their process. */
async function run(number: number, name: string, shared: SharedRuns | null) {
  process.env['QUANTSMITH_CACHE'] = join(scratch, `cache-${name}-${number}`);
  const output = join(scratch, `${number}.onnx`);
  const request: RunRequest = {
    ...{ kind: 'run', config: CONFIGS[number]!, allowModules: false, output, force: true },
    ...{ configPath: join(scratch, 'c.quant.yaml'), configSha256: '' },
    ...(shared === null ? {} : { following: CONFIGS }),
  };
  const { report } = await runPipeline(request, () => undefined, undefined, undefined, shared);

  return { model: readFileSync(output), report };
}

it('runs that share a process give what each gives alone, and compute what they have in common once', async () => {
  const shared = shareRuns();
  const together = [];
  for (const number of CONFIGS.keys()) together.push(await run(number, 'together', shared));
  for (const [number, { model, report }] of together.entries()) {
    const alone = await run(number, 'alone', null);
    expect(alone.model.equals(model), `model ${number}`).toBe(true);
    expect(timeless(report), `report ${number}`).toEqual(timeless(alone.report));
  }

  const counted = together.map(({ report: { data } }) => [
    data?.calibration.cached,
    data?.validation?.cached,
  ]);
  expect(counted).toEqual([
    [false, false],
    // With the statistics of the run before, which knew that it follows.
    [true, true],
    // More is tried where the defaults are measured, on the same tensors.
    [true, true],
    // Other tensors are looked at.
    [false, true],
    // Another metric.
    [true, false],
  ]);
});
