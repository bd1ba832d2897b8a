import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, describe, expect, it } from 'vitest';
import { readArrayFile } from '@quantsmith/model/arrays';
import { debugSchema, type DebugReport, type QuantizationReport } from '@quantsmith/schemas';
import { builtCli, root } from '../../test/kit/builtCli.js';
import { copyDigits } from '../../test/kit/digits.js';
import { npyBytes, npyHeader } from '../../test/kit/npy.js';

const cli = builtCli();
const folder = mkdtempSync(join(tmpdir(), 'quantsmith-findings-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
copyDigits(folder, { configs: false });

function quantsmith(...args: string[]) {
  return spawnSync(process.execPath, [cli, ...args], { cwd: folder, encoding: 'utf8' });
}

interface Settings {
  readonly labels?: string;
  readonly scale?: number;
  readonly rest?: string;
}

function config(
  name: string,
  { labels = 'data/validation-labels.npy', scale = 16, rest = '' }: Settings = {},
) {
  writeFileSync(
    join(folder, `${name}.quant.yaml`),
    `model: digits.onnx
data:
  calibration: {arrays: data/calibration.npy, preprocess: {scale: ${scale}}}
  validation: {arrays: data/validation.npy, labels: ${labels}, preprocess: {scale: 16}}
${rest}`,
  );
  return `${name}.quant.yaml`;
}

/** The labels with the classes in the opposite order. */
function reversedLabels(): string {
  const array = readArrayFile(join(folder, 'data/validation-labels.npy'), []);
  const labels = Array.from(array.rows(0, array.shape[0]!) as ArrayLike<number | bigint>, Number);
  const reversed = BigInt64Array.from(labels, (label) => BigInt(9 - label));
  const bytes = npyBytes(npyHeader('<i8', array.shape), new Uint8Array(reversed.buffer));
  writeFileSync(join(folder, 'data/reversed.npy'), bytes);
  return 'data/reversed.npy';
}

describe('a float model that only guesses', () => {
  it('is an error in every form, above every verdict, and 5 under --strict', () => {
    const wrong = config('reversed', {
      labels: reversedLabels(),
      rest: 'accuracy_control: {metric: top1, max_drop: 0.5}\n',
    });
    const run = quantsmith('run', wrong);
    expect(run.status).toBe(0);
    expect(run.stderr).toContain('[float-accuracy-implausible]');
    expect(run.stdout).toContain('not trustworthy');
    expect(quantsmith('run', wrong, '--strict').status).toBe(5);
    for (const format of ['table', 'markdown', 'html', 'sarif', 'json']) {
      const { stdout } = quantsmith('report', 'reversed.int8.onnx', '--format', format);
      expect(stdout, format).toContain('float-accuracy-implausible');
      expect(stdout, format).not.toContain('target met');
    }
  });
  it('is nothing that --strict ends a sound run with', () => {
    expect(quantsmith('run', config('sound'), '--strict').status).toBe(0);
  });
});

describe('damage', () => {
  it('is named with its layer and its ranges in every form', () => {
    const dark = config('dark', { scale: 160 });
    const run = quantsmith('run', dark);
    expect(run.status).toBe(0);
    expect(run.stderr).toMatch(
      /values of "[^"]+" on \d+ held-out samples lie outside .*\[calibration-clipped\]/,
    );
    expect(run.stderr).toMatch(/The error jumps at \w+ "[^"]+": .*\[layer-collapse\]/);
    for (const format of ['table', 'markdown', 'html', 'sarif']) {
      const { stdout } = quantsmith('report', 'dark.int8.onnx', '--format', format);
      for (const code of ['calibration-clipped', 'layer-collapse', 'output-damaged'])
        expect(stdout, `${format} ${code}`).toContain(code);
    }
  });
});

describe('quantsmith debug', () => {
  const validate = new Ajv2020({ strict: false }).compile(debugSchema);
  const debugged = (...args: string[]): DebugReport => {
    const { status, stdout, stderr } = quantsmith('debug', ...args, '--json');
    expect(status, stderr).toBe(0);
    const report = JSON.parse(stdout) as DebugReport;
    expect(validate(report), JSON.stringify(validate.errors)).toBe(true);
    return report;
  };

  it('compares every layer as the schema says, and names the one that falls with its cause', () => {
    const dark = debugged(config('debugged', { scale: 160 }));
    expect(dark.settings).toBe('defaults');
    expect(dark.first).toMatchObject({ lost: true, before_db: null, cause: 'clipped' });
    expect(dark.layers[0]!.name).toBe(dark.first!.name);
    expect(dark.layers.every(({ alone_db: alone }) => alone !== null)).toBe(true);
    expect(dark.layers[0]!.inputs[0]!.clipped).toBeGreaterThan(0.2);
    expect(quantsmith('debug', 'debugged.quant.yaml').stdout).toMatch(
      /The signal is lost at \S+ \(Conv\): .*lies outside/,
    );
  });
  it('takes what the last run chose, and finds nothing lost where nothing is', () => {
    const path = config('after', {
      rest: `quantization:
  advanced_parameters: {overflow_fix: disable, weights_quantization_params: {num_bits: 4, per_channel: false}}
accuracy_control: {metric: top1, max_drop: 0.01}
`,
    });
    const { stdout } = quantsmith('run', path, '--json');
    const { restoration } = JSON.parse(stdout) as QuantizationReport;
    const report = debugged(path);
    expect(report.settings).toBe('report');
    const float = report.layers.filter(({ quantized }) => !quantized).map(({ name }) => name);
    expect(float).toEqual(expect.arrayContaining([...restoration!.reverted]));
  });
  it('writes tensors and images into a new folder, and never into one that holds something', () => {
    const path = config('saved');
    const { saved, layers } = debugged(path, '--save', 'layers');
    expect(saved.length).toBeGreaterThanOrEqual(2 * layers.length);
    expect(readdirSync(join(folder, 'layers')).sort()).toEqual(
      saved.map((file) => file.split('/').at(-1)).sort(),
    );
    const [first] = readdirSync(join(folder, 'layers'))
      .filter((name) => name.endsWith('.float.npy'))
      .sort();
    const array = readArrayFile(join(folder, 'layers', first!), []);
    expect(array.shape[0]).toBe(1);
    expect(saved.some((file) => file.endsWith('.png'))).toBe(true);
    mkdirSync(join(folder, 'full'));
    writeFileSync(join(folder, 'full/mine.txt'), 'mine');
    const refused = quantsmith('debug', path, '--save', 'full');
    expect(refused.status).not.toBe(0);
    expect(readFileSync(join(folder, 'full/mine.txt'), 'utf8')).toBe('mine');
    expect(existsSync(join(folder, 'saved.int8.onnx'))).toBe(false);
  });
});

describe('what once went wrong without a word', () => {
  it.each([
    ['big_1e-4_1e4', /"Conv_0".*\[bias-too-large\]/],
    ['mask_bias_-1e9', /"Conv_0".*\[bias-too-large\]/],
    ['pad_neginf_maxpool', /padding of "[^"]+".*\[padding-left-out\]/],
  ])('%s is named through the command line', (name, named) => {
    const target = join(folder, name);
    cpSync(join(root, 'test/cases', name), target, { recursive: true });
    const { status, stderr } = quantsmith('run', join(target, 'run.quant.yaml'));
    expect(status).toBe(0);
    expect(stderr).toMatch(named);
  });

  it('what the check has said, the run does not say again', () => {
    const target = join(folder, 'bodies');
    cpSync(join(root, 'test/cases/if_loop_subgraph'), target, { recursive: true });
    const { stderr } = quantsmith('run', join(target, 'run.quant.yaml'));
    expect(stderr.match(/\[operators-in-bodies\]/g)).toHaveLength(1);
  });
});
