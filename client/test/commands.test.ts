import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { beforeEach, describe, expect, it } from 'vitest';
import { editor, fire, type Question, type ServerCommand, toldTexts } from '../../test/kit/editor.js';
import { sampleDebug } from '../../test/kit/sampleDebug.js';
import { activeExtension, answer, executed, lastQuestion, settled } from './extension.js';

const extension = activeExtension();

/** Commands that the server was sent, which answers them with the same value. */
function serverAnswers(value: unknown): ServerCommand[] {
  const sent: ServerCommand[] = [];
  editor.server = (command) => {
    sent.push(command);
    if (value instanceof Error) throw value;
    return value;
  };

  return sent;
}

describe('check', () => {
  const diagnose = (severity: number) =>
    editor.diagnostics.set(extension.uri('net.quant.yaml').toString(), [{ severity } as vscode.Diagnostic]);

  beforeEach(() => extension.write('net.quant.yaml'));

  it('says that nothing is wrong, hints apart', async () => {
    diagnose(vscode.DiagnosticSeverity.Hint);
    expect(await extension.command('check', extension.uri('net.quant.yaml'))).toBe(0);
    expect(toldTexts()).toEqual(['Quantsmith found no problems in this config.']);
  });

  it('shows the problems', async () => {
    diagnose(vscode.DiagnosticSeverity.Warning);
    await extension.open('net.quant.yaml');
    expect(await extension.command('check')).toBe(1);
    expect(executed()).toContainEqual(['workbench.actions.view.problems']);
  });

  it('needs a config', async () => {
    expect(await extension.command('check')).toBeUndefined();
    expect(toldTexts()).toEqual(['Open a quantization config (*.quant.yaml or *.quant.json) first.']);
  });
});

describe('compare', () => {
  const pages = () => editor.panels.map(({ title }) => title);
  const COMPARISON = 'Comparison: net.int8.onnx and net.int8.onnx';
  // The server knows of no settings that differ.
  beforeEach(() => void serverAnswers([]));

  it('puts two reports side by side', async () => {
    const a = extension.writeReport('a.report.json', 'net.quant.yaml');
    const b = extension.writeReport('b.report.json', 'net.quant.yaml');
    await extension.command('compare', a, b);
    expect(pages()).toEqual([COMPARISON]);
  });

  it('takes the report of the config in view, and one to choose', async () => {
    extension.write('net.quant.yaml');
    extension.writeReport('a.report.json', 'net.quant.yaml', { created: '2026-01-01T00:00:00.000Z' });
    extension.writeReport('b.report.json', 'net.quant.yaml');
    await extension.open('net.quant.yaml');
    answer({ 'compare with': 'a.report.json' });
    await extension.command('compare');
    expect(lastQuestion()?.choices).toEqual(['a.report.json']);
    expect(pages()).toEqual([COMPARISON]);
  });

  it('ends where none is chosen, there is no other or none at all', async () => {
    extension.write('net.quant.yaml');
    await extension.command('compare');
    await extension.open('net.quant.yaml');
    await extension.command('compare');
    const a = extension.writeReport('a.report.json', 'net.quant.yaml');
    await extension.command('compare', a);
    extension.writeReport('b.report.json', 'net.quant.yaml');
    await extension.command('compare', a);
    expect(toldTexts()).toEqual([
      'Open a quantization config (*.quant.yaml or *.quant.json) first.',
      'This config has no report yet: run the quantization first.',
      'There is no other report in this folder to compare with.',
      'The report to compare with',
    ]);
    expect(pages()).toEqual([]);
  });

  it.each([
    [
      'of a later version',
      JSON.stringify({ schema_version: 99, output: { path: 'a' }, config: { path: 'b' } }),
    ],
    ['without its paths', JSON.stringify({ schema_version: 3, output: {}, config: { path: 'b' } })],
    ['that is no JSON', 'null,'],
  ])('says that a report %s cannot be shown', async (_, text) => {
    const a = extension.writeReport('a.report.json', 'net.quant.yaml');
    const b = extension.write('b.report.json', text);
    await extension.command('compare', a, b);
    await extension.command('compare', b, a);
    expect(toldTexts()).toEqual(Array(2).fill(`${b.fsPath} is not a report that this version can show.`));
  });
});

