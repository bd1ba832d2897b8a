import { ResponseError } from 'vscode-languageserver-protocol';
import { describe, expect, it, vi } from 'vitest';
import { editor, fire, type ServerCommand, toldTexts } from '../../test/kit/editor.js';
import { deactivate } from '../src/extension.js';
import { createRunMemory } from '../src/runs/memory.js';
import { activeExtension, answer, executed, lastQuestion, settled } from './extension.js';

const extension = activeExtension();

const RESULT = { outputPath: '/net.int8.onnx', satisfied: true, distrust: null };
const reportPath = () => extension.uri('net.report.json').fsPath;

/** Commands that wait to be answered, so that their run stays active. */
function holdServer() {
  const held: {
    readonly command: ServerCommand;
    readonly answer: (value: unknown) => void;
    readonly fail: (error: Error) => void;
  }[] = [];
  editor.server = (command) =>
    new Promise((answer, fail) => {
      held.push({ command, answer, fail });
      command.token?.onCancellationRequested(() => fail(new Error('cancelled')));
    });
  return held;
}

const progress = (name: string, fraction: number, message: string, stage: string) =>
  fire('quantsmith/progress', { uri: extension.uri(name).toString(), fraction, message, stage });

const statusBar = () =>
  editor.registered.get('status bar quantsmith.run') as { isShown: boolean; text: string; tooltip: string };
const languageStatus = () =>
  editor.registered.get('language status quantsmith.run') as { text: string; busy: boolean };
const contextKey = (key: string) =>
  editor.executed.findLast(([name, given]) => name === 'setContext' && given === key)?.[2];

describe('a run', () => {
  it('opens its report where its config is in view', async () => {
    extension.write('net.quant.yaml', 'model: net.onnx\n');
    extension.writeReport('net.report.json', 'net.quant.yaml');
    await extension.open('net.quant.yaml');
    const sent: ServerCommand[] = [];
    editor.server = (command) => (sent.push(command), { ...RESULT, reportPath: reportPath() });

    await extension.command('run');
    expect(sent.map(({ name, args }) => [name, ...args])).toEqual([
      ['quantsmith.server.run', extension.uri('net.quant.yaml').toString(), {}],
    ]);
    expect(editor.panels.map(({ title }) => title)).toEqual(['Report: net.int8.onnx']);
    expect(editor.log).toContain(`info: Quantizing ${extension.uri('net.quant.yaml').fsPath}: done`);
  });

  it.each([
    [true, null, 'info', 'net.quant.yaml: target met.'],
    [false, null, 'warning', 'net.quant.yaml: target missed.'],
    [null, null, 'info', 'net.quant.yaml: quantized.'],
    [true, 'An output is damaged.', 'warning', 'net.quant.yaml: not trustworthy. An output is damaged.'],
  ])('elsewhere says how it ended (%s, %s)', async (satisfied, distrust, kind, text) => {
    extension.writeReport('net.report.json', 'net.quant.yaml');
    editor.server = () => ({ ...RESULT, satisfied, distrust, reportPath: reportPath() });
    await extension.command('run', extension.write('net.quant.yaml'));
    expect(lastQuestion()).toMatchObject({ kind, text, choices: ['Report', 'Problems', 'Log'] });
  });

  it('leads from its message to report, problems and log', async () => {
    extension.writeReport('net.report.json', 'net.quant.yaml');
    editor.server = () => ({ ...RESULT, reportPath: reportPath() });
    const config = extension.write('net.quant.yaml');
    for (const button of ['Report', 'Problems', 'Log']) {
      answer({ 'target met': button });
      await extension.command('run', config);
      await settled();
    }

    expect(editor.panels).toHaveLength(1);
    expect(executed()).toContainEqual(['workbench.actions.view.problems']);
    expect(editor.log).toContain('shown');
  });

  it('saves the config first, and does not begin where that is cancelled', async () => {
    extension.write('net.quant.yaml', 'model: net.onnx\n');
    await extension.open('net.quant.yaml');
    const [document] = editor.shown;
    Object.assign(document!, { isDirty: true });
    editor.answer = () => 'cancel';
    editor.server = () => expect.unreachable('nothing is sent');
    expect(await extension.command('run')).toBeUndefined();

    Object.assign(document!, { isDirty: true });
    editor.answer = () => undefined;
    editor.server = () => ({ ...RESULT, reportPath: '/none.report.json' });
    await extension.command('run');
    expect(document!.isDirty).toBe(false);
    expect(toldTexts()).toEqual(['/none.report.json is not a report that this version can show.']);
  });

  it('needs a config', async () => {
    await extension.command('run');
    expect(toldTexts()).toEqual(['Open a quantization config (*.quant.yaml or *.quant.json) first.']);
  });

  it('of a report runs the config that made it', async () => {
    extension.write('net.quant.yaml');
    const report = extension.writeReport('net.report.json', 'net.quant.yaml');
    const sent: unknown[] = [];
    editor.server = ({ args }) => void sent.push(args[0]);
    await extension.command('run', report);
    await extension.command('run', { kind: 'config', config: extension.uri('net.quant.yaml') });
    expect(sent).toEqual(Array(2).fill(extension.uri('net.quant.yaml').toString()));
  });

  it('of an unreadable report runs the config in view', async () => {
    const report = extension.write('net.report.json', '{');
    await extension.command('run', report);
    expect(toldTexts()).toEqual(['Open a quantization config (*.quant.yaml or *.quant.json) first.']);
  });
});

