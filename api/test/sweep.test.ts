import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as Engine from '@quantsmith/engine';
import type { EngineEvent, Problem } from '@quantsmith/schemas';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { playEngines } from '../../test/kit/playedEngine.js';
import { sampleReport } from '../../test/kit/sampleReport.js';
import { writeTinyNet } from '../../test/kit/tinyNet.js';
import { quantize, sweep, type ConfigFinding, type SweepRun } from '../src/index.js';

vi.mock('@quantsmith/engine', async (original) => ({
  ...(await original<typeof Engine>()),
  startEngine: vi.fn(),
}));
beforeEach(() => void vi.resetAllMocks());

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-api-sweep-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeTinyNet(folder);

const TEXT = 'model: net.onnx\ndata: {calibration: {arrays: x.npy}}\n';
const write = (name: string, text: string) => {
  const file = join(folder, name);
  writeFileSync(file, TEXT + text);
  return file;
};

const failure: Problem = { code: 'data-unreadable', severity: 'error', message: 'x.npy is cut short.' };
const reported = (accuracy: number): { events: EngineEvent[] } => {
  const base = sampleReport();
  const report = { ...base, metric: { ...base.metric!, quantized: accuracy } };
  return { events: [{ type: 'report', report, reportPath: join(folder, 'r.json') }] };
};

const PRESETS = 'matrix: {quantization.preset: [performance, mixed]}\n';