describe('convert', () => {
  beforeEach(async () => {
    extension.write('net.quant.yaml', 'model: net.onnx\n');
    await extension.open('net.quant.yaml');
  });

  it('opens the other notation unsaved under its name', async () => {
    const sent = serverAnswers({ text: '{"model": "net.onnx"}', fileName: 'net.quant.json' });
    await extension.command('convert');
    expect(sent[0]).toMatchObject({
      name: 'quantsmith.server.convert',
      args: [extension.uri('net.quant.yaml').toString()],
    });
    const { document } = editor.active!;
    expect(document.uri.toString()).toBe(
      extension.uri('net.quant.json').with({ scheme: 'untitled' }).toString(),
    );
    expect(document.getText()).toBe('{"model": "net.onnx"}');
  });

  it('opens a file of that name as it is', async () => {
    serverAnswers({ text: '{}', fileName: 'net.quant.json' });
    extension.write('net.quant.json', '{"mine": 1}');
    await extension.command('convert');
    expect(editor.active!.document.getText()).toBe('{"mine": 1}');
  });

  it.each([[new Error('It has an alias.'), 'The config could not be converted: It has an alias.']])(
    'says why it could not',
    async (error, text) => {
      serverAnswers(error);
      await extension.command('convert');
      expect(toldTexts()).toEqual([text]);
    },
  );

  it('needs a config', async () => {
    editor.active = undefined;
    await extension.command('convert');
    expect(toldTexts()).toEqual(['Open a quantization config (*.quant.yaml or *.quant.json) first.']);
  });
});

describe('overflow fixes', () => {
  it('are compared in the report, which opens with them', async () => {
    const report = extension.writeReport('net.report.json', 'net.quant.yaml');
    const sent = serverAnswers({ reportPath: report.fsPath });
    await extension.command('overflow', extension.write('net.quant.yaml'));
    expect(sent[0]?.name).toBe('quantsmith.server.overflow');
    expect(editor.panels).toHaveLength(1);
  });

  it('are not compared where that fails or there is no config', async () => {
    serverAnswers(new Error('no model'));
    await extension.command('overflow', extension.write('net.quant.yaml'));
    await extension.command('overflow');
    expect(toldTexts()).toEqual([
      'net.quant.yaml: the overflow fixes could not be compared: no model',
      'Open a quantization config (*.quant.yaml or *.quant.json) first.',
    ]);
    expect(editor.panels).toEqual([]);
  });

  it('are set as an edit of the config', async () => {
    const config = extension.write('net.quant.yaml', 'model: net.onnx\n');
    const insertion = { start: { line: 1, character: 0 }, end: { line: 1, character: 0 } };
    const sent = serverAnswers([{ range: insertion, newText: 'overflow_fix: disable\n' }]);
    await extension.command('setOverflowFix', config.toString(), 'disable');
    expect(sent[0]?.args).toEqual([
      config.toString(),
      ['quantization', 'advanced_parameters', 'overflow_fix'],
      'disable',
    ]);
    expect(editor.active!.document.getText()).toBe('model: net.onnx\noverflow_fix: disable\n');
    expect(readFileSync(config.fsPath, 'utf8')).toBe('model: net.onnx\n');
  });

  it('are not set where the server refuses or a link is malformed', async () => {
    const config = extension.write('net.quant.yaml');
    const sent = serverAnswers(new Error('not a mapping'));
    await extension.command('setOverflowFix', config.toString(), 'disable');
    await extension.command('setOverflowFix', config.toString());
    await extension.command('setOverflowFix', 5, 'disable');
    expect(sent).toHaveLength(1);
    expect(toldTexts()).toEqual(['The setting could not be written: not a mapping']);
  });
});

describe('debug', () => {
  it('shows each layer on a page', async () => {
    const sent = serverAnswers(sampleDebug());
    await extension.command('debug', extension.write('net.quant.yaml'));
    expect(sent[0]?.name).toBe('quantsmith.server.debug');
    expect(editor.panels.map(({ title }) => title)).toEqual(['Layers: net.quant.yaml']);
  });

  it('needs a config', async () => {
    expect(await extension.command('debug')).toBeUndefined();
    expect(toldTexts()).toEqual(['Open a quantization config (*.quant.yaml or *.quant.json) first.']);
  });
});

