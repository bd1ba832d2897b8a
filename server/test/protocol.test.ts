import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CancellationTokenSource, WorkDoneProgress } from 'vscode-languageserver-protocol/node';
import type { CodeAction, Diagnostic, DocumentDiagnosticReport } from 'vscode-languageserver-protocol';
import type { DebugReport, QuantizationReport } from '@quantsmith/schemas';
import { inMemory, realProcess, type TestClient } from '../../test/kit/lspClient.js';
import { copyDigits } from '../../test/kit/digits.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const uri = 'untitled:test.quant.yaml';
const HEAD = 'model: m.onnx\ndata: {calibration: {arrays: a.npy}}\n';
const PULL = {
  capabilities: {
    textDocument: { diagnostic: {} },
    workspace: { diagnostics: { refreshSupport: true } },
    window: { workDoneProgress: true },
  },
};

describe('over streams in memory', () => {
  let client: TestClient;
  const begin = async (params = {}) => (client = await inMemory(params));
  const codes = (diagnostics: readonly Diagnostic[]) => diagnostics.map(({ code }) => code);

  it('pushes diagnostics to clients that do not pull, and takes them back when a document is closed', async () => {
    await begin();
    const first = client.pushed(uri);
    await client.open(uri, `${HEAD}foo: 1`);
    expect(codes((await first).diagnostics)).toEqual(['unknown-key']);
    const second = client.pushed(uri);
    const range = { start: { line: 2, character: 0 }, end: { line: 2, character: 6 } };
    const textDocument = { uri, version: 2 };
    await client.connection.sendNotification('textDocument/didChange', {
      textDocument,
      contentChanges: [{ range, text: '' }],
    });
    expect(await second).toMatchObject({ version: 2, diagnostics: [] });
    const third = client.pushed(uri);
    await client.connection.sendNotification('textDocument/didClose', { textDocument: { uri } });
    expect((await third).diagnostics).toEqual([]);
  });

  it('answers clients that pull, and settings change severities', async () => {
    await begin({
      ...PULL,
      initializationOptions: { severities: { 'unknown-key': 'hint', 'unknown-value': 'off' } },
    });
    await client.open(uri, `${HEAD}foo: 1\nquantization: {preset: x}`);
    const pull = async () => {
      const report = await client.connection.sendRequest<DocumentDiagnosticReport>(
        'textDocument/diagnostic',
        { textDocument: { uri } },
      );
      return report.kind === 'full' ? report.items.map(({ code, severity }) => [code, severity]) : [];
    };

    expect(await pull()).toEqual([['unknown-key', 4]]);
    await client.connection.sendNotification('workspace/didChangeConfiguration', { settings: null });
    expect(await pull()).toEqual([
      ['unknown-key', 1],
      ['unknown-value', 1],
    ]);
  });

  it('fixes everything but what is turned off', async () => {
    const codeAction = { codeActionLiteralSupport: { codeActionKind: { valueSet: [''] } } };
    const capabilities = { textDocument: { codeAction } };
    await begin({ capabilities, initializationOptions: { severities: { 'unknown-value': 'off' } } });
    await client.open(uri, `${HEAD}quantization:\n  preset: mixd\n  subset_size: "9"\n`);
    const start = { line: 0, character: 0 };
    const [action, ...others] = await client.connection.sendRequest<CodeAction[]>('textDocument/codeAction', {
      textDocument: { uri },
      range: { start, end: start },
      context: { diagnostics: [], only: ['source.fixAll'] },
    });
    expect(others).toEqual([]);
    expect(action!.edit!.changes![uri]!.map(({ newText }) => newText)).toEqual(['9']);
  });

  it('fixes what clients give back without the data that it was sent with', async () => {
    const codeAction = { codeActionLiteralSupport: { codeActionKind: { valueSet: [''] } } };
    await begin({ capabilities: { textDocument: { codeAction } } });
    const pushed = client.pushed(uri);
    await client.open(uri, `${HEAD}quantization:\n  preset: mixd\n`);
    const { diagnostics } = await pushed;
    expect(diagnostics).toEqual([expect.not.objectContaining({ data: expect.anything() })]);
    const actions = await client.connection.sendRequest<CodeAction[]>('textDocument/codeAction', {
      textDocument: { uri },
      range: diagnostics[0]!.range,
      context: { diagnostics },
    });
    expect(actions[0]).toMatchObject({ title: 'Change to mixed', kind: 'quickfix' });
  });

  it('traces what it does for clients that want to know', async () => {
    await begin({ ...PULL, trace: 'messages' });
    const traced: string[] = [];
    client.connection.onNotification(
      '$/logTrace',
      ({ message }: { message: string }) => void traced.push(message),
    );
    await client.open(uri, HEAD);
    const pull = () => client.connection.sendRequest('textDocument/diagnostic', { textDocument: { uri } });
    await pull();
    expect(traced).toEqual([expect.stringMatching(/^Checked version 1 of .*: 0 findings in [\d.]+ ms\.$/)]);
    await client.connection.sendNotification('$/setTrace', { value: 'off' });
    await pull();
    expect(traced).toHaveLength(1);
  });

  it('answers nothing, not an error, outside of documents and for documents that are not open', async () => {
    await begin();
    await client.open(uri, HEAD);
    const position = { line: 999, character: 999 };
    for (const textDocument of [{ uri }, { uri: 'untitled:other' }, { uri: 'http://x y' }]) {
      const params = {
        textDocument,
        position,
        context: { includeDeclaration: true, diagnostics: [] },
        positions: [position],
        range: { start: position, end: position },
        newName: 'x',
      };
      for (const method of [
        'hover',
        'completion',
        'definition',
        'references',
        'documentHighlight',
        'documentSymbol',
        'foldingRange',
        'selectionRange',
        'documentLink',
        'codeLens',
        'inlayHint',
        'codeAction',
        'semanticTokens/full',
        'semanticTokens/range',
        'rename',
        'prepareRename',
      ])
        await expect(client.connection.sendRequest(`textDocument/${method}`, params)).resolves.not.toThrow();
    }
  });

  it('says in which settings configs on the disk differ', async () => {
    await begin();
    const folder = mkdtempSync(join(tmpdir(), 'quantsmith-settings-'));
    const files = [HEAD, `${HEAD}quantization: {preset: mixed}\n`].map((text, index) => {
      const file = join(folder, `${index}.quant.yaml`);
      writeFileSync(file, text);
      return pathToFileURL(file).href;
    });
    const settings = (args: unknown[]) =>
      client.connection.sendRequest('workspace/executeCommand', {
        command: 'quantsmith.server.settings',
        arguments: args,
      });
    expect(await settings(files)).toEqual([{ setting: 'quantization.preset', values: [null, '"mixed"'] }]);
    await expect(settings([files[0], 7])).rejects.toThrow('needs the URIs of files');
    await expect(settings([files[0], 'file:///no/such.quant.yaml'])).rejects.toThrow(/such/);
    rmSync(folder, { recursive: true });
  });

  it('counts the samples of arrays, alone and in an archive', async () => {
    await begin();
    const folder = mkdtempSync(join(tmpdir(), 'quantsmith-samples-'));
    const array = readFileSync(join(root, 'examples/digits/data/calibration.npy'));
    const write = (name: string, bytes: Uint8Array) => {
      writeFileSync(join(folder, name), bytes);
      return pathToFileURL(join(folder, name)).href;
    };

    const files = [
      write('x.npy', array),
      write('x.npz', zipSync({ 'x.npy': array })),
      write('y.npy', Buffer.from('no array')),
      pathToFileURL(join(folder, 'none.npz')).href,
    ];
    const counts = await client.connection.sendRequest('workspace/executeCommand', {
      command: 'quantsmith.server.samples',
      arguments: files,
    });
    expect(counts).toEqual([300, 300, null, null]);
    rmSync(folder, { recursive: true });
  });

  it('refuses commands that it does not know, with a sentence', async () => {
    await begin();
    const send = (command: string, args: unknown[]) =>
      client.connection.sendRequest('workspace/executeCommand', { command, arguments: args });
    await expect(send('quantsmith.other', ['file:///x'])).rejects.toThrow(
      'There is no command quantsmith.other.',
    );
    await expect(send('quantsmith.server.run', [])).rejects.toThrow('needs the URI of a file');
    await expect(send('quantsmith.server.run', ['file:///no/such.quant.yaml'])).rejects.toThrow(
      'does not exist',
    );
    await expect(send('quantsmith.server.init', ['file:///no/such.onnx'])).rejects.toThrow(/such\.onnx/);
  });
});

