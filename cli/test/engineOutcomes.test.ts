import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as Engine from '@quantsmith/engine';
import { findEmulator, startEngine } from '@quantsmith/engine';
import { runPaths, type EngineEvent, type Problem } from '@quantsmith/schemas';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { playEngines } from '../../test/kit/playedEngine.js';
import { printedBy } from '../../test/kit/printed.js';
import { sampleReport } from '../../test/kit/sampleReport.js';
import { writeTinyNet } from '../../test/kit/tinyNet.js';
import { debugCommand } from '../src/commands/debug.js';
import { doctorCommand } from '../src/commands/doctor.js';
import { overflowCommand } from '../src/commands/overflow.js';
import { runCommand } from '../src/commands/run.js';
import { sensitivityCommand } from '../src/commands/sensitivity.js';
import { openMessages } from '../src/output/messages.js';

vi.mock('@quantsmith/engine', async (original) => ({
  ...(await original<typeof Engine>()),
  startEngine: vi.fn(),
  findEmulator: vi.fn(),
}));

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-outcomes-'));
afterAll(() => rmSync(folder, { recursive: true }));
const config = join(folder, 'net.quant.yaml');
writeTinyNet(folder);
writeFileSync(config, 'model: net.onnx\ndata:\n  calibration: {arrays: x.npy}\n');

const session = (json = false) => ({ messages: openMessages({}), json });
const problem = (change: Partial<Problem> = {}): Problem => ({
  ...{ code: 'data-unreadable', severity: 'error', message: 'x.npy is cut short.' },
  ...change,
});

beforeEach(() => void vi.resetAllMocks());

describe('an engine that fails', () => {
  it('ends the command by its code, at the place in the config that it is about', async () => {
    const failure = problem({ configPath: ['data', 'calibration', 'arrays'] });
    playEngines({ outcome: { code: 'failed', problem: failure } });
    const { result, out, err } = await printedBy(() => runCommand(config, {}, session(true)));
    expect(result).toBe(4);
    expect(err).toContain(`${config}:3:25: error: x.npy is cut short. [data-unreadable]\n`);
    expect(JSON.parse(out)).toMatchObject({
      exit_code: 4,
      problems: [{ code: 'data-unreadable', file: config, start: { line: 2, character: 24 } }],
    });
  });

  it('is told without a place where there is none', async () => {
    playEngines({
      outcome: { code: 'failed', problem: problem({ code: 'engine-crashed', message: 'It died.' }) },
    });
    const { result, err } = await printedBy(() => sensitivityCommand(config, {}, session()));
    expect([result, err]).toEqual([6, `${config}: error: It died. [engine-crashed]\n`]);
  });

  it.each([
    ['run', runCommand, 'The engine ended without a report.'],
    ['sensitivity', sensitivityCommand, 'The engine ended without a result.'],
    ['debug', debugCommand, 'The engine ended without a result.'],
    ['overflow', overflowCommand, 'The engine ended without a result.'],
  ])('%s has no result where the engine gives none', async (_, command, text) => {
    playEngines({});
    await expect(printedBy(() => command(config, {}, session()))).rejects.toThrow(text);
  });

  it('of a model alone is told with its own problem', async () => {
    const file = join(folder, 'net.onnx');
    playEngines({ outcome: { code: 'failed', problem: problem({ message: 'No codes.' }) } }, {});
    await expect(overflowCommand(file, {}, session())).rejects.toThrow('No codes.');
    await expect(overflowCommand(file, {}, session())).rejects.toThrow('The engine ended without a result.');
  });
});