describe('a new config', () => {
  it('is written beside the model that is chosen', async () => {
    for (const name of ['net.onnx', 'net.int8.onnx', 'sub/other.onnx']) extension.write(name);
    const sent = serverAnswers({ text: 'model: other.onnx\n' });
    answer({ 'model to quantize': 'sub/other.onnx' });
    const config = await extension.command('newConfig');
    expect(String(config)).toBe(extension.uri('sub/other.quant.yaml').toString());
    expect(lastQuestion()?.choices).toEqual(['net.onnx', 'sub/other.onnx']);
    expect(sent[0]?.args).toEqual([extension.uri('sub/other.onnx').toString(), {}]);
    expect(editor.active!.document.getText()).toBe('model: other.onnx\n');
  });

  it('is the one that is there', async () => {
    const sent = serverAnswers(null);
    extension.write('net.quant.yaml', 'mine: 1\n');
    await extension.command('newConfig', extension.write('net.onnx'));
    expect(editor.active!.document.getText()).toBe('mine: 1\n');
    expect(sent).toEqual([]);
  });

  it('needs a model that can be read', async () => {
    expect(await extension.command('newConfig')).toBeUndefined();
    serverAnswers(new Error('no graph'));
    expect(await extension.command('newConfig', extension.write('net.onnx'))).toBeUndefined();
    expect(await extension.command('newConfig')).toBeUndefined();
    expect(toldTexts()).toEqual([
      'There is no ONNX model in this workspace.',
      'The config could not be created: no graph',
      'The model to quantize',
    ]);
  });
});

describe('the example', () => {
  const target = () => join(extension.folder(), 'quantsmith-example');

  it('is copied into a folder and opened there, also a second time', async () => {
    answer({ 'Folder for the example': extension.folder() });
    await extension.command('openExample');
    expect(existsSync(join(target(), 'digits.quant.yaml'))).toBe(true);
    await extension.command('openExample');
    expect(executed().filter(([name]) => name === 'vscode.openFolder')).toHaveLength(2);
    expect(toldTexts()).toEqual(['Folder for the example', 'Folder for the example']);
  });

  it('is not copied where no folder is chosen or it cannot be written', async () => {
    await extension.command('openExample');
    extension.write('file');
    answer({ 'Folder for the example': join(extension.folder(), 'file') });
    await extension.command('openExample');
    expect(lastQuestion()?.text).toMatch(/^The example could not be copied: /);
    expect(executed().map(([name]) => name)).not.toContain('vscode.openFolder');
  });
});

describe('docs and trust', () => {
  it('open a page at a heading', async () => {
    await extension.command('openDocs', 'diagnostics', 'dead-setting');
    await extension.command('openDocs', 'errors');
    await extension.command('openDocs', '../secret');
    await extension.command('openDocs');
    const pages = executed().flatMap(([name, page]) =>
      name === 'markdown.showPreview' ? [page as vscode.Uri] : [],
    );
    expect(pages.map(({ path, fragment }) => [path.split('/').at(-1), fragment])).toEqual([
      ['diagnostics.md', 'dead-setting'],
      ['errors.md', ''],
    ]);
  });

  it('lead to what keeps modules from running', async () => {
    editor.isTrusted = false;
    await extension.command('manageTrust');
    editor.isTrusted = true;
    await extension.command('manageTrust');
    editor.folder = '';
    await extension.command('manageTrust');
    expect(executed().filter(([name]) => name.startsWith('workbench.'))).toEqual([
      ['workbench.trust.manage'],
      ['workbench.action.openWorkspaceSettings', { query: 'quantsmith.allowModules' }],
      ['workbench.action.openSettings', { query: 'quantsmith.allowModules' }],
    ]);
  });

  it('show the log', async () => {
    await extension.command('showLog');
    expect(editor.log.at(-1)).toBe('shown');
  });
});