describe('the queue of runs', () => {
  it('has one run at a time, shown in the status bar with those behind it', async () => {
    const held = holdServer();
    const [a, b] = [extension.write('a.quant.yaml'), extension.write('b.quant.yaml')];
    const first = extension.command('run', a);
    const second = extension.command('run', b);
    await settled();

    expect(held.map(({ command }) => command.args[0])).toEqual([a.toString()]);
    expect(statusBar()).toMatchObject({
      isShown: true,
      text: '$(sync~spin) a.quant.yaml 0 %: starting (+1)',
      tooltip: 'a.quant.yaml: starting\nb.quant.yaml: queued',
    });
    held[0]!.answer(undefined);
    await settled();
    expect(held.map(({ command }) => command.args[0])).toEqual([a.toString(), b.toString()]);
    held[1]!.fail(new Error('no'));
    await Promise.allSettled([first, second]);
    await settled();
    expect(statusBar().isShown).toBe(false);
    expect(languageStatus()).toMatchObject({ text: 'Quantsmith: ready', busy: false });
  });

  it('joins a run of the same config', async () => {
    const held = holdServer();
    const config = extension.write('a.quant.yaml');
    const both = [extension.command('debug', config), extension.command('debug', config)];
    await settled();
    expect(held).toHaveLength(1);
    held[0]!.answer(undefined);
    expect(await Promise.all(both)).toEqual([undefined, undefined]);
  });

  it('shows how far it is, never going back', async () => {
    const held = holdServer();
    const run = extension.command('run', extension.write('a.quant.yaml'));
    await settled();
    progress('a.quant.yaml', 0.25, 'calibrating, 10 of 40', 'calibrate');
    progress('a.quant.yaml', 0.2, 'restoring', 'restore');
    progress('other.quant.yaml', 0.9, 'measuring', 'measure');

    expect(languageStatus()).toMatchObject({ text: 'Quantsmith: a.quant.yaml 25 %: restoring', busy: true });
    expect(editor.progress.map(({ message, increment }) => [message, increment])).toEqual([
      ['queued', 0],
      ['starting', 0],
      ['calibrating, 10 of 40', 25],
      ['restoring', 0],
    ]);
    expect(editor.log).toContain('info: a.quant.yaml: calibrating, 10 of 40');
    expect(contextKey('quantsmith.isRunning')).toBe(true);
    expect(contextKey('quantsmith.restoring')).toContain(extension.uri('a.quant.yaml').path);
    held[0]!.answer(undefined);
    await run;
    expect(contextKey('quantsmith.running')).toEqual([]);
  });

  it('cancels the run that serves and one that waits, without a word', async () => {
    const held = holdServer();
    const [a, b] = [extension.write('a.quant.yaml'), extension.write('b.quant.yaml')];
    const runs = [extension.command('run', a), extension.command('run', b)];
    await settled();
    await extension.command('cancel', b);
    expect(await runs[1]).toBeUndefined();
    editor.cancelProgress[0]!();
    expect(await runs[0]).toBeUndefined();

    expect(held).toHaveLength(1);
    expect(toldTexts()).toEqual([]);
    expect(editor.log).toContain(`info: Quantizing ${a.fsPath}: cancelled`);
  });

  it('ends restoration of the run that serves with the best model', async () => {
    const sent: string[] = [];
    let end: (value: unknown) => void = () => undefined;
    editor.server = ({ name, args }) => {
      sent.push(`${name} ${String(args[0])}`);
      return name.endsWith('run') ? new Promise((resolve) => (end = resolve)) : null;
    };

    const config = extension.write('a.quant.yaml');
    const run = extension.command('run', config);
    await settled();
    await extension.command('finish', config);
    end(undefined);
    await run;
    expect(sent).toEqual([
      `quantsmith.server.run ${config.toString()}`,
      `quantsmith.server.finish ${config.toString()}`,
    ]);
  });

  it('offers what can be done about what runs', async () => {
    await extension.command('runMenu');
    expect(editor.questions).toEqual([]);
    const held = holdServer();
    const run = extension.command('run', extension.write('a.quant.yaml'));
    await settled();
    answer({ 'a.quant.yaml': '$(debug-stop) Cancel' });
    await extension.command('runMenu');
    expect(lastQuestion()?.choices).toEqual([
      '$(check) Stop and Keep Best: ends restoration with the best model found so far',
      '$(debug-stop) Cancel: nothing is written',
      '$(output) Show Log',
    ]);
    expect(await run).toBeUndefined();
    expect(held).toHaveLength(1);
  });
});