describe('a run that is cancelled', () => {
  const cancelled = async (written: boolean, command = runCommand) => {
    playEngines({ outcome: { code: 'cancelled', written } });
    const { result, err } = await printedBy(() => command(config, {}, session()));
    expect(result).toBe(130);
    return err;
  };

  it('says what is on the disk', async () => {
    expect(await cancelled(false)).toBe('error: Cancelled; no model was written. [cancelled]\n');
    expect(await cancelled(true)).toBe(
      `error: Cancelled after ${join(folder, 'net.int8.onnx')} and its report were written; both are complete. [cancelled]\n`,
    );
    expect(await cancelled(false, debugCommand)).toBe('error: Cancelled. [cancelled]\n');
  });

  it('says that it can be resumed where its journal lies', async () => {
    const requests = playEngines({ outcome: { code: 'cancelled', written: false } });
    await printedBy(() => runCommand(config, {}, session()));
    const { journal } = runPaths(requests[0] as Parameters<typeof runPaths>[0]);
    writeFileSync(journal, '');
    expect(await cancelled(false)).toContain('`quantsmith run --resume` continues where it stopped.');
    rmSync(journal);
  });
});

describe('a run that ends', () => {
  const report = sampleReport({
    config: { path: 'net.quant.yaml', sha256: 'a' },
    output: { path: 'net.int8.onnx', sha256: 'b' },
  });
  const event: EngineEvent = {
    type: 'report',
    report,
    reportPath: join(folder, 'net.int8.onnx.report.json'),
  };
  const evaluated = (accuracy: number, outputs: readonly string[]): { events: EngineEvent[] } => ({
    events: [
      { type: 'progress', stage: 'validate', done: 1, total: 1, secondsLeft: null },
      { type: 'evaluated', evaluation: { metric: { name: 'top1', value: accuracy }, outputs } },
    ],
  });

  it('hands on what the engine notes, and what a module prints', async () => {
    playEngines({
      events: [
        {
          type: 'problem',
          problem: problem({ severity: 'warning', message: 'Few samples.', configPath: ['data'] }),
        },
        { type: 'console', module: 'load.mjs', lines: ['one', 'two'] },
        event,
      ],
    });
    const { result, out, err } = await printedBy(() => runCommand(config, {}, session()));
    expect(result).toBe(0);
    expect(err).toBe(
      `${config}:3:3: warning: Few samples. [data-unreadable]\nload.mjs: one\nload.mjs: two\n`,
    );
    expect(out).toContain(join(folder, 'net.int8.onnx'));
  });

  it('states in the config what was chosen, for --locked', async () => {
    const locked = join(folder, 'locked.quant.yaml');
    writeFileSync(locked, readFileSync(config, 'utf8'));
    playEngines({ events: [{ ...event, report: { ...report, pinned: { preset: 'mixed' } } }] });
    await printedBy(() => runCommand(locked, { locked: true }, session()));
    expect(readFileSync(locked, 'utf8')).toContain('quantization:\n  preset: mixed\n');
    playEngines({ events: [event] });
    const { err } = await printedBy(() => runCommand(locked, { locked: true }, session()));
    expect(err).toBe('');
  });

  it('is compared with the emulated CPU, for --verify-isa', async () => {
    vi.mocked(findEmulator).mockResolvedValue({ path: '/usr/bin/qemu-x86_64', args: [] });
    const requests = playEngines(
      { events: [event] },
      evaluated(0.975, ['a', 'b', 'c']),
      evaluated(0.9, ['a', 'x', 'c']),
    );
    const { result, err } = await printedBy(() =>
      runCommand(config, { verifyIsa: 'haswell', allowModules: true }, session()),
    );
    expect(result).toBe(0);
    expect(err).toContain(
      'haswell: top1 90.00 %, here 97.50 %; the outputs of 2 of 3 samples are bit-identical',
    );
    expect(requests.slice(1)).toMatchObject([
      { kind: 'evaluate', modelPath: join(folder, 'net.int8.onnx'), allowModules: true },
      { kind: 'evaluate' },
    ]);
  });

  it('is not compared where the emulated CPU gives nothing', async () => {
    vi.mocked(findEmulator).mockResolvedValue({ path: '/usr/bin/qemu-x86_64', args: [] });
    const verified = () => printedBy(() => runCommand(config, { verifyIsa: 'haswell' }, session()));
    playEngines(
      { events: [event] },
      { outcome: { code: 'failed', problem: problem({ message: 'No memory.' }) } },
    );
    await expect(verified()).rejects.toThrow('No memory.');
    playEngines({ events: [event] }, {});
    await expect(verified()).rejects.toThrow('The engine ended without a result.');
  });

  it('needs a config that is still valid to be compared', async () => {
    const file = join(folder, 'gone.quant.yaml');
    writeFileSync(file, readFileSync(config, 'utf8'));
    vi.mocked(findEmulator).mockResolvedValue({ path: '/usr/bin/qemu-x86_64', args: [] });
    vi.mocked(startEngine).mockImplementationOnce((_, { onEvent }) => {
      onEvent(event);
      writeFileSync(file, 'model: [');
      return Promise.resolve({ code: 'ok' } as const);
    });
    await expect(printedBy(() => runCommand(file, { verifyIsa: 'haswell' }, session()))).rejects.toThrow(
      `${file} is no longer valid.`,
    );
  });
});

