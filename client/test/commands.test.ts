import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import { beforeEach, describe, expect, it } from 'vitest';
import { editor, toldTexts } from '../../test/kit/editor.js';
import { sampleDebug } from '../../test/kit/sampleDebug.js';
import { activeExtension, answer, executed, lastQuestion, serverAnswers } from './extension.js';

const extension = activeExtension();

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
    // A page that was scrolled shows its start, where they stand.
    const { webview } = editor.panels[0] as unknown as { webview: { posted: unknown[] } };
    expect(webview.posted.at(-1)).toBe('show-start');
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