describe('a run that fails', () => {
  it('says why, and offers to resume it', async () => {
    const config = extension.write('a.quant.yaml');
    const sent: unknown[] = [];
    editor.server = ({ args }) => {
      sent.push(args[1]);
      if (sent.length === 1) throw new Error('The model is gone.');
    };

    answer({ 'The model is gone.': 'Resume' });
    await extension.command('run', config);
    await settled();
    expect(lastQuestion()).toMatchObject({
      kind: 'error',
      text: 'a.quant.yaml: quantization failed: The model is gone.',
      choices: ['Resume', 'Problems', 'Log'],
    });
    expect(sent).toEqual([{}, { resume: true }]);
  });

  it('says what it needs where the native parts are missing, by platform', async () => {
    const config = extension.write('a.quant.yaml');
    const missing = Object.assign(new Error('ONNX Runtime is not installed.'), {
      data: { code: 'runtime-missing' },
    });
    editor.server = () => Promise.reject(missing);
    const told = async (platform: string, arch: string) => {
      vi.stubGlobal(
        'process',
        Object.create(process, { platform: { value: platform }, arch: { value: arch } }),
      );
      await extension.command('run', config);
      await settled();
      vi.unstubAllGlobals();
      return lastQuestion()?.text;
    };

    expect(await told('win32', 'arm64')).toMatch(/ not installed\. Install the VSIX for win32-arm64: /);
    expect(await told('darwin', 'x64')).toMatch(/has no build for darwin-x64\..*Linux container/);
  });

  it('leads to its problems and its log', async () => {
    const config = extension.write('a.quant.yaml');
    editor.server = () => Promise.reject(new Error('a text'));
    for (const button of ['Problems', 'Log']) {
      answer({ 'a text': button });
      await extension.command('debug', config);
      await settled();
    }

    expect(lastQuestion()).toMatchObject({
      text: 'a.quant.yaml: the layers could not be compared: a text',
      choices: ['Problems', 'Log'],
    });
    expect(executed()).toContainEqual(['workbench.actions.view.problems']);
    expect(editor.log).toContain('shown');
  });

  it('with the server has what it left cleaned up', async () => {
    const config = extension.write('a.quant.yaml');
    const sent: string[] = [];
    editor.server = ({ name }) => {
      sent.push(name);
      throw name.endsWith('run')
        ? new ResponseError(-32097, 'Connection got disposed.')
        : new Error('not yet');
    };

    await extension.command('run', config);
    await settled();
    expect(toldTexts()).toEqual([
      'a.quant.yaml: quantization failed: the language server ended unexpectedly, and the run with it.',
    ]);
    expect(sent).toEqual(['quantsmith.server.run', 'quantsmith.server.recover']);
    expect(editor.log).toContain('warn: Error: not yet');
  });
});

