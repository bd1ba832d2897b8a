import type * as vscode from 'vscode';
import { beforeEach, describe, expect, it } from 'vitest';
import { editor, fire } from '../../test/kit/editor.js';
import { sampleReport } from '../../test/kit/sampleReport.js';
import { activeExtension, settled } from './extension.js';

const extension = activeExtension();

const CONFIG = 'net.quant.yaml';
const RESULT = {
  outputPath: '/net.int8.onnx',
  satisfied: true,
  distrust: null,
  reportPath: '/net.report.json',
};

beforeEach(() => extension.write(CONFIG, 'model: net.onnx\naccuracy_control:\n  max_drop: 0.01\n'));

describe('tasks', () => {
  interface Provider {
    provideTasks(): Promise<vscode.Task[]>;
    resolveTask(task: { definition: object; scope?: unknown }): vscode.Task | undefined;
  }
  interface Terminal extends vscode.Pseudoterminal {
    onDidWrite(listener: (text: string) => void): vscode.Disposable;
    onDidClose(listener: (code: number) => void): vscode.Disposable;
  }
  const provider = () => editor.registered.get('tasks quantsmith') as Provider;

  /** Runs a task to its end: what it printed, and its exit code. */
  async function runTask(task: vscode.Task, during?: (terminal: Terminal) => void) {
    const { callback } = task.execution as unknown as { readonly callback: () => Promise<Terminal> };
    const terminal = await callback();
    const lines: string[] = [];
    terminal.onDidWrite((text) => lines.push(text.trimEnd()));
    const ended = new Promise<number>((resolve) => terminal.onDidClose(resolve));
    terminal.open(undefined);
    await settled();
    during?.(terminal);
    return { code: await ended, lines };
  }

  it('are one for each config of the workspace', async () => {
    extension.write('sub/other.quant.json');
    const tasks = await provider().provideTasks();
    expect(tasks.map(({ name, source, group }) => [name, source, group])).toEqual([
      ['quantize net.quant.yaml', 'quantsmith', 'build'],
      ['quantize sub/other.quant.json', 'quantsmith', 'build'],
    ]);
  });

  it('are resolved from what tasks.json says', () => {
    const resolved = (definition: object, scope?: unknown) =>
      provider().resolveTask({ definition: { type: 'quantsmith', ...definition }, scope })?.name;
    expect(resolved({ config: 'a.quant.yaml' })).toBe('quantize a.quant.yaml');
    expect(resolved({ config: 'a.quant.yaml' }, { uri: extension.uri('sub') })).toBe('quantize a.quant.yaml');
    expect(resolved({})).toBeUndefined();
    editor.folder = '';
    expect(resolved({ config: 'a.quant.yaml' })).toBeUndefined();
  });

  it('print progress by stage, then problems as the matcher reads them, and the report', async () => {
    const uri = extension.uri(CONFIG).toString();
    let end: (value: unknown) => void = () => undefined;
    editor.server = () => new Promise((resolve) => (end = resolve));
    const range = { start: { line: 1, character: 4 } };
    editor.diagnostics.set(uri, [
      { range, severity: 1, code: { value: 'dead-setting' }, message: 'It\n does nothing.' },
      { range, severity: 3, code: 'plain', message: 'A hint.' },
      { range, severity: 0, message: 'An error.' },
    ] as unknown as vscode.Diagnostic[]);
    const [task] = await provider().provideTasks();
    const { code, lines } = await runTask(task!, () => {
      const progress = (fraction: number, message: string) =>
        fire('quantsmith/progress', { uri, fraction, message, stage: message.split(' ')[0] });
      progress(0.25, 'calibrating, 10 of 40');
      progress(0.3, 'calibrating, 20 of 40');
      progress(0.5, 'measuring');
      end(RESULT);
    });
    const path = extension.uri(CONFIG).fsPath;
    expect(code).toBe(0);
    expect(lines).toEqual([
      'Quantizing net.quant.yaml',
      '0 % queued',
      '0 % starting',
      '25 % calibrating, 10 of 40',
      '50 % measuring',
      `${path}:2:5: warning dead-setting: It does nothing.`,
      `${path}:2:5: info plain: A hint.`,
      `${path}:2:5: error : An error.`,
      'Report: /net.report.json',
    ]);
  });

  it('fail with 5 where the target was missed, with 1 where the run was cancelled', async () => {
    const [task] = await provider().provideTasks();
    editor.server = () => ({ ...RESULT, satisfied: false });
    expect((await runTask(task!)).code).toBe(5);
    editor.server = ({ token }) =>
      new Promise((_, fail) => token?.onCancellationRequested(() => fail(new Error('cancelled'))));
    const { code, lines } = await runTask(task!, (terminal) => terminal.close());
    expect(code).toBe(1);
    expect(lines.at(-1)).not.toMatch(/^Report/);
  });
});

