import { mkdtempSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { printedBy } from '../../test/kit/printed.js';
import { openMessages } from '../src/output/messages.js';
import { createProgress } from '../src/output/progress.js';
import { failed, problemAsJson, type PlacedProblem } from '../src/output/session.js';

type Progress = Parameters<ReturnType<typeof createProgress>['update']>[0];

const event = (stage: Progress['stage'], done: number, total: number | null): Progress => ({
  ...{ type: 'progress', stage, done, total, secondsLeft: null },
});

/** A stream that keeps what is written; `isTTY` makes it a terminal. */
function stream(isTTY: boolean) {
  const written: string[] = [];
  const fake = {
    ...{ isTTY, columns: 80 },
    write: (text: string) => written.push(text) > 0,
    on: () => undefined,
    removeListener: () => undefined,
  };
  return { stream: fake as unknown as NodeJS.WriteStream, text: () => written.join('') };
}

beforeEach(() => vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance', 'Date'] }));
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

describe('progress in a pipe', () => {
  it('is a line for each stage, and one now and then while a stage takes long', () => {
    vi.stubEnv('QUANTSMITH_HEARTBEAT', '2');
    const { stream: pipe, text } = stream(false);
    const progress = createProgress(pipe, { quiet: false });
    vi.advanceTimersByTime(5000);
    progress.update(event('calibrate', 0, 40));
    progress.update(event('calibrate', 10, 40));
    vi.advanceTimersByTime(2500);
    progress.update(event('calibrate', 20, 40));
    vi.advanceTimersByTime(2500);
    progress.line('a note');
    progress.update(event('write', 0, null));
    vi.advanceTimersByTime(2500);
    progress.end();
    vi.advanceTimersByTime(60_000);
    expect(
      text()
        .replaceAll(/about \d+ s left/g, 'about … left')
        .split('\n'),
    ).toEqual([
      'calibrate …',
      'calibrate 10/40, still running',
      'calibrate 20/40, still running, about … left',
      'a note',
      'write …',
      'write, still running, about … left',
      '',
    ]);
  });

  it.each([
    [20, /about \d+ s left/],
    [1000, /about \d+ min left/],
    [400_000, /about [\d.]+ h left/],
  ])('says how long the run will take, in units for people (%i s)', (seconds, pattern) => {
    const { stream: pipe, text } = stream(false);
    const progress = createProgress(pipe, { quiet: false });
    progress.update(event('calibrate', 0, 100));
    vi.advanceTimersByTime(seconds * 10);
    progress.update(event('calibrate', 1, 100));
    vi.advanceTimersByTime(40_000);
    progress.end();
    expect(text()).toMatch(pattern);
  });

  it('is lines alone with --quiet', () => {
    const { stream: pipe, text } = stream(false);
    const progress = createProgress(pipe, { quiet: true });
    progress.update(event('calibrate', 0, 40));
    progress.line('an error');
    progress.end();
    expect(text()).toBe('an error\n');
  });
});

describe('progress on a terminal', () => {
  it('is a bar, with lines above it', () => {
    const { stream: terminal, text } = stream(true);
    const progress = createProgress(terminal, { quiet: false });
    progress.end();
    expect(text()).toBe('');
    progress.update(event('calibrate', 0, 40));
    vi.advanceTimersByTime(1000);
    progress.update(event('calibrate', 30, 40));
    progress.update(event('write', 0, null));
    progress.line('a note');
    progress.end();
    expect(text()).toContain('a note\n');
  });
});

describe('messages', () => {
  let folder = '';
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'quantsmith-messages-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('go to the log file with times, whatever the terminal shows', async () => {
    const logFile = join(folder, 'run.log');
    const { err } = await printedBy(() => {
      const { error, note, detail, progress } = openMessages({ quiet: true, verbose: true, logFile });
      error('an error');
      note('a\nnote');
      detail('a detail');
      progress.update(event('calibrate', 0, 4));
      vi.advanceTimersByTime(1500);
      progress.update(event('write', 0, 1));
      progress.end();
      progress.end();
    });
    expect(err).toBe('an error\n');
    const lines = readFileSync(logFile, 'utf8').split('\n').slice(1);
    expect(lines.map((line) => line.replace(/^\S+ /, ''))).toEqual([
      ...['error an error', expect.stringMatching(/^note a.*note$/), 'detail a detail', 'stage calibrate'],
      ...['detail calibrate: 1.50 s', 'stage write', 'detail write: 0.00 s', ''],
    ]);
  });

  it('show how long stages took with --verbose', async () => {
    const { err } = await printedBy(() => {
      const { progress } = openMessages({ verbose: true });
      progress.update(event('load', 0, 1));
      vi.advanceTimersByTime(250);
      progress.end();
    });
    expect(err).toContain('load: 0.25 s');
  });

  it('need a log file that is one and can be written', () => {
    mkdirSync(join(folder, 'sub'));
    const open = (name: string) => () => openMessages({ logFile: join(folder, name) });
    expect(open('sub')).toThrow('cannot be written: it is not a regular file.');
    expect(open('none/run.log')).toThrow(/^The log file .* cannot be written: /);
  });
});

describe('what ended a command', () => {
  const placed: PlacedProblem = {
    ...{ code: 'dead-setting', severity: 'warning', message: 'It does nothing.', file: 'a.quant.yaml' },
    start: { line: 2, character: 4 },
  };
  const bare: PlacedProblem = { code: 'internal-error', severity: 'error', message: 'Oops.' };
  const session = (json: boolean) => ({ messages: openMessages({}), json });

  it('is said with its place', async () => {
    const { result, err, out } = await printedBy(() => failed(session(false), [placed, bare], 3));
    expect(result).toBe(3);
    expect(err).toBe(
      'a.quant.yaml:3:5: warning: It does nothing. [dead-setting]\nerror: Oops. [internal-error]\n',
    );
    expect(out).toBe('');
  });

  it('is JSON too where that was asked for', async () => {
    const { out } = await printedBy(() => failed(session(true), [placed, bare], 3));
    expect(JSON.parse(out)).toEqual({ exit_code: 3, problems: [placed, bare].map(problemAsJson) });
    expect(problemAsJson(bare)).toEqual({ ...bare, file: null, config_path: [], start: null });
  });
});
