import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { builtCli } from '../../test/kit/builtCli.js';
import { copyDigits } from '../../test/kit/digits.js';

const cli = builtCli();
const folder = mkdtempSync(join(tmpdir(), 'quantsmith-sweep-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
copyDigits(folder, { configs: false });

const DATA = (set: string, limit: number) =>
  `{arrays: data/${set}.npy, preprocess: {scale: 16}, limit: ${limit}`;
const CONFIG = `model: digits.onnx
data:
  calibration: ${DATA('calibration', 8)}}
  validation: ${DATA('validation', 40)}, labels: data/validation-labels.npy}
quantization: {defaults: nncf}
`;
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
write(
  'a.quant.yaml',
  `${CONFIG}matrix:
  quantization.preset: [performance, mixed]
  quantization.advanced_parameters.overflow_fix: [enable, disable]
  exclude:
    - {quantization.preset: mixed, quantization.advanced_parameters.overflow_fix: enable}
`,
);
write('plain.quant.yaml', CONFIG);
write('twice.quant.yaml', `${CONFIG}matrix: {quantization.preset: [mixed, mixed]}\n`);

const env = { ...process.env, QUANTSMITH_CACHE: join(folder, 'cache') };
function quantsmith(...args: string[]) {
  return spawnSync(process.execPath, [cli, ...args], { cwd: folder, env, encoding: 'utf8' });
}

interface Printed {
  readonly points: readonly {
    readonly name: string;
    readonly output: string;
    readonly state: string;
    readonly on_front: boolean;
    readonly metric: { readonly baseline: number };
  }[];
  readonly work: Record<string, number>;
}
const printed = (text: string) => JSON.parse(text) as Printed;

describe('sweep', () => {
  it('runs every combination once, shares what settings do not change, and keeps what is finished', () => {
    const first = printed(quantsmith('sweep', 'a.quant.yaml', '--json').stdout);
    expect(first.points.map(({ output, state }) => [output, state])).toEqual([
      ['a.preset=performance,overflow_fix=enable.int8.onnx', 'done'],
      ['a.preset=performance,overflow_fix=disable.int8.onnx', 'done'],
      ['a.preset=mixed,overflow_fix=disable.int8.onnx', 'done'],
    ]);
    for (const { output } of first.points) expect(existsSync(join(folder, output))).toBe(true);
    expect(first.points.some((point) => point.on_front)).toBe(true);
    expect(first.work).toMatchObject({ runs: 3, kept: 0, float_validations: 1 });

    rmSync(join(folder, first.points[1]!.output));
    const second = printed(quantsmith('sweep', 'a.quant.yaml', '--json').stdout);
    expect(second.points.map(({ state }) => state)).toEqual(['kept', 'done', 'kept']);
    expect(second.work).toMatchObject({ runs: 1, kept: 2, calibrations: 0, float_validations: 0 });
  });

  it('takes several configs and a setting for all, which is then not varied', () => {
    const { status, stdout, stderr } = quantsmith(
      ...['sweep', 'a.quant.yaml', 'plain.quant.yaml', '--set', 'preset=performance', '--output', 's.html'],
    );
    expect(stderr).toContain('[3/3] plain.quant.yaml: top1');
    expect([status, stdout]).toEqual([0, '']);
    // The page is one thing, the models are others.
    for (const model of [
      'plain.int8.onnx',
      'a.overflow_fix=disable.int8.onnx',
      'a.overflow_fix=enable.int8.onnx',
    ])
      expect(existsSync(join(folder, model)), model).toBe(true);
    expect(existsSync(join(folder, 's.html.report.json'))).toBe(false);
    const page = readFileSync(join(folder, 's.html'), 'utf8');
    expect(page).toContain('href="plain.int8.onnx.report.html"');
    expect(readFileSync(join(folder, 'plain.int8.onnx.report.html'), 'utf8')).toContain('<h1>');
    expect(page).toContain('a.quant.yaml: overflow_fix=disable');
  });

  it('replaces what it did not write where that is wanted, and has no need to where it only writes the config', () => {
    write('mine.quant.yaml', `${CONFIG}matrix: {quantization.preset: [mixed]}\n`);
    const output = 'mine.preset=mixed.int8.onnx';
    write(output, 'mine');
    expect(quantsmith('sweep', 'mine.quant.yaml').stderr).toContain('--force replaces it');
    expect(quantsmith('sweep', 'mine.quant.yaml', '--use', 'preset=mixed').status).toBe(0);
    expect(readFileSync(join(folder, output), 'utf8')).toBe('mine');
    expect(quantsmith('sweep', 'mine.quant.yaml', '--force').status).toBe(0);
    expect(readFileSync(join(folder, output)).length).toBeGreaterThan(1000);
  });

  it('tells configs of the same name apart by their paths', () => {
    mkdirSync(join(folder, 'other'));
    write('other/plain.quant.yaml', CONFIG.replaceAll(/(digits\.onnx|data\/)/g, '../$1'));
    const { stdout, stderr } = quantsmith('sweep', 'plain.quant.yaml', 'other/plain.quant.yaml');
    for (const text of [stdout, stderr]) expect(text).toContain('other/plain.quant.yaml');
  });

  it('--use writes the settings of a combination into the config, whose comments and matrix stay', () => {
    const text = `# ours\n${CONFIG.replace('nncf}', 'nncf, preset: performance}')}matrix: {quantization.preset: [performance, mixed]}\n`;
    write('use.quant.yaml', text);
    expect(quantsmith('sweep', 'use.quant.yaml', '--use', 'preset=fast')).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(
        /no combination "preset=fast". It has preset=performance; preset=mixed\./,
      ),
    });
    expect(quantsmith('sweep', 'use.quant.yaml', '--use', 'preset=mixed').status).toBe(0);
    expect(readFileSync(join(folder, 'use.quant.yaml'), 'utf8')).toBe(
      text.replace('preset: performance}', 'preset: mixed}'),
    );
  });

  it.each([
    [['a.quant.yaml', '--set', 'prest=mixed'], 2, 'There is no setting prest.'],
    [['a.quant.yaml', '--set', 'num_bits=8'], 2, 'num_bits may be'],
    [['a.quant.yaml', '--set', 'preset'], 2, 'preset=mixed'],
    [['plain.quant.yaml', '--set', 'preset=fast'], 3, 'cannot be'],
    [
      ['plain.quant.yaml', 'plain.quant.yaml'],
      3,
      'plain.quant.yaml:1:1: error: plain.quant.yaml is named twice',
    ],
    [
      ['twice.quant.yaml'],
      3,
      'or a value of its matrix listed twice: what is the same runs once. [output-shared]',
    ],
    [['digits.onnx'], 2, 'quantsmith init'],
    [['none.quant.yaml'], 3, 'does not exist'],
  ])('%j: exit code %i', (args, code, text) => {
    const { status, stderr } = quantsmith('sweep', ...args);
    expect([status, stderr]).toEqual([code, expect.stringContaining(text)]);
  });

  it('tells everything that is wrong, at its place, before it runs the combinations that it can', () => {
    write(
      'partly.quant.yaml',
      `${CONFIG}matrix:\n  quantization.preset: [mixed, mixd]\n  model: [digits.onnx, none.onnx]\n`,
    );
    const { status, stdout, stderr } = quantsmith('sweep', 'partly.quant.yaml', '--json');
    expect(status).toBe(3);
    expect(stderr).toMatch(
      /^partly\.quant\.yaml:7:32: error: .*mixd.*\[unknown-value\]\npartly\.quant\.yaml:8:24: error: With model=none\.onnx: .*\[model-missing\]\n\[1\/1\] /m,
    );
    const { points } = JSON.parse(stdout) as {
      points: { state: string; problem: { findings: { config_path: unknown }[] } | null }[];
    };
    expect(
      points.map(({ state, problem }) => [state, problem?.findings.map(({ config_path: path }) => path)]),
    ).toEqual([
      ['done', undefined],
      ['failed', [['matrix', 'model', 1]]],
      ['failed', [['matrix', 'quantization.preset', 1]]],
      [
        'failed',
        [
          ['matrix', 'model', 1],
          ['matrix', 'quantization.preset', 1],
        ],
      ],
    ]);

    write('wrong.quant.yaml', `${CONFIG}task: 5\nmodel: x.onnx\n`);
    const none = quantsmith('sweep', 'wrong.quant.yaml', '--json');
    expect([none.status, none.stderr]).toEqual([
      3,
      expect.stringMatching(/^wrong\.quant\.yaml:\d+:\d+: error: /),
    ]);
    expect(JSON.parse(none.stdout)).toMatchObject({
      exit_code: 3,
      problems: expect.arrayContaining([
        expect.objectContaining({ code: 'duplicate-key', start: { line: 6, character: 0 } }),
        expect.objectContaining({ code: 'wrong-type', start: { line: 5, character: 6 } }),
      ]),
    });
  });

  it('exits with 5 where no run meets the target, and tells what failed', () => {
    write('b.quant.yaml', `${CONFIG}accuracy_control: {metric: sqnr, target: 150, time_limit: 0.001}\n`);
    expect(quantsmith('sweep', 'b.quant.yaml').status).toBe(5);
  });
});