describe('a window that closed during a run', () => {
  const remember = () =>
    createRunMemory(extension.uri('.storage/running')).remember([extension.write('a.quant.yaml')]);
  /** `busy`: how often the server finds another run at work. */
  const reload = async (busy = 0) => {
    let asked = 0;
    editor.server = ({ name }) =>
      name === 'quantsmith.server.recover' ? { isBusy: asked++ < busy } : undefined;
    await extension.activate();
    await settled();
  };

  const ENDED = 'The run of a.quant.yaml ended when its window closed, before anything was written.';

  it('keeps which configs run', async () => {
    const held = holdServer();
    const config = extension.write('a.quant.yaml');
    const run = extension.command('run', config);
    await settled();
    expect(extension.remembered()).toEqual([{ config: config.toString(), since: expect.any(Number) }]);
    held[0]!.answer(undefined);
    await run;
    expect(extension.remembered()).toEqual([]);
  });

  it('keeps them where their requests fail because it closes', async () => {
    const held = holdServer();
    const run = extension.command('run', extension.write('a.quant.yaml'));
    await settled();
    await deactivate();
    held[0]!.fail(new ResponseError(-32097, 'Connection got disposed.'));
    await run;
    expect(extension.remembered()).toHaveLength(1);
  });

  it('is followed by the offer to resume it, until somebody has seen it', async () => {
    remember();
    const kept: unknown[] = [];
    editor.answer = ({ text }) => {
      if (text === ENDED) kept.push(...extension.remembered());
      return text === ENDED ? 'Resume' : undefined;
    };

    await reload();
    expect(editor.questions).toMatchObject([{ kind: 'error', text: ENDED }]);
    expect(executed().map(([name]) => name)).toEqual(['quantsmith.resume']);
    expect(kept).toHaveLength(1);
  });

  it('is followed by its report where that was written', async () => {
    remember();
    const created = new Date(Date.now() + 1000).toISOString();
    extension.writeReport('net.report.json', 'a.quant.yaml', { created });
    answer({ 'are written': 'Report' });
    await reload();
    expect(toldTexts()).toEqual([
      'The run of a.quant.yaml had ended when its window closed: model and report are written.',
    ]);
    expect(editor.panels).toHaveLength(1);
    expect(extension.remembered()).toEqual([]);
  });

  it('is followed by a word about a run that is still at work, and by how it ended', async () => {
    remember();
    await reload(3);
    expect(toldTexts()).toEqual([
      'A run of a.quant.yaml is still at work, in another window or a terminal.',
      ENDED,
    ]);
    expect(extension.remembered()).toEqual([]);
  });

  it('is followed by the same where the server cannot say, and by nothing of what is damaged', async () => {
    remember();
    extension.write('.storage/running/b.json', '{');
    extension.write('.storage/running/c.json', '{"config": 1}');
    editor.server = () => Promise.reject(new Error('not yet'));
    await extension.activate();
    await settled();
    expect(toldTexts()).toEqual([ENDED]);
  });

  it('says nothing of a config that is run again meanwhile', async () => {
    remember();
    let tell: (answer: unknown) => void = () => undefined;
    editor.server = () => new Promise((resolve) => (tell = resolve));
    await extension.activate();
    await settled();
    const recovered = tell;
    void extension.command('run', extension.uri('a.quant.yaml'));
    await settled();
    recovered({ isBusy: false });
    await settled();
    expect(toldTexts()).toEqual([]);
    expect(extension.remembered()).toHaveLength(1);
  });
});