describe('the language client', () => {
  interface Options {
    readonly initializationOptions: object;
    readonly middleware: {
      executeCommand(
        name: string,
        args: unknown[],
        next: (name: string, args: unknown[]) => unknown,
      ): unknown;
      handleDiagnostics(
        uri: unknown,
        diagnostics: object[],
        next: (uri: unknown, all: object[]) => void,
      ): void;
      handleWorkDoneProgress(): void;
      provideDiagnostics(a: unknown, b: unknown, c: unknown, next: () => unknown): Promise<unknown>;
      readonly workspace: { configuration(params: { items: { section: string }[] }): unknown[] };
    };
  }
  const options = () => (editor.registered.get('client quantsmith') as { options: Options }).options;

  it('starts, and tells the settings again when trust is given', async () => {
    expect(editor.log).toEqual(['client: start']);
    fire('trust');
    await settled();
    expect(editor.log.at(-1)).toBe('client: workspace/didChangeConfiguration');
  });

  it('gives the server the settings, modules only in a trusted workspace', () => {
    const ask = () =>
      options().middleware.workspace.configuration({ items: [{ section: 'quantsmith' }, { section: 'x' }] });
    expect(ask()).toEqual([{ allowModules: false, severities: {}, logLevel: 'info' }, null]);
    editor.settings = { allowModules: true, logLevel: 'debug', severities: { 'dead-setting': 'off' } };
    expect(ask()).toEqual([
      { allowModules: true, severities: { 'dead-setting': 'off' }, logLevel: 'debug' },
      null,
    ]);
    editor.isTrusted = false;
    expect(ask()[0]).toMatchObject({ allowModules: false });
  });

  it('runs here what the server offers, and hands it the rest', async () => {
    const { middleware } = options();
    const passed: unknown[] = [];
    const next = (name: string) => void passed.push(name);
    const report = extension.writeReport('net.report.json', 'net.quant.yaml');
    serverAnswers({ reportPath: report.fsPath, satisfied: null, distrust: null });
    const config = extension.write('net.quant.yaml').toString();
    await middleware.executeCommand('quantsmith.server.run', [config], next);
    await middleware.executeCommand('quantsmith.server.overflow', [config], next);
    await middleware.executeCommand('quantsmith.server.init', [config], next);
    await middleware.executeCommand('quantsmith.server.run', [], next);
    expect(passed).toEqual(['quantsmith.server.init', 'quantsmith.server.run']);
    expect(toldTexts()).toContain('net.quant.yaml: quantized.');
  });

  it('opens the pages of codes rendered', async () => {
    const { middleware } = options();
    const root = join(import.meta.dirname, '../..');
    const linked = (path: string) => ({
      code: { value: 'dead-setting', target: vscode.Uri.file(path).with({ fragment: 'dead-setting' }) },
    });
    let seen: { code: unknown }[] = [];
    middleware.handleDiagnostics(
      null,
      [linked(join(root, 'docs/diagnostics.md')), linked('/elsewhere/docs/a.md'), { code: 'plain' }],
      (_, all) => (seen = all as typeof seen),
    );
    expect(
      seen.map(({ code }) => String(typeof code === 'object' ? (code as { target: unknown }).target : code)),
    ).toEqual([
      `command:quantsmith.openDocs?${encodeURIComponent('["diagnostics","dead-setting"]')}`,
      'file:///elsewhere/docs/a.md#dead-setting',
      'plain',
    ]);

    const pulled = (report: object) =>
      middleware.provideDiagnostics(null, null, null, () => Promise.resolve(report));
    expect(await pulled({ kind: 'unChanged' })).toEqual({ kind: 'unChanged' });
    expect(
      JSON.stringify(await pulled({ kind: 'full', items: [linked(join(root, 'docs/errors.md'))] })),
    ).toContain('quantsmith.openDocs');
  });

  it('stops with the extension', async () => {
    const { deactivate } = await import('../src/extension.js');
    await deactivate();
    expect(editor.log.at(-1)).toBe('client: stop');
  });
});