const bundle = join(root, 'dist/server.cjs');
describe.skipIf(!existsSync(bundle))('the bundled program (npm run build makes it)', () => {
  let client: TestClient;
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'quantsmith-server-'));
    copyDigits(folder);
  });
  afterEach(async () => {
    await client.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('runs the example with progress and puts its accuracy on the lines of the config', async () => {
    client = await realProcess(bundle, PULL);
    const file = join(folder, 'digits.quant.yaml');
    const config = pathToFileURL(file).href;
    await client.open(config, readFileSync(file, 'utf8'));
    const stages = new Set<string>();
    client.connection.onNotification(
      'quantsmith/progress',
      ({ stage }: { stage: string }) => void stages.add(stage),
    );
    const kinds = new Set<string>();
    client.connection.onRequest('window/workDoneProgress/create', ({ token }: { token: string }) => {
      client.connection.onProgress(WorkDoneProgress.type, token, ({ kind }) => void kinds.add(kind));
      return null;
    });
    const result = await client.connection.sendRequest('workspace/executeCommand', {
      command: 'quantsmith.server.run',
      arguments: [config],
    });
    expect(result).toMatchObject({
      reportPath: join(folder, 'digits.int8.onnx.report.json'),
      satisfied: true,
    });
    expect([...kinds]).toEqual(['begin', 'report', 'end']);
    expect([...stages]).toEqual(expect.arrayContaining(['calibrate', 'restore']));
    // What is not known in time is told later: clients are asked to ask again.
    const codes = async () => {
      const report = await client.connection.sendRequest<DocumentDiagnosticReport>(
        'textDocument/diagnostic',
        {
          textDocument: { uri: config },
        },
      );
      return report.kind === 'full' ? report.items.map(({ code }) => code) : [];
    };

    await expect
      .poll(codes, { timeout: 60_000 })
      .toEqual(expect.arrayContaining(['setting-cost', 'accuracy-restored']));
    const lenses = await client.connection.sendRequest<{ command: { title: string } }[]>(
      'textDocument/codeLens',
      { textDocument: { uri: config } },
    );
    expect(lenses.map(({ command }) => command.title)).toEqual([
      'Run quantization',
      expect.stringMatching(/^Last run .*top1/),
    ]);
  });

  it('compares overflow fixes, after a run of the same config only', async () => {
    client = await realProcess(bundle, PULL);
    const file = join(folder, 'digits.quant.yaml');
    const text = readFileSync(file, 'utf8').replace('num_bits: 4', 'num_bits: 8');
    writeFileSync(file, text);
    const config = pathToFileURL(file).href;
    await client.open(config, text);
    const send = (command: string) =>
      client.connection.sendRequest('workspace/executeCommand', { command, arguments: [config] });
    await expect(send('quantsmith.server.overflow')).rejects.toThrow('Run quantization first');
    await send('quantsmith.server.run');
    const risk = async () => {
      const found = await client.connection.sendRequest<DocumentDiagnosticReport>('textDocument/diagnostic', {
        textDocument: { uri: config },
      });
      const items = found.kind === 'full' ? found.items : [];
      return items.find(({ code }) => code === 'overflow-risk')?.message;
    };

    // What is not known in time is told later.
    await expect.poll(risk, { timeout: 60_000 }).toMatch(/compares the settings/);
    const reportPath = join(folder, 'digits.int8.onnx.report.json');
    expect(await send('quantsmith.server.overflow')).toEqual({ reportPath });
    const report = JSON.parse(readFileSync(reportPath, 'utf8')) as QuantizationReport;
    expect(report.overflow.settings!.map(({ fix }) => fix)).toEqual([
      'disable',
      'first_layer',
      'enable',
      'auto',
    ]);
    await expect
      .poll(risk, { timeout: 60_000 })
      .toMatch(/before restoration: disable \d.*first_layer \d.*enable \d.*auto \d/);
  });

  it('compares every layer with the float model, and writes nothing', async () => {
    client = await realProcess(bundle, PULL);
    const config = pathToFileURL(join(folder, 'digits.quant.yaml')).href;
    const before = readdirSync(folder).sort();
    const report = await client.connection.sendRequest<DebugReport>('workspace/executeCommand', {
      command: 'quantsmith.server.debug',
      arguments: [config],
    });
    expect(report).toMatchObject({ schema_version: 1, settings: 'defaults', saved: [] });
    expect(report.layers.filter(({ quantized, sqnr_db: ratio }) => quantized && ratio !== null)).not.toEqual(
      [],
    );
    expect(readdirSync(folder).sort()).toEqual(before);
  });

  it('a run that is cancelled leaves nothing behind', async () => {
    client = await realProcess(bundle, PULL);
    const config = pathToFileURL(join(folder, 'digits.quant.yaml')).href;
    const source = new CancellationTokenSource();
    client.connection.onNotification('quantsmith/progress', () => source.cancel());
    const params = { command: 'quantsmith.server.run', arguments: [config] };
    await expect(
      client.connection.sendRequest('workspace/executeCommand', params, source.token),
    ).rejects.toThrow('Cancelled');
    expect(existsSync(join(folder, 'digits.int8.onnx'))).toBe(false);
    expect(existsSync(join(folder, 'digits.int8.onnx.report.json'))).toBe(false);
  });
});
