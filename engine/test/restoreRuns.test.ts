import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { QuantizationConfig, QuantizationReport } from '@quantsmith/schemas';
import { runPipeline } from '../src/pipeline.js';
import { DIGITS } from '../../test/kit/digits.js';

const scratch = mkdtempSync(join(tmpdir(), 'quantsmith-restore-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const example = (path: string) => join(DIGITS, path);
let runs = 0;

/** The digits with weights of few bits, which lose answers, restored to a target. */
async function restored(
  control: Partial<QuantizationConfig['accuracy_control']>,
  quantization: Partial<QuantizationConfig['quantization']> = {},
): Promise<QuantizationReport> {
  const config: QuantizationConfig = {
    model: example('digits.onnx'),
    data: {
      calibration: { arrays: example('data/calibration.npy'), preprocess: { scale: 16 }, limit: 20 },
      validation: {
        ...{ arrays: example('data/validation.npy'), labels: example('data/validation-labels.npy') },
        preprocess: { scale: 16 },
      },
    },
    quantization: {
      defaults: 'nncf',
      advanced_parameters: {
        overflow_fix: 'disable',
        disable_bias_correction: true,
        weights_quantization_params: { num_bits: 3, per_channel: false },
      },
      ...quantization,
    },
    accuracy_control: { metric: 'top1', ...control },
  };
  const output = join(scratch, `${runs++}.onnx`);
  const files = { configPath: join(scratch, 'c.quant.yaml'), configSha256: '', output };
  const { report } = await runPipeline(
    { kind: 'run', config, ...files, allowModules: false, cache: false },
    () => undefined,
  );
  return report;
}

const facts = ({ restoration, metric }: QuantizationReport) => ({
  reverted: restoration?.reverted,
  measured: restoration?.steps.map((step) => step.metric),
  quantized: metric?.quantized,
});

describe('a restored run', () => {
  it('puts back the same operators for a relative drop and the absolute one that it stands for', async () => {
    const absolute = await restored({ max_drop: 0.012 });
    expect(absolute.restoration!.reverted.length).toBeGreaterThan(0);
    const share = 0.012 / absolute.metric!.baseline;
    const relative = await restored({ max_drop: share, drop_type: 'relative' });
    expect(facts(relative)).toEqual(facts(absolute));
    expect(relative.metric!.satisfied).toBe(true);
  });
  it('never needs more operators for a looser target', async () => {
    const counts: number[] = [];
    for (const maxDrop of [0, 0.002, 0.006, 0.02, 0.06]) {
      const { restoration, metric } = await restored({ max_drop: maxDrop, drop_type: 'relative' });
      expect(metric!.satisfied).toBe(true);
      counts.push(restoration?.reverted.length ?? 0);
    }

    expect(counts).toEqual([...counts].sort((a, b) => b - a));
  });
  it('gives one layer 16 bits where the size counts, instead of leaving it in float', async () => {
    const coarse = { names: ['/residual/first/Conv'], num_bits: 2 };
    const { restoration, metric } = await restored(
      { max_drop: 0.005, advanced_accuracy_restorer_params: { tune_hyperparams: true } },
      { optimize_for: 'size', overrides: [coarse], advanced_parameters: { overflow_fix: 'disable' } },
    );
    expect(metric!.quantized_initial).toBeLessThan(metric!.baseline - 0.01);
    expect(metric!.satisfied).toBe(true);
    expect(restoration!.reverted).toEqual([]);
    const kept = restoration!.remedies!.find(({ setting, kept: is }) => is && setting === 'overrides')!;
    expect(JSON.parse(kept.value)).toEqual([coarse, { names: ['/residual/first/Conv'], num_bits: 16 }]);
  });
  it('returns the best state that it saw where time is short, and never without having measured one', async () => {
    const { restoration, metric } = await restored({ max_drop: 0, time_limit: 0.001 });
    const seen = restoration!.steps.map((step) => step.metric);
    expect(seen.length).toBeGreaterThan(0);
    expect(metric!.quantized).toBe(Math.max(metric!.quantized_initial, ...seen));
    expect(restoration!.stop_reason).toMatch(/time limit|target was met/);
  });
});
