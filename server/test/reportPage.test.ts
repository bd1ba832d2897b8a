import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inMemory, type TestClient } from '../../test/kit/lspClient.js';
import { sampleReport } from '../../test/kit/sampleReport.js';

const CONFIG = 'model: m.onnx\ndata: {calibration: {arrays: a.npy}}\n';

describe('what the page of a report asks', () => {
  let client: TestClient;
  let folder: string;
  let uri: string;
  const ask = (command: string, ...args: unknown[]) =>
    client.connection.sendRequest('workspace/executeCommand', {
      command: `quantsmith.server.${command}`,
      arguments: args,
    });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'quantsmith-page-'));
    uri = pathToFileURL(join(folder, 'net.quant.yaml')).href;
    client = await inMemory({});
    await client.open(uri, CONFIG);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('gives the edits of a state, and refuses what is none', async () => {
    const state = {
      float: ['/a'],
      integer: [],
      settings: [{ path: ['quantization', 'preset'], value: 'mixed' }],
    };
    const edits = (await ask('takeState', uri, state)) as { newText: string }[];
    expect(edits.map(({ newText }) => newText).join('')).toContain(
      'quantization:\n  preset: mixed\n  ignored_scope:\n    names:\n      - /a',
    );
    for (const wrong of [undefined, [], { ...state, float: 'x' }, { ...state, settings: [{ path: [{}] }] }])
      await expect(ask('takeState', uri, wrong)).rejects.toThrow('A state with');
    await expect(ask('takeState', `${uri}x`, state)).rejects.toThrow('is not open');
  });

  it('says where a layer or a key stands', async () => {
    expect(await ask('locate', uri, { layer: '/a' })).toMatchObject({ start: { line: 0 } });
    expect(await ask('locate', uri, { path: ['data', 'calibration'] })).toMatchObject({ start: { line: 1 } });
    await expect(ask('locate', uri, { layer: 1 })).rejects.toThrow('A layer or a path');
    await expect(ask('locate', uri, null)).rejects.toThrow('A layer or a path');
  });

  it('gives the findings of a report, which may lie beside a config that has changed', async () => {
    const file = join(folder, 'net.report.json');
    writeFileSync(
      file,
      JSON.stringify(sampleReport({ config: { path: 'net.quant.yaml', sha256: 'a'.repeat(64) } })),
    );
    expect(await ask('reportFindings', pathToFileURL(file).href)).toMatchObject({
      config: uri,
      findings: [
        { code: 'accuracy-restored', range: null },
        { code: 'setting-cost', range: null },
      ],
    });
    writeFileSync(file, '{');
    await expect(ask('reportFindings', pathToFileURL(file).href)).rejects.toThrow('is not a report');
  });
});