describe('the test explorer', () => {
  interface Controller {
    readonly items: Iterable<[string, vscode.TestItem]>;
    resolveHandler(item?: unknown): Promise<void> | undefined;
    refreshHandler(): Promise<void>;
  }
  type RunProfile = (request: object, token: object) => Promise<void>;
  const controller = () => editor.registered.get('tests quantsmith') as Controller;
  const items = () => [...controller().items].map(([, item]) => item);

  async function runTests(request: object = {}, isCancelled = false) {
    await (editor.registered.get('profile Quantize') as RunProfile)(request, {
      isCancellationRequested: isCancelled,
    });
    return (editor.registered.get('test run') as { outcomes: unknown[] }).outcomes;
  }

  const outcomeOf = async (result: unknown) => {
    await controller().refreshHandler();
    editor.server = () => result;
    return (await runTests()).at(-1);
  };

  it('has each config as a test, as they come and go', async () => {
    expect(items()).toEqual([]);
    await controller().resolveHandler();
    expect(controller().resolveHandler(items()[0])).toBeUndefined();
    expect(items().map(({ label }) => label)).toEqual([CONFIG]);
    extension.write('other.quant.yml');
    for (const listener of editor.files.created) listener(extension.uri('other.quant.yml'));
    await settled();
    for (const listener of editor.files.deleted) listener(extension.uri('other.quant.yml'));
    await settled();
    expect(items().map(({ label }) => label)).toEqual([CONFIG, 'other.quant.yml']);
  });

  it('passes a run that met its target or had none', async () => {
    expect(await outcomeOf(RESULT)).toEqual(['passed', CONFIG]);
    expect(await outcomeOf({ ...RESULT, satisfied: null })).toEqual(['passed', CONFIG]);
  });

  it('shows the figures of a run', async () => {
    const reportPath = extension.writeReport('net.report.json', CONFIG).fsPath;
    await outcomeOf({ ...RESULT, reportPath });
    const { output } = editor.registered.get('test run') as { output: string[] };
    expect(output.join('')).toMatch(/top1, float +98\.00 %.*\r\n/);
  });

  it('fails one that missed it on the line of the target', async () => {
    const { metric } = sampleReport();
    const reportOf = (change: object) =>
      extension.writeReport('net.report.json', CONFIG, { metric: { ...metric!, ...change } }).fsPath;
    const missed = { ...RESULT, satisfied: false };
    expect(await outcomeOf({ ...missed, reportPath: reportOf({ drop: 0.025 }) })).toEqual([
      ...['failed', CONFIG, 'top1 dropped by 2.50 points; 1.00 points allowed.', 2],
    ]);
    expect(await outcomeOf({ ...missed, reportPath: reportOf({ drop: null }) })).toEqual([
      ...['failed', CONFIG, 'top1 has an undefined drop; 1.00 points allowed.', 2],
    ]);
    expect(await outcomeOf({ ...missed, reportPath: reportOf({ drop: -0.001, max_drop: -0.01 }) })).toEqual([
      ...['failed', CONFIG, 'top1 gained 0.10 points; a gain of 1.00 points needed.', 2],
    ]);
    const rate = { name: 'wer', higher_is_better: false };
    expect(await outcomeOf({ ...missed, reportPath: reportOf({ ...rate, drop: 0.02 }) })).toEqual([
      ...['failed', CONFIG, 'wer rose by 2.00 points; 1.00 points allowed.', 2],
    ]);
    extension.write(CONFIG, 'model: net.onnx\naccuracy_control: {}\n');
    expect(await outcomeOf(missed)).toEqual(['failed', CONFIG, 'The target was missed.', 1]);
    extension.write(CONFIG, 'model: net.onnx\n');
    extension.writeReport('net.report.json', CONFIG, { metric: null });
    const { fsPath } = extension.uri('net.report.json');
    expect(await outcomeOf({ ...missed, reportPath: fsPath })).toEqual([
      ...['failed', CONFIG, 'The target was missed.', 0],
    ]);
    expect(await outcomeOf({ ...RESULT, distrust: 'An output is damaged.' })).toEqual([
      ...['failed', CONFIG, 'An output is damaged.', 0],
    ]);
  });

  it('errs on a run that failed, and skips what is left when it is stopped', async () => {
    expect(await outcomeOf(undefined)).toEqual([
      ...['errored', CONFIG, 'The run was cancelled or failed; see the log.', -1],
    ]);
    expect(await runTests({}, true)).toEqual([['skipped', CONFIG]]);
    expect(await runTests({ exclude: items() })).toEqual([]);
    expect(await runTests({ include: [{ label: 'no file' }] })).toEqual([]);
  });
});
