import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspectModel } from '@quantsmith/model/onnx';
import { isConfig } from '@quantsmith/schemas';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CodeLens } from 'vscode-languageserver-protocol';
import { sampleReport } from '../../test/kit/sampleReport.js';
import { valueOf } from '../../service/src/document/tree.js';
import { inlayHints } from '../../service/src/features/inlayHints.js';
import { readClientCommands, readSettings } from '../src/client/settings.js';
import { inMemory } from '../../test/kit/lspClient.js';
import { config } from '../../test/kit/configs.js';
import { DIGITS } from '../../test/kit/digits.js';

const digits = join(DIGITS, 'digits.onnx');
const TEXT = 'model: m.onnx\ndata: {calibration: {arrays: a.npy}}\n';

describe('lenses', () => {
  let folder: string;
  const uri = (name: string) => pathToFileURL(join(folder, name)).href;
  const report = (config: string, output: string, created: string) => {
    const base = sampleReport({ created });
    const paths = {
      config: { ...base.config, path: join(folder, config) },
      model: { ...base.model, path: join(folder, 'm.onnx') },
      output: { ...base.output, path: join(folder, output) },
    };
    writeFileSync(join(folder, `${output}.report.json`), JSON.stringify({ ...base, ...paths }));
  };

  const lenses = async (params: object, change?: () => void) => {
    const client = await inMemory({
      workspaceFolders: [{ uri: pathToFileURL(folder).href, name: 'x' }],
      ...params,
    });
    await client.open(uri('a.quant.yaml'), TEXT);
    change?.();
    const found = await client.connection.sendRequest<CodeLens[]>('textDocument/codeLens', {
      textDocument: { uri: uri('a.quant.yaml') },
    });
    client.connection.dispose();
    return found.map(({ command }) => command!);
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'quantsmith-lenses-'));
    cpSync(digits, join(folder, 'm.onnx'));
    writeFileSync(join(folder, 'a.quant.yaml'), TEXT);
    writeFileSync(join(folder, 'b.quant.yaml'), `${TEXT}output: b.onnx\n`);
    writeFileSync(join(folder, 'c.quant.yaml'), `${TEXT.replace('m.onnx', 'n.onnx')}output: c.onnx\n`);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('run a config, and say once when the report is of something else', async () => {
    expect((await lenses({})).map(({ title }) => title)).toEqual(['Run quantization']);
    report('a.quant.yaml', 'a.int8.onnx', '2026-01-02T03:04:05Z');
    expect((await lenses({})).map(({ title }) => title)).toEqual([
      'Run quantization',
      'Last run 2026-01-02 03:04 (config changed since): top1 98.00 % → 97.50 %, 4× smaller, 2× as fast',
    ]);
  });

  it('open the report by what the client offers, and compare with other configs of the model', async () => {
    report('a.quant.yaml', 'a.int8.onnx', '2026-01-02T03:04:05Z');
    report('b.quant.yaml', 'b.onnx', '2026-01-01T03:04:05Z');
    report('c.quant.yaml', 'c.onnx', '2026-01-01T03:04:05Z');
    const own = uri('a.int8.onnx.report.json');
    const shown = await lenses({ capabilities: { window: { showDocument: { support: true } } } });
    expect(shown.slice(2)).toEqual([
      { title: 'Open report', command: 'quantsmith.server.showReport', arguments: [own] },
    ]);
    const commands = ['quantsmith.showReport', 'quantsmith.compare'];
    const offered = await lenses({ initializationOptions: { commands } });
    expect(offered.slice(2)).toEqual([
      { title: 'Open report', command: 'quantsmith.showReport', arguments: [own] },
      {
        title: 'Compare with b.onnx',
        command: 'quantsmith.compare',
        arguments: [own, uri('b.onnx.report.json')],
      },
    ]);
  });

  it('a report is shown by the client, whichever of the two is named', async () => {
    report('a.quant.yaml', 'a.int8.onnx', '2026-01-02T03:04:05Z');
    const client = await inMemory({ capabilities: { window: { showDocument: { support: true } } } });
    const asked: string[] = [];
    client.connection.onRequest('window/showDocument', ({ uri: address }: { uri: string }) => {
      asked.push(address);
      return { success: true };
    });
    await client.open(uri('a.quant.yaml'), TEXT);
    for (const name of ['a.quant.yaml', 'a.int8.onnx.report.json'])
      await client.connection.sendRequest('workspace/executeCommand', {
        command: 'quantsmith.server.showReport',
        arguments: [uri(name)],
      });
    expect(asked).toEqual(Array(2).fill(uri('a.int8.onnx.report.json')));
    client.connection.dispose();
  });
});

describe('hints', () => {
  it('say what settings come to', async () => {
    const model = await inspectModel(digits);
    const hints = (text: string) => {
      const document = config(`${TEXT}${text}`);
      const value = valueOf(document.tree);
      const all = { start: { line: 0, character: 0 }, end: { line: 99, character: 0 } };
      const given = { model, config: isConfig(value) ? value : null };
      return inlayHints(document, all, given).map(({ label }) => label);
    };

    const advanced = (inner: string) => hints(`quantization: {advanced_parameters: {${inner}}}`);
    expect(hints('output: null')).toEqual(['test.int8.onnx']);
    expect(hints('quantization: {preset: mixed}')).toEqual(['asymmetric activations']);
    expect(advanced('overflow_fix: first_layer')).toEqual(['[-64, 64] for 1 of 6 layers']);
    expect(advanced('overflow_fix: disable')).toEqual([]);
    expect(
      advanced('weights_quantization_params: {num_bits: 8, mode: asymmetric}, overflow_fix: disable'),
    ).toEqual(['[0, 255]']);
    expect(advanced('activations_quantization_params: {mode: null}')).toEqual(['symmetric']);
    expect(advanced('weights_range_estimator_params: mean_quantile')).toEqual([
      'min quantile/mean, max quantile/mean',
    ]);
    expect(
      hints(
        'accuracy_control: {advanced_accuracy_restorer_params: {ranking_subset_size: null, max_num_iterations: null}}',
      ),
    ).toEqual(['300 samples', 'no limit']);
    expect(hints('output: null\nfoo: 1')).toEqual([]);
  });
});

it('settings of any shape are read', () => {
  for (const value of [null, undefined, 3, 'x', [], {}, { severities: null, logLevel: 'loud' }])
    expect(readSettings(value)).toEqual({ allowModules: false, severities: {}, logLevel: 'info' });
  expect(readSettings({ logLevel: 'debug', severities: { a: 'off', b: 'x' } })).toEqual({
    allowModules: false,
    severities: { a: 'off' },
    logLevel: 'debug',
  });
  for (const value of [null, 3, {}, { commands: 'x' }]) expect(readClientCommands(value).size).toBe(0);
});

it('the log has what its level allows', async () => {
  const said = async (logLevel: string) => {
    const client = await inMemory({ initializationOptions: { logLevel } });
    const found: string[] = [];
    client.connection.onNotification(
      'window/logMessage',
      ({ message }: { message: string }) => void found.push(message),
    );
    const uri = 'untitled:x.quant.yaml';
    const pushed = client.pushed(uri);
    await client.open(uri, TEXT);
    await pushed;
    const again = client.pushed(uri);
    await client.connection.sendNotification('workspace/didChangeWatchedFiles', {
      changes: [{ uri: 'file:///x.onnx', type: 2 }],
    });
    await again;
    client.connection.dispose();
    return found;
  };

  expect(await said('debug')).toEqual([expect.stringMatching(/refreshing all clients/)]);
  expect(await said('warning')).toEqual([]);
});
