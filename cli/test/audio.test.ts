import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeModel } from '@quantsmith/model/onnx';
import type { QuantizationReport } from '@quantsmith/schemas';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { builtCli, root } from '../../test/kit/builtCli.js';
import { floats, model, node, randoms, value } from '../../test/kit/models.js';
import { tone, wavFile } from '../../test/kit/wav.js';

const cli = builtCli();
const folder = mkdtempSync(join(tmpdir(), 'quantsmith-audio-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, content: string | Uint8Array) => writeFileSync(join(folder, name), content);
const quantsmith = (...args: string[]) =>
  spawnSync(process.execPath, [cli, ...args], { cwd: folder, encoding: 'utf8' });

/** A step of a recurrent network on 64 samples: h' = tanh(x·W + h·U), y = h'·V. */
function streamingModel(): Uint8Array {
  const scaled = (count: number, seed: number, by: number) => randoms(count, seed).map((each) => by * each);
  return encodeModel(
    model({
      inputs: [value('samples', [1, 64]), value('memory_in', [1, 16])],
      outputs: [value('enhanced', [1, 64]), value('memory_out', [1, 16])],
      nodes: [
        node('MatMul', ['samples', 'W'], ['seen']),
        node('MatMul', ['memory_in', 'U'], ['kept']),
        node('Add', ['seen', 'kept'], ['sum']),
        node('Tanh', ['sum'], ['memory_out']),
        node('MatMul', ['memory_out', 'V'], ['enhanced']),
      ],
      initializers: [
        floats('W', [64, 16], scaled(1024, 1, 0.3)),
        floats('U', [16, 16], scaled(256, 2, 0.4)),
        floats('V', [16, 64], scaled(1024, 3, 0.3)),
      ],
    }),
  );
}

/** Energies of a window in 8 bands, as a classifier that tells low tones from high ones: [N, 33] magnitudes. */
function toneModel(): Uint8Array {
  const weight = Float32Array.from({ length: 66 }, (_, i) =>
    i % 2 === Number(Math.floor(i / 2) < 8) ? 0.1 : -0.1,
  );
  return encodeModel(
    model({
      inputs: [value('spectrum', ['batch', 33])],
      outputs: [value('scores', ['batch', 2])],
      nodes: [node('MatMul', ['spectrum', 'weight'], ['scores'])],
      initializers: [floats('weight', [33, 2], weight)],
    }),
  );
}

beforeAll(() => {
  write('enhance.onnx', streamingModel());
  write('tones.onnx', toneModel());
  for (const part of ['train', 'val'])
    for (const [name, hertz] of [
      ['high', 4000],
      ['low', 500],
    ] as const) {
      mkdirSync(join(folder, 'tones', part, name), { recursive: true });
      mkdirSync(join(folder, 'speech', part), { recursive: true });
      for (const take of [0, 1]) {
        const sound = tone(hertz + 120 * take + (part === 'val' ? 60 : 0), 1024, { level: 0.4 + 0.2 * take });
        write(`tones/${part}/${name}/${take}.wav`, wavFile([sound]));
        write(`speech/${part}/${name}${take}.wav`, wavFile([sound]));
      }
    }

  const page = readFileSync(join(root, 'docs/data.md'), 'utf8');
  const configs = page.matchAll(/^```yaml\n# ((?:enhance|tones)\.quant\.yaml)\n(.*?)^```/gms);
  for (const [, name, config] of configs) write(name!, config!);
});

function reportOf(config: string): QuantizationReport {
  const checked = quantsmith('check', config).stdout;
  expect(checked).not.toMatch(/error/);
  const { status, stderr } = quantsmith('run', config, '--output', `${config}.onnx`, '--force');
  expect([status, stderr]).toEqual([0, expect.any(String)]);
  return JSON.parse(readFileSync(join(folder, `${config}.onnx.report.json`), 'utf8')) as QuantizationReport;
}

it("the page's streaming model, its states fed back", () => {
  const { metric, outputs } = reportOf('enhance.quant.yaml');
  expect(metric).toMatchObject({ name: 'sqnr', satisfied: true });
  expect(metric!.quantized).toBeGreaterThan(20);
  expect(outputs?.map(({ name }) => name)).toContain('enhanced');
});

it("the page's classifier of windows", () => {
  expect(reportOf('tones.quant.yaml').metric).toMatchObject({ name: 'top1', baseline: 1, quantized: 1 });
});

it('init writes a config that runs: windows, states and class folders by shapes and names', () => {
  expect(quantsmith('init', 'enhance.onnx', '--data', 'speech', '--output', 'found.quant.yaml').status).toBe(
    0,
  );
  const written = readFileSync(join(folder, 'found.quant.yaml'), 'utf8');
  expect(written).toContain('audio: ./speech/train');
  expect(written).toContain('frames: {length: 64}');
  expect(written).toContain('states: {memory_in: memory_out}');
  expect(reportOf('found.quant.yaml').metric).toMatchObject({ name: 'cosine', satisfied: true });
  expect(quantsmith('init', 'tones.onnx', '--data', 'tones', '--output', 'classes.quant.yaml').status).toBe(
    0,
  );
  const classes = readFileSync(join(folder, 'classes.quant.yaml'), 'utf8');
  expect(classes).toContain('audio: ./tones/val');
  expect(classes).toContain('frames: {length: 64, hop: 32, features: magnitude, window: hann}');
  expect(classes).toMatch(/metric: top1/);
});

it('states that are missing or do not fit are found by check, with a fix', () => {
  const head = 'model: enhance.onnx\ndata:\n  calibration: {audio: speech/train, frames: {length: 64}';
  write('none.quant.yaml', `${head}}\n`);
  expect(quantsmith('check', 'none.quant.yaml').stdout).toMatch(/\[states-missing\]/);
  quantsmith('check', 'none.quant.yaml', '--fix');
  write('unfit.quant.yaml', `${head}, states: {memory_in: enhanced}}\n`);
  expect(quantsmith('check', 'unfit.quant.yaml').stdout).toMatch(
    /"enhanced" \(float32 \[1, 64\]\) does not fit the input "memory_in" \(float32 \[1, 16\]\)\. \[states-unfit\]/,
  );
  write('rate.quant.yaml', `${head}, states: {memory_in: memory_out}, sample_rate: 8000}\n`);
  const { status, stdout, stderr } = quantsmith('run', 'rate.quant.yaml');
  expect([status, `${stdout}${stderr}`]).toEqual([
    expect.any(Number),
    expect.stringMatching(/has 16000 samples per second, not 8000/),
  ]);
  expect(status).not.toBe(0);
});