describe('from a model to a config', () => {
  const questions = () => editor.questions.map(({ text, choices }) => [text, choices]);
  const images = (folder: string, count: number) => {
    for (let index = 0; index < count; index++) extension.write(`${folder}/${index}.png`);
  };

  it('asks for data and target, likely folders first', async () => {
    const model = extension.write('models/net.onnx');
    images('models/val/cat', 2);
    images('models/val/dog', 1);
    images('train', 3);
    extension.write('train/labels.csv');
    extension.write('arrays/samples.npy');
    extension.write('node_modules/x/1.png');
    const sent = serverAnswers({ text: 'model: net.onnx\n' });
    answer({ calibration: '../train', validation: './val', target: '0.02' });
    await extension.command('quantize', model);

    expect(questions()).toEqual([
      [
        'Quantize 1/3: calibration data',
        [
          '../train: 3 images, labels.csv',
          './val/cat: 2 images',
          '../arrays: samples.npy',
          './val/dog: 1 image',
          './val: 3 images in 2 class folders',
          'Browse…: another folder',
        ],
      ],
      [
        'Quantize 2/3: validation data',
        [
          './val: 3 images in 2 class folders',
          './val/cat: 2 images',
          '../arrays: samples.npy',
          './val/dog: 1 image',
          'None: outputs are compared with those of the float model',
          'Browse…: another folder',
        ],
      ],
      [
        'Quantize 3/3: target',
        [
          '0.01: one percentage point: the usual choice',
          '0.005: half a point',
          '0.02: two points',
          '0.05: five points',
          '0: nothing may be lost',
          'Another…: a number of your own',
        ],
      ],
    ]);
    expect(sent[0]?.args[1]).toEqual({
      calibration: { images: '../train', labels: '../train/labels.csv', classFolders: false },
      validation: { images: './val', classFolders: true },
      max_drop: 0.02,
    });
  });

  it('takes another folder, and no validation', async () => {
    const model = extension.write('net.onnx');
    extension.write('far/away/x.npz');
    extension.write('far/away/below/thumbnail.jpg');
    const sent = serverAnswers({ text: '' });
    editor.answer = ({ kind, text }: Question) =>
      kind === 'folder' ? extension.uri('far/away').fsPath : text.includes('1/3') ? 'Browse…' : 'None';
    await extension.command('quantize', model);
    expect(sent[0]?.args[1]).toEqual({ calibration: { arrays: './far/away/x.npz' } });
  });

  it('takes another target, and says what is none', async () => {
    extension.write('a/1.png');
    extension.write('b/1.png');
    const model = extension.write('net.onnx');
    answer({ calibration: './a', validation: './b' });
    expect(await extension.command('quantize', model)).toBeUndefined();
    const sent = serverAnswers({ text: '' });
    const picked: Record<string, string> = { '1/3': './a', '2/3': './b', '3/3': 'Another…' };
    editor.answer = ({ kind, text }: Question) =>
      kind === 'input' ? '0.03' : Object.entries(picked).find(([step]) => text.includes(step))?.[1];
    await extension.command('quantize', model);
    expect(sent[0]?.args[1]).toMatchObject({ max_drop: 0.03 });
    const { validate } = lastQuestion()!;
    expect(['0', '1', '0.5', '', ' ', '2', '-1', 'x'].map((text) => validate!(text))).toEqual([
      ...[null, null, null],
      ...Array<string>(5).fill('A number from 0 to 1.'),
    ]);
  });

  it.each(['1/3', '2/3'])('ends where the user leaves at %s', async (step) => {
    extension.write('a/1.png');
    editor.answer = ({ kind, text }: Question) =>
      kind === 'folder' ? undefined : text.includes(step) ? 'Browse…' : './a';
    expect(await extension.command('quantize', extension.write('net.onnx'))).toBeUndefined();
    answer({ calibration: step === '1/3' ? 'nothing' : './a' });
    expect(await extension.command('quantize', extension.uri('net.onnx'))).toBeUndefined();
    expect(existsSync(extension.uri('net.quant.yaml').fsPath)).toBe(false);
  });

  it('takes a model from elsewhere where the workspace has none', async () => {
    const sent = serverAnswers({ text: '' });
    editor.answer = ({ kind, text }: Question) => {
      if (kind === 'folder') return text.includes('model') ? '/elsewhere/net.onnx' : extension.folder();
      return text.includes('2/3') ? 'None' : 'Browse…';
    };

    await extension.command('quantize');
    expect(sent[0]?.args[0]).toBe('file:///elsewhere/net.onnx');
  });

  it('opens the config that is there, and needs a model', async () => {
    await extension.command('quantize');
    extension.write('net.quant.yaml', 'mine: 1\n');
    await extension.command('quantize', extension.write('net.onnx').toString());
    expect(toldTexts()).toEqual(['There is no ONNX model in this workspace.']);
    expect(editor.active!.document.getText()).toBe('mine: 1\n');
  });

  it('looks only beside a model outside the workspace', async () => {
    extension.write('models/net.onnx');
    extension.write('data/1.png');
    mkdirSync(extension.uri('work').fsPath);
    editor.folder = extension.uri('work').fsPath;
    await extension.command('quantize', extension.uri('models/net.onnx'));
    expect(questions()).toEqual([['Quantize 1/3: calibration data', ['Browse…: another folder']]]);
  });
});