describe('doctor', () => {
  const environment = {
    runtime: { name: 'onnxruntime', version: '1.30.0' },
    images: { name: 'sharp', version: '0.35.0' },
    cpu: { model: 'A CPU', arch: 'x64', isa: ['avx2'] },
    threads: 1,
    cache: { dir: '/cache', bytes: 2_500_000 },
  };

  it('says what is here, and what runs fast', async () => {
    vi.mocked(findEmulator).mockResolvedValue({ path: '/usr/bin/qemu-x86_64', args: [] });
    playEngines({ events: [{ type: 'environment', environment }] });
    const { result, out } = await printedBy(() => doctorCommand({}));
    expect(result).toBe(0);
    expect(out.split('\n').map((line) => line.replace(/ +/, ' '))).toEqual(
      expect.arrayContaining([
        'runtime onnxruntime 1.30.0',
        'cpu A CPU, 1 thread',
        'instructions avx2',
        'cache /cache, 2.5 MB',
        'emulated haswell',
        '8-bit products run on AVX2 without VNNI: usually faster than float, but by less.',
      ]),
    );
  });

  it('counts threads, and says what is not known', async () => {
    vi.mocked(findEmulator).mockRejectedValue(new Error('not installed'));
    const cpu = { ...environment.cpu, isa: [] };
    playEngines({ events: [{ type: 'environment', environment: { ...environment, cpu, threads: 4 } }] });
    const { out } = await printedBy(() => doctorCommand({}));
    expect(out).toMatch(/^cpu +A CPU, 4 threads\ninstructions +not known$/m);
    expect(out).toMatch(/^emulated +none \(--verify-isa needs qemu-user\)$/m);
  });

  it('says why the engine does not start, and what to do, by platform', async () => {
    const missing = problem({ code: 'runtime-missing', message: 'ONNX Runtime is not installed.' });
    const told = async (platform: string, arch: string) => {
      const before = [process.platform, process.arch] as const;
      Object.defineProperty(process, 'platform', { value: platform });
      Object.defineProperty(process, 'arch', { value: arch });
      playEngines({ outcome: { code: 'failed', problem: missing } });
      vi.mocked(findEmulator).mockRejectedValue(new Error('not installed'));
      const printed = await printedBy(() => doctorCommand({}));
      Object.defineProperty(process, 'platform', { value: before[0] });
      Object.defineProperty(process, 'arch', { value: before[1] });
      expect(printed.result).toBe(6);
      return printed.out;
    };

    const mac = await told('darwin', 'x64');
    expect(mac).toContain('error: ONNX Runtime is not installed. [runtime-missing]\n');
    expect(mac).toContain('run Quantsmith in a Linux container there.');
    expect(await told('linux', 'arm64')).toContain('install again on this platform');
  });

  it('prints the problem as JSON', async () => {
    vi.mocked(findEmulator).mockRejectedValue(new Error('not installed'));
    playEngines({ outcome: { code: 'failed', problem: problem() } });
    const { out } = await printedBy(() => doctorCommand({ json: true }));
    expect(JSON.parse(out)).toMatchObject({
      schema_version: 1,
      engine: null,
      problem: { code: 'data-unreadable', file: null },
      speed: [],
      emulated: [],
    });
  });
});
