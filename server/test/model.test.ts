import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ModelSummary } from '@quantsmith/schemas';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyDigits } from '../../test/kit/digits.js';
import { inMemory, type TestClient } from '../../test/kit/lspClient.js';

let client: TestClient;
let folder = '';
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quantsmith-model-'));
  copyDigits(folder);
  client = await inMemory({ workspaceFolders: [{ uri: pathToFileURL(folder).href, name: 'w' }] });
});
afterEach(async () => {
  await client.stop();
  rmSync(folder, { recursive: true });
});

const uri = (name: string) => pathToFileURL(join(folder, name)).href;
const send = <T>(command: string, ...args: unknown[]) =>
  client.connection.sendRequest<T>('workspace/executeCommand', {
    command: `quantsmith.server.${command}`,
    arguments: args,
  });

describe('the structure of a model', () => {
  it('comes with its tensors and the configs that name it', async () => {
    const { model, configs } = await send<{ model: ModelSummary; configs: string[] }>(
      'model',
      uri('digits.onnx'),
    );
    expect(model.nodes.length).toBeGreaterThan(5);
    expect(model.tensors?.some(({ dims }) => dims.length === 4)).toBe(true);
    expect(configs).toContain(uri('digits.quant.yaml'));
  });

  it('is refused with a sentence where a file is none', async () => {
    const file = join(folder, 'digits.onnx');
    writeFileSync(join(folder, 'text.onnx'), 'This is no model.');
    mkdirSync(join(folder, 'folder.onnx'));
    execFileSync('mkfifo', [join(folder, 'pipe.onnx')]);
    await expect(send('model', uri('text.onnx'))).rejects.toThrow('is not an ONNX model');
    for (const name of ['folder.onnx', 'pipe.onnx', 'none.onnx'])
      await expect(send('model', uri(name))).rejects.toThrow('does not exist, or is not a regular file');
    truncateSync(file, 400);
    await expect(send('model', uri('digits.onnx'))).rejects.toThrow(/is truncated or damaged|not an ONNX/);
  });
});

it('gives the edits that change a layer in an open config', async () => {
  const config = uri('digits.quant.yaml');
  await expect(send('changeLayer', config, 'conv1', 'exclude')).rejects.toThrow('is not open');
  await client.open(config, readFileSync(join(folder, 'digits.quant.yaml'), 'utf8'), 'quant-yaml');
  expect(await send('changeLayer', config, 'conv1', 'half_range')).toEqual([
    expect.objectContaining({
      newText: expect.stringContaining('{names: [conv1], half_range: true}') as string,
    }),
  ]);
  await expect(send('changeLayer', config, 'conv1', 'other')).rejects.toThrow('exclude, half_range, bits16');
});

it('offers to show a layer in its model, to clients that can', async () => {
  const titles = async (shows: TestClient, name: string) => {
    const text = readFileSync(join(folder, 'digits.quant.yaml'), 'utf8').replace(
      /^quantization:\n/m,
      `quantization:\n  ignored_scope:\n    names: [${name}]\n`,
    );
    const config = uri('digits.quant.yaml');
    await shows.open(config, text, 'quant-yaml');
    const line = text.split('\n').findIndex((content) => content.includes('names: ['));
    const position = { line, character: '    names: ['.length + 1 };
    const actions = await shows.connection.sendRequest<{ title: string; command?: { arguments: unknown } }[]>(
      'textDocument/codeAction',
      {
        textDocument: { uri: config },
        range: { start: position, end: position },
        context: { diagnostics: [], only: ['refactor'] },
      },
    );
    return actions.filter(({ title }) => title.includes('in model'));
  };

  const codeActions = {
    textDocument: { codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: [] } } } },
  };
  await client.stop();
  client = await inMemory({
    capabilities: codeActions,
    initializationOptions: { commands: ['quantsmith.revealInModel'] },
  });
  const [node] = (await send<{ model: ModelSummary }>('model', uri('digits.onnx'))).model.nodes;
  expect(await titles(client, node!.name)).toMatchObject([
    {
      title: `Reveal ${node!.name} in model`,
      command: { command: 'quantsmith.revealInModel', arguments: [uri('digits.onnx'), node!.name] },
    },
  ]);
  await client.stop();
  client = await inMemory({ capabilities: codeActions });
  expect(await titles(client, node!.name)).toEqual([]);
});
