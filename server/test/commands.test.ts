import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { encodeModel } from '@quantsmith/model/onnx';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inMemory, type TestClient } from '../../test/kit/lspClient.js';
import { model, node, value } from '../../test/kit/models.js';
import { writeNpy } from '../../test/kit/npy.js';
import { sampleReport } from '../../test/kit/sampleReport.js';
import { readChoices } from '../src/requests/choices.js';

const folder = mkdtempSync(join(tmpdir(), 'quantsmith-server-commands-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const uriOf = (name: string) => pathToFileURL(join(folder, name)).href;
const TEXT = 'model: m.onnx\ndata:\n  calibration: {arrays: a.npy}\n';

let client: TestClient;
const begin = async (capabilities: object = {}) => (client = await inMemory({ capabilities }));
const send = <T>(command: string, ...args: unknown[]) =>
  client.connection.sendRequest<T>('workspace/executeCommand', {
    command: `quantsmith.server.${command}`,
    arguments: args,
  });
afterEach(() => client.connection.dispose());

describe('commands on an open config', () => {
  const uri = uriOf('a.quant.yaml');
  beforeEach(async () => {
    await begin();
    await client.open(uri, TEXT);
  });

  it('setValue gives the edits for one value, and refuses what is neither a path nor a value', async () => {
    const path = ['quantization', 'preset'];
    expect(await send('setValue', uri, path, 'mixed')).toEqual([
      {
        range: { start: { line: 2, character: 30 }, end: { line: 2, character: 30 } },
        newText: '\nquantization:\n  preset: mixed',
      },
    ]);
    for (const [steps, given] of [
      ['quantization.preset', 'mixed'],
      [[1, 2], 'mixed'],
      [path, { mixed: true }],
    ])
      await expect(send('setValue', uri, steps, given)).rejects.toThrow('The value cannot be set in');
    await expect(send('setValue', uriOf('closed.quant.yaml'), path, 'mixed')).rejects.toThrow('is not open');
  });

  it('convert gives the other notation and its name', async () => {
    const { text, fileName } = await send<{ text: string; fileName: string }>('convert', uri);
    expect(JSON.parse(text)).toEqual({ model: 'm.onnx', data: { calibration: { arrays: 'a.npy' } } });
    expect(fileName).toBe('a.quant.json');
    await expect(send('convert', uriOf('closed.quant.yaml'))).rejects.toThrow('is not open');
    await client.open(uriOf('broken.quant.yaml'), 'model: [\n');
    await expect(send('convert', uriOf('broken.quant.yaml'))).rejects.toThrow('fix them before converting');
  });

  it('finish says whether there was a run to finish', async () => {
    expect(await send('finish', uri)).toBe(false);
  });

  it('overflow needs the report of this version of the config', async () => {
    mkdirSync(join(folder, 'run'), { recursive: true });
    writeFileSync(
      join(folder, 'run/m.onnx'),
      encodeModel(
        model({
          inputs: [value('a', [1, 3])],
          outputs: [value('b', [1, 3])],
          nodes: [node('Relu', ['a'], ['b'])],
        }),
      ),
    );
    writeNpy(join(folder, 'run/a.npy'), [{ shape: [3], data: [1, 2, 3] }]);
    writeFileSync(join(folder, 'run/a.quant.yaml'), TEXT);
    await expect(send('overflow', uriOf('run/a.quant.yaml'))).rejects.toThrow('Run quantization first');
  });
});

describe('showReport', () => {
  const report = join(folder, 'm.int8.onnx.report.json');

  it('is refused where the client shows no documents', async () => {
    await begin();
    await expect(send('showReport', pathToFileURL(report).href)).rejects.toThrow(
      'This client does not show documents.',
    );
  });

  it('shows a report itself, or that of a config', async () => {
    await begin({ window: { showDocument: { support: true } } });
    const shown: string[] = [];
    client.connection.onRequest('window/showDocument', ({ uri }: { uri: string }) => {
      shown.push(uri);
      return { success: true };
    });
    await expect(send('showReport', uriOf('none.quant.yaml'))).rejects.toThrow('There is no report of');
    expect(await send('showReport', pathToFileURL(report).href)).toEqual({ success: true });

    const base = sampleReport();
    writeFileSync(
      report,
      JSON.stringify({
        ...base,
        config: { ...base.config, path: 'shown.quant.yaml' },
        model: { ...base.model, path: 'm.onnx' },
        output: { ...base.output, path: 'm.int8.onnx' },
      }),
    );
    await client.open(uriOf('shown.quant.yaml'), `${TEXT}output: m.int8.onnx\n`);
    expect(await send('showReport', uriOf('shown.quant.yaml'))).toEqual({ success: true });
    expect(shown).toEqual([pathToFileURL(report).href, pathToFileURL(report).href]);
  });
});

describe('what a client chooses for a new config', () => {
  beforeEach(() => begin());

  it('is read by its form; anything else counts as not given', () => {
    expect(readChoices(undefined)).toEqual({});
    expect(readChoices([1])).toEqual({});
    expect(readChoices({ calibration: 'x', validation: { labels: 'l' }, max_drop: '1' })).toEqual({});
    expect(
      readChoices({
        calibration: { images: './train', classFolders: true, arrays: 3 },
        validation: { arrays: './v.npy', labels: './l.npy', classFolders: 1 },
        max_drop: 0.02,
      }),
    ).toEqual({
      chosen: {
        calibration: { images: './train', classFolders: true },
        validation: { arrays: './v.npy', labels: ['./l.npy'] },
      },
      maxDrop: 0.02,
    });
    expect(readChoices({ validation: { arrays: './v.npy' } })).toEqual({
      chosen: { validation: { arrays: './v.npy' } },
    });
  });

  it('names the model that cannot be read', async () => {
    writeFileSync(join(folder, 'no.onnx'), 'no model');
    await expect(send('init', uriOf('no.onnx'), { max_drop: 0.02 })).rejects.toThrow('no.onnx');
  });
});