describe('run of several configs', () => {
  it('runs one after another, each with its report, and ends with the worst exit code', () => {
    write('missed.quant.yaml', `${CONFIG}accuracy_control: {metric: sqnr, target: 150, time_limit: 0.001}\n`);
    write('bad.quant.yaml', 'model: digits.onnx\nquantisation: {}\n');
    const { status, stdout, stderr } = quantsmith(
      ...['run', 'missed.quant.yaml', 'bad.quant.yaml', 'plain.quant.yaml', '--force', '--json'],
    );
    expect(status).toBe(3);
    expect(stderr).toMatch(/^\[1\/3\] missed[^]*^\[2\/3\] bad[^]*^\[3\/3\] plain/m);
    expect(stdout.match(/^\{$/gm)).toHaveLength(3);
    expect(stdout).toContain('"path": "plain.int8.onnx"');
  });

  it.each([
    ['--output', 'x.onnx', 'names the model of one config'],
    ['--format', 'html', 'is one document'],
  ])('refuses %s %s', (option, value, text) => {
    const { status, stderr } = quantsmith('run', 'plain.quant.yaml', 'a.quant.yaml', option, value);
    expect([status, stderr]).toEqual([2, expect.stringContaining(text)]);
  });
});

it('run with an objective writes a model that keeps the constraint, and the same one again', () => {
  const text = `${CONFIG.replace('quantization: {defaults: nncf}\n', '')}objective: {minimize: size, subject_to: {max_drop: 0.1}}\n`;
  write('best.quant.yaml', text);
  const run = () =>
    JSON.parse(quantsmith('run', 'best.quant.yaml', '--json').stdout) as {
      output: { sha256: string };
      metric: { max_drop: number; satisfied: boolean };
      objective: {
        time_limited: boolean;
        candidates: unknown[];
        points: { chosen: boolean; satisfied: boolean; on_front: boolean }[];
      };
      size: { quantized_bytes: number };
    };
  const { metric, objective, output, size } = run();
  expect(metric).toMatchObject({ max_drop: 0.1, satisfied: true });
  expect(objective.time_limited).toBe(false);
  expect(objective.candidates.length).toBeGreaterThan(0);
  expect(objective.points.filter(({ chosen }) => chosen)).toMatchObject([
    { satisfied: true, on_front: true, size_bytes: size.quantized_bytes },
  ]);
  expect(run().output.sha256).toBe(output.sha256);
});

it('run --set gives a setting another value', () => {
  const report = JSON.parse(
    quantsmith('run', 'plain.quant.yaml', '--set', 'overflow_fix=enable', '--force', '--json').stdout,
  ) as { config: { path: string }; layers: { weight: { half_range: boolean } | null }[] };
  expect(report.config.path).toBe('plain.quant.yaml');
  expect(report.layers.filter(({ weight }) => weight?.half_range === true).length).toBeGreaterThan(1);
});
