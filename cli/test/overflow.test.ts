import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findEmulator } from '../../engine/src/emulator.js';
import type { OverflowSummary, QuantizationReport } from '@quantsmith/schemas';
import { builtCli } from '../../test/kit/builtCli.js';
import { copyDigits } from '../../test/kit/digits.js';

const cli = builtCli();
const folder = mkdtempSync(join(tmpdir(), 'quantsmith-overflow-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
copyDigits(folder, { configs: false });

const emulated = await findEmulator('haswell').then(
  () => true,
  (error: unknown) => {
    if (process.env['CI'] === 'true') throw error;
    return false;
  },
);

function quantsmith(...args: string[]) {
  return spawnSync(process.execPath, [cli, ...args], { cwd: folder, encoding: 'utf8' });
}

/** The digits example with a fix, for a CPU that saturates. */
function configWith(fix: string): string {
  const name = `${fix}.quant.yaml`;
  const data = (set: string) => `{arrays: data/${set}.npy, preprocess: {scale: 16}`;
  writeFileSync(
    join(folder, name),
    `model: digits.onnx
output: ${fix}.int8.onnx
data:
  calibration: ${data('calibration')}}
  validation: ${data('validation')}, labels: data/validation-labels.npy}
quantization:
  advanced_parameters:
    overflow_fix: ${fix}
    backend_params: {target_isa: avx2, threads: 1}
`,
  );
  return name;
}

describe('quantsmith overflow', () => {
  it('of a config compares the fixes and keeps them in the report', () => {
    const config = configWith('first_layer');
    expect(quantsmith('run', config).status).toBe(0);
    const { status, stdout } = quantsmith('overflow', config, '--json');
    expect(status).toBe(0);
    const { settings, layers, metric } = JSON.parse(stdout) as OverflowSummary;
    expect(metric).toBe('top1');
    expect(settings.map(({ fix }) => fix)).toEqual(['disable', 'first_layer', 'enable', 'auto']);
    expect(settings.map(({ half_range: half }) => half)).toEqual([0, 1, 5, 1]);
    const [disable, first, enable, auto] = settings;
    expect(disable!.at_risk).toBeGreaterThan(first!.at_risk);
    expect(layers.filter((layer) => layer.pairs_at_risk > 0)).toHaveLength(first!.at_risk);
    // Nothing saturates: both CPUs agree.
    expect([enable!.saturating, enable!.predicted]).toEqual([0, enable!.metric]);
    // Half range where saturation costs more than it; what saturates by little stays at full range.
    // Judged by the outputs: three of 600 answers more or less are noise.
    expect(auto!.predicted).toBeGreaterThan(Math.min(disable!.predicted!, enable!.predicted!) - 0.0051);
    const text = readFileSync(join(folder, 'first_layer.int8.onnx.report.json'), 'utf8');
    expect((JSON.parse(text) as QuantizationReport).overflow.settings).toEqual(settings);
  });

  it('of a model names the layers that its weights put at risk', () => {
    expect(quantsmith('run', configWith('disable')).status).toBe(0);
    const { stdout } = quantsmith('overflow', 'disable.int8.onnx');
    expect(stdout).toContain('16-bit sums can saturate in 5 of 6 layers with 8-bit weights.');
    expect(stdout).toMatch(/\/residual\/first\/Conv\s+QLinearConv\s+\d+\s+\d+ of \d+\s+\d+ %/);
  });
});

describe.skipIf(!emulated)('quantsmith run --verify-isa haswell (needs qemu-user)', () => {
  it('gives the metric that was predicted', () => {
    const { status, stdout, stderr } = quantsmith(
      'run',
      configWith('disable'),
      '--verify-isa',
      'haswell',
      '--json',
    );
    expect(status).toBe(0);
    const { overflow, metric } = JSON.parse(stdout) as QuantizationReport;
    const percent = (value: number) => `${(100 * value).toFixed(2)} %`;
    expect(stderr).toContain(
      `haswell: top1 ${percent(overflow.predicted!.metric)}, here ${percent(metric!.quantized)}`,
    );
  }, 300_000);
  it('gives the same outputs to the bit where nothing saturates', () => {
    const { stderr } = quantsmith('run', configWith('enable'), '--verify-isa', 'haswell');
    expect(stderr).toContain('the outputs of all 600 samples are bit-identical');
  }, 300_000);
  it('gives the SQNR where there are no labels', () => {
    const config = configWith('auto');
    const path = join(folder, config);
    const text = readFileSync(path, 'utf8');
    const [unlabelled] = text.split(/^ {2}validation:/m);
    const [, quantization] = text.split(/^quantization:/m);
    // Emulated, each sample takes its time.
    const few = unlabelled!.replace('calibration.npy,', 'calibration.npy, limit: 8,');
    writeFileSync(path, `${few}quantization:${quantization}`);
    const { stderr } = quantsmith('run', config, '--verify-isa', 'haswell');
    expect(stderr).toMatch(/haswell: sqnr \d+\.\d+, here \d+\.\d+; the outputs of .*8 samples/);
  }, 300_000);
});
