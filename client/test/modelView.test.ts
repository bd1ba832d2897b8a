import type * as vscode from 'vscode';
import { beforeEach, describe, expect, it } from 'vitest';
import { editor, type ServerCommand, toldTexts } from '../../test/kit/editor.js';
import { layer, sampleReport } from '../../test/kit/sampleReport.js';
import { summary } from '../../test/kit/summary.js';
import { createPanel } from '../../test/kit/vscode.js';
import { activeExtension, executed, settled } from './extension.js';

const extension = activeExtension();

const structure = (name: string) =>
  summary({
    path: extension.uri(name).fsPath,
    nodes: [{ name: '/stem/Conv', op: 'Conv' }],
  });

let sent: ServerCommand[] = [];
beforeEach(() => {
  sent = [];
  editor.server = (command) => {
    sent.push(command);
    const [uri] = command.args;
    if (command.name === 'quantsmith.server.changeLayer') return [];
    if (command.name === 'quantsmith.server.weights') return { tensor: 'w' };
    return { model: structure(String(uri).split('/').at(-1)!), configs: [] };
  };
});

type Panel = ReturnType<typeof createPanel>;

/** A model in its editor, as a click on the file opens it. */
async function opened(name: string): Promise<Panel> {
  const provider = editor.registered.get('editor quantsmith.model') as {
    openCustomDocument(uri: vscode.Uri): vscode.CustomDocument;
    resolveCustomEditor(document: vscode.CustomDocument, panel: unknown): Promise<void>;
  };
  const panel = createPanel('quantsmith.model', name);
  await provider.resolveCustomEditor(provider.openCustomDocument(extension.uri(name)), panel);
  return panel;
}

async function said(panel: Panel, message: unknown): Promise<unknown> {
  panel.say(message);
  await settled();
  return panel.webview.posted.at(-1);
}

/** A report of a run that lies beside its config. */
const writeRun = (name: string) =>
  extension.write(
    `${name}.int8.onnx.report.json`,
    JSON.stringify(
      sampleReport({
        ...{ config: { path: `${name}.quant.yaml`, sha256: 'a'.repeat(64) } },
        ...{ model: { path: 'net.onnx', sha256: 'b' }, output: { path: `${name}.int8.onnx`, sha256: 'c' } },
        layers: [layer()],
      }),
    ),
  );

describe('a model', () => {
  beforeEach(() => {
    extension.write('net.onnx');
    extension.write('net.int8.onnx');
  });

  it('opens as a page, whose script is given the rows', async () => {
    const panel = await opened('net.onnx');
    expect(panel.webview.html).toContain('<h1>net.onnx</h1>');
    expect(await said(panel, { type: 'ready' })).toMatchObject({
      type: 'model',
      data: { rows: [{ name: '/stem/Conv', run: null }], hasRun: false, hasFloat: false, configs: [] },
    });
  });

  it('says what is wrong with a file', async () => {
    editor.server = () => {
      throw new Error('net.onnx is not an ONNX model.');
    };

    const panel = await opened('net.onnx');
    expect(panel.webview.html).toContain('net.onnx is not an ONNX model.');
    expect(await said(panel, { type: 'ready' })).toBeUndefined();
  });

  it('shows its last run, and offers its config', async () => {
    writeRun('net');
    const panel = await opened('net.onnx');
    expect(await said(panel, { type: 'ready' })).toMatchObject({
      data: {
        ...{ hasRun: true, hasFloat: false, rows: [{ run: { state: 'QLinearConv' } }] },
        configs: [{ uri: extension.uri('net.quant.yaml').toString(), label: 'net.quant.yaml' }],
      },
    });
  });

  it('that a run wrote is shown beside its float model', async () => {
    writeRun('net');
    const panel = await opened('net.int8.onnx');
    expect(await said(panel, { type: 'ready' })).toMatchObject({
      data: { hasRun: true, hasFloat: true, rows: [{ difference: 'computes on codes' }] },
    });
    await said(panel, { type: 'weights', layer: '/stem/Conv' });
    expect(sent.at(-1)).toMatchObject({
      name: 'quantsmith.server.weights',
      args: [
        extension.uri('net.onnx').toString(),
        '/stem/Conv',
        { bits: 8, perChannel: true, halfRange: false },
      ],
    });
    expect(panel.webview.posted.at(-1)).toEqual({
      ...{ type: 'weights', layer: '/stem/Conv', weights: { tensor: 'w' }, problem: '' },
    });
  });

  it('is read again when it or a report changes', async () => {
    const panel = await opened('net.onnx');
    writeRun('net');
    for (const listener of editor.files.created) listener(extension.uri('net.int8.onnx.report.json'));
    await settled();
    expect(panel.webview.html).toContain('Layers show the run of');
  });

  it('changes layers in a config', async () => {
    const config = extension.write('net.quant.yaml', 'model: net.onnx\n').toString();
    const panel = await opened('net.onnx');
    await said(panel, { type: 'change', layer: '/stem/Conv', change: 'bits16', config });
    expect(sent.at(-1)).toMatchObject({
      name: 'quantsmith.server.changeLayer',
      args: [config, '/stem/Conv', 'bits16'],
    });
    expect(toldTexts()).toEqual(['The config says so already: it sets 16 bits for /stem/Conv.']);
  });
});

describe('a layer', () => {
  it('is shown in a model that is open, and in one that opens', async () => {
    const model = extension.write('net.onnx').toString();
    await extension.command('revealInModel', model, '/stem/Conv');
    expect(executed()).toContainEqual(['vscode.openWith', extension.uri('net.onnx'), 'quantsmith.model']);
    const panel = await opened('net.onnx');
    const reveal = { type: 'reveal', layer: '/stem/Conv' };
    expect(await said(panel, { type: 'ready' })).toEqual(reveal);
    await extension.command('revealInModel', model, '/stem/Conv');
    expect(panel.webview.posted.slice(1)).toEqual([reveal, reveal]);
    expect(panel.revealed).toBe(1);
  });
});
