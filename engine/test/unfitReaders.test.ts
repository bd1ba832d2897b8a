import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { QuantizationReport } from '@quantsmith/schemas';
import { afterEach, expect, it } from 'vitest';
import { runPipeline } from '../src/pipeline.js';
import { checkRun, type Command } from './checkRun.js';
import { randomGraph } from './randomGraphs.js';

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-unfit-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Whatever has an integer kernel is quantized: what is faster in float hangs on this machine. */
const command: Command = async (configPath, stated) => {
  const config = { ...stated, quantization: { ...stated.quantization, optimize_for: 'integer' as const } };
  await runPipeline(
    { kind: 'run', config, configPath, configSha256: '', cache: false, allowModules: false },
    () => undefined,
  );

  return { refused: null };
};

/**
 * Found by `npm run soak:graphs`: another operator needs the codes that Softmax should not be given, and the runtime's QLinearSoftmax wraps
 * probabilities above the range.
 */
const WRAPPING_SOFTMAX = 7015313;

it('an operator without weights whose kernel is wrong goes to float with what reads its codes', async () => {
  const { faults, decibels } = await checkRun(
    randomGraph(WRAPPING_SOFTMAX),
    WRAPPING_SOFTMAX,
    folder,
    command,
    false,
  );
  expect(faults).toEqual([]);
  // A wrapped Softmax leaves nothing; everything in integers costs some.
  expect(decibels).toBeGreaterThan(15);

  const text = readFileSync(join(folder, 'random.int8.onnx.report.json'), 'utf8');
  const { verified, warnings, layers } = JSON.parse(text) as QuantizationReport;
  expect(verified?.passed).toBe(true);
  expect(warnings.find(({ code }) => code === 'operator-unfit')?.message).toMatch(
    /^Softmax .* stays in float, and with it what reads its codes \(Add_t6\)/,
  );
  expect(layers.find(({ name }) => name === 'Add_t6')).toMatchObject({ runs: 'float' });
});