describe('a sweep', () => {
  it('keeps a run that fails as a point with its problem, and goes on', async () => {
    const file = write('fails.quant.yaml', PRESETS);
    playEngines({ outcome: { code: 'failed', problem: failure } }, reported(0.9));
    const runs: SweepRun[] = [];
    const { points, work } = await sweep(file, { onRun: (run) => runs.push(run) });
    expect(
      points.map(({ name, report, problem, onFront }) => [
        name,
        report?.metric?.quantized,
        problem?.code,
        onFront,
      ]),
    ).toEqual([
      ['preset=performance', undefined, 'data-unreadable', false],
      ['preset=mixed', 0.9, undefined, true],
    ]);
    expect(work).toMatchObject({ runs: 2, kept: 0 });
    expect(runs.map(({ index, point }) => [index, point?.problem?.message ?? null])).toEqual([
      [0, null],
      [0, 'x.npy is cut short.'],
      [1, null],
      [1, null],
    ]);
  });

  it('leaves the output its own ending, where it is named otherwise', async () => {
    const file = write('named.quant.yaml', `output: small.onnx\n${PRESETS}`);
    playEngines(reported(0.9), reported(0.8));
    const { points } = await sweep(file);
    expect(points.map(({ output, onFront }) => [output, onFront])).toEqual([
      [join(folder, 'small.preset=performance.onnx'), true],
      [join(folder, 'small.preset=mixed.onnx'), false],
    ]);
  });

  it('ends with the reason of its signal', async () => {
    const file = write('aborted.quant.yaml', PRESETS);
    const abort = new AbortController();
    playEngines({ outcome: { code: 'cancelled', written: false } });
    const running = sweep(file, { signal: abort.signal, onRun: () => abort.abort(new Error('enough')) });
    await expect(running).rejects.toThrow('enough');
  });

  it.each([
    ['a config that is not valid', 'quantization: {preset: 5}\n', 'config-invalid', /preset/],
    [
      'a combination that is not valid, by its name',
      'matrix: {quantization.advanced_parameters.overflow_fix: [none, some]}\n',
      'config-invalid',
      /overflow_fix\[0\]" cannot be none.*overflow_fix\[1\]" cannot be some/,
    ],
    [
      'a matrix that leaves nothing',
      'matrix:\n  quantization.preset: [mixed]\n  exclude: [{quantization.preset: mixed}]\n',
      'usage-invalid',
      /excludes every combination/,
    ],
    [
      'too many combinations',
      `matrix: {quantization.subset_size: [${Array.from({ length: 40 }, (_, i) => i + 1).join()}], data.calibration.limit: [${Array.from({ length: 40 }, (_, i) => i + 1).join()}]}\n`,
      'usage-invalid',
      /has 1600 combinations; a sweep takes at most/,
    ],
  ])('refuses %s before anything runs', async (_, text, code, message) => {
    const file = write('refused.quant.yaml', text);
    const error: unknown = await sweep(file).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ problem: { code } });
    expect(String(error)).toMatch(message);
    expect(playEngines()).toEqual([]);
  });

  it('runs what can be run, and tells all that is wrong with the rest at its place', async () => {
    const file = write(
      'partly.quant.yaml',
      `matrix:
  quantization.preset: [mixed, mixd]
  data.calibration.arrays: [x.npy, none.npy]
  include: [{quantization.preset: performance, model: other.onnx}]
`,
    );
    const broken = write('broken.quant.yaml', 'quantisation: {}\ntask: 5\n');
    const twice = write('twice.quant.yaml', 'model: net.onnx\n');
    const fine = write('fine.quant.yaml', '');
    const requests = playEngines(reported(0.9), reported(0.8));
    const refusals: Problem[] = [];
    const total = new Set<number>();
    const { points, work } = await sweep([file, broken, twice, fine], {
      onRefused: (problems) => refusals.push(...problems),
      onRun: (run) => total.add(run.total),
    });
    expect(
      points.map(({ name, report, problem }) => [name, report?.metric?.quantized ?? problem?.code]),
    ).toEqual([
      ['preset=mixed, arrays=x.npy', 0.9],
      ['preset=mixed, arrays=none.npy', 'config-invalid'],
      ['preset=mixd, arrays=x.npy', 'config-invalid'],
      ['preset=mixd, arrays=none.npy', 'config-invalid'],
      ['preset=performance, model=other.onnx', 'config-invalid'],
      ['', 'config-invalid'],
      ['', 'config-invalid'],
      ['', 0.8],
    ]);
    expect([requests.length, work.runs, [...total]]).toEqual([2, 2, [2]]);

    interface Found {
      readonly file: string;
      readonly range: { readonly start: { readonly line: number; readonly character: number } };
      readonly configPath: readonly unknown[];
      readonly message: string;
    }
    const found = refusals.flatMap(({ data }) => data?.['findings'] as Found[]);
    expect(
      found.map(({ file: place, range: { start }, configPath, message }) => [
        `${place.slice(folder.length + 1)}:${start.line + 1}:${start.character + 1}`,
        configPath.join('.'),
        message.split(':')[0],
      ]),
    ).toEqual([
      ['partly.quant.yaml:4:32', 'matrix.quantization.preset.1', expect.stringContaining('preset[1]')],
      ['partly.quant.yaml:5:36', 'matrix.data.calibration.arrays.1', 'With data.calibration.arrays=none.npy'],
      ['partly.quant.yaml:6:55', 'matrix.include.0.model', 'With model=other.onnx'],
      ['broken.quant.yaml:3:1', 'quantisation', expect.stringContaining('quantisation')],
      ['broken.quant.yaml:4:7', 'task', expect.stringContaining('task')],
      ['twice.quant.yaml:3:1', 'model', expect.stringContaining('Duplicate key')],
    ]);
  });

  it('runs the first of those that write the same file, and tells both places', async () => {
    const [a, b] = ['a', 'b'].map((name) => write(`${name}.quant.yaml`, 'output: same.onnx\n'));
    const c = write('c.quant.yaml', 'matrix: {quantization.preset: [mixed, performance, mixed]}\n');
    const requests = playEngines(reported(0.9), reported(0.8), reported(0.7));
    const refusals: Problem[] = [];
    const { points } = await sweep([a!, b!, a!, c], {
      onRefused: (problems) => refusals.push(...problems),
    });
    expect(points.map(({ report, problem }) => report?.metric?.quantized ?? problem?.code)).toEqual([
      ...[0.9, 'config-invalid', 'config-invalid', 0.8, 0.7, 'config-invalid'],
    ]);
    expect(requests).toHaveLength(3);
    const findings = refusals.flatMap(({ data }) => data?.['findings'] as ConfigFinding[]);
    expect(
      findings.map(({ code, file, range, message }) => [code, file, range?.start.line, message]),
    ).toEqual([
      [
        'output-shared',
        b,
        2,
        `The output ${join(folder, 'same.onnx')} is also that of ${a}:3:9, which runs.`,
      ],
      ['output-shared', a, 2, `${a} is named twice: what is the same runs once.`],
      [
        ...['output-shared', c, 0],
        `With preset=mixed: ${c} is named twice, or a value of its matrix listed twice: what is the same runs once.`,
      ],
    ]);
  });

  it('tells once, at its place, what else is found in what can be run', async () => {
    const file = write(
      'idle.quant.yaml',
      `quantization:
  ignored_scope: {patterns: [zzz], validate: false}
matrix: {quantization.preset: [performance, mixed, mixd]}
`,
    );
    playEngines(reported(0.9), reported(0.8));
    const found: ConfigFinding[] = [];
    await sweep(file, { onRemarks: (remarks) => found.push(...remarks) });
    expect(found).toMatchObject([{ file, range: { start: { line: 3 } } }]);
  });
});

describe('quantize', () => {
  const config = { model: 'net.onnx', data: { calibration: { arrays: 'x.npy' } } };

  it('has no result where the engine gives none', async () => {
    playEngines({});
    await expect(quantize(config, { baseDir: folder })).rejects.toMatchObject({
      problem: { code: 'engine-crashed', message: 'The engine ended without a report.' },
    });
  });

  it('hands on what the engine says', async () => {
    const said: unknown[] = [];
    playEngines({
      events: [
        { type: 'progress', stage: 'load', done: 1, total: 2, secondsLeft: null },
        { type: 'problem', problem: { ...failure, severity: 'warning' } },
        { type: 'console', module: 'load.mjs', lines: ['hello'] },
        ...reported(0.9).events,
      ],
    });
    const options = {
      onProgress: (event: unknown) => said.push(event),
      onProblem: (problem: Problem) => said.push(problem.message),
      onConsole: (module: string, lines: readonly string[]) => said.push([module, ...lines]),
    };
    const { report, modelPath } = await quantize(config, { baseDir: folder, ...options });
    expect([report.metric?.quantized, modelPath]).toEqual([0.9, join(folder, 'net.int8.onnx')]);
    expect(said).toEqual([
      { stage: 'load', done: 1, total: 2, secondsLeft: null },
      'x.npy is cut short.',
      ['load.mjs', 'hello'],
    ]);
  });
});
