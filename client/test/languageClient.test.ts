import { join } from 'node:path';
import * as vscode from 'vscode';
import { describe, expect, it } from 'vitest';
import { editor, fire, toldTexts } from '../../test/kit/editor.js';
import { activeExtension, serverAnswers, settled } from './extension.js';

const extension = activeExtension();

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
