import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  ClientCapabilities,
  CodeAction,
  Diagnostic,
  InlayHint,
  Location,
  TextDocumentEdit,
  TextEdit,
  WorkspaceDiagnosticReport,
  WorkspaceEdit,
} from 'vscode-languageserver-protocol';
import { inMemory, type TestClient } from '../../test/kit/lspClient.js';
import { DIGITS } from '../../test/kit/digits.js';

// What configs name, through the protocol: where it lies, how much there is of it, and what follows when it moves.

let folder: string;
let client: TestClient;
const uriOf = (name: string) => pathToFileURL(join(folder, name)).href;
const write = (name: string, text: string) => {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
};

const CONFIG = `extends: base.yaml
model: m.onnx
data:
  calibration:
    loader: ./load.mjs
  validation:
    images: photos
    labels: "./labels.csv"
    classes: classes.txt
`;
const CAPABILITIES: ClientCapabilities = {
  workspace: {
    workspaceFolders: true,
    diagnostics: { refreshSupport: true },
    workspaceEdit: { documentChanges: true },
    fileOperations: { willRename: true },
  },
  textDocument: {
    diagnostic: {},
    codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: ['quickfix'] } } },
  },
};

const started = (capabilities = CAPABILITIES, roots = [folder]) =>
  inMemory({
    workspaceFolders: roots.map((root) => ({ uri: pathToFileURL(root).href, name: root })),
    capabilities,
  });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quantsmith-places-'));
  cpSync(join(DIGITS, 'digits.onnx'), join(folder, 'm.onnx'));
  write('base.yaml', 'task: {type: classification}\n');
  write('load.mjs', '');
  write('labels.csv', 'file,label\na.png,0\nb.png,1\n');
  write('classes.txt', 'cat\ndog\n');
  write('photos/a.png', '');
  write('photos/b.png', '');
  write('a.quant.yaml', CONFIG);
  write('deep/b.quant.json', '{"model": "../m.onnx", "data": {"calibration": {"images": "../photos/"}}}');
  client = await started();
  await client.open(uriOf('a.quant.yaml'), CONFIG);
});
afterEach(async () => {
  await client.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('a definition', () => {
  const leadsTo = async (word: string) => {
    const line = CONFIG.split('\n').findIndex((text) => text.includes(word));
    const character = CONFIG.split('\n')[line]!.indexOf(word) + 1;
    const found = await client.connection.sendRequest<Location | null>('textDocument/definition', {
      textDocument: { uri: uriOf('a.quant.yaml') },
      position: { line, character },
    });
    return found?.uri.slice(uriOf('').length).replace(/^\//, '') ?? null;
  };

  it.each([
    ['base.yaml', 'base.yaml'],
    ['./load.mjs', 'load.mjs'],
    ['./labels.csv', 'labels.csv'],
    ['classes.txt', 'classes.txt'],
    ['photos', 'photos/a.png'],
    ['m.onnx', null],
  ])('of %s is %s', async (word, file) => expect(await leadsTo(word)).toBe(file));
});

describe('what moves', () => {
  const moved = async (from: string, to: string) => {
    const edit = await client.connection.sendRequest<WorkspaceEdit | null>('workspace/willRenameFiles', {
      files: [{ oldUri: uriOf(from), newUri: uriOf(to) }],
    });
    const changes = (edit?.documentChanges ?? []) as TextDocumentEdit[];
    return changes.map(({ textDocument, edits }) => ({
      file: textDocument.uri.slice(uriOf('').length).replace(/^\//, ''),
      version: textDocument.version,
      texts: edits.map((one) => ('newText' in one ? one.newText : null)),
    }));
  };

  it('is named anew in every config: models, bases, labels, folders', async () => {
    expect(await moved('m.onnx', 'models/net.onnx')).toEqual([
      { file: 'a.quant.yaml', version: 1, texts: ['models/net.onnx'] },
      { file: 'deep/b.quant.json', version: null, texts: ['"../models/net.onnx"'] },
    ]);
    expect(await moved('base.yaml', 'deep/base.yaml')).toMatchObject([{ texts: ['deep/base.yaml'] }]);
    expect(await moved('labels.csv', 'photos/labels.csv')).toMatchObject([
      { texts: ['"./photos/labels.csv"'] },
    ]);
    expect(await moved('photos', 'images')).toMatchObject([
      { texts: ['images'] },
      { texts: ['"../images/"'] },
    ]);
    expect(await moved('other.txt', 'another.txt')).toEqual([]);
  });

  it('a config that moves names the same files', async () => {
    expect(await moved('deep/b.quant.json', 'b.quant.json')).toMatchObject([
      { texts: ['"m.onnx"', '"photos/"'] },
    ]);
  });
});

it('findings of the whole workspace come once, then only what changed', async () => {
  const ask = (previousResultIds: { uri: string; value: string }[]) =>
    client.connection.sendRequest<WorkspaceDiagnosticReport>('workspace/diagnostic', { previousResultIds });
  const first = await ask([]);
  expect(first.items.map(({ uri, kind }) => [uri, kind])).toEqual([
    [uriOf('a.quant.yaml'), 'full'],
    [uriOf('deep/b.quant.json'), 'full'],
  ]);
  const again = await ask(first.items.map(({ uri, resultId }) => ({ uri, value: resultId! })));
  expect(again.items.map(({ kind }) => kind)).toEqual(['unchanged', 'unchanged']);
});

it('hints say how much data there is', async () => {
  const hints = await client.connection.sendRequest<InlayHint[]>('textDocument/inlayHint', {
    textDocument: { uri: uriOf('a.quant.yaml') },
    range: { start: { line: 0, character: 0 }, end: { line: 20, character: 0 } },
  });
  const said = hints.map(({ position, label }) => `${position.line}: ${label as string}`);
  expect(said).toEqual(expect.arrayContaining(['6: 2 images', '7: 2 classes']));
});

it('a config is formatted, as a whole and in part', async () => {
  const text = 'model:   m.onnx\ndata:\n    calibration:\n        images: photos\n';
  await client.open(uriOf('f.quant.yaml'), text);
  const ask = (method: string, more: object = {}) =>
    client.connection.sendRequest<TextEdit[]>(`textDocument/${method}`, {
      textDocument: { uri: uriOf('f.quant.yaml') },
      options: { tabSize: 2, insertSpaces: true },
      ...more,
    });
  const start = { line: 0, character: 0 };
  expect((await ask('formatting')).map(({ range }) => range.start.line)).toEqual([0, 2, 3]);
  expect(await ask('rangeFormatting', { range: { start, end: start } })).toHaveLength(1);
});

it('an edit says which version of the text it is for', async () => {
  const wrong = 'modle: m.onnx\n';
  await client.open(uriOf('c.quant.yaml'), wrong);
  const textDocument = { uri: uriOf('c.quant.yaml') };
  const report = await client.connection.sendRequest<{ items: Diagnostic[] }>('textDocument/diagnostic', {
    textDocument,
  });
  const found = report.items.find(({ code }) => code === 'unknown-key')!;
  const actions = await client.connection.sendRequest<CodeAction[]>('textDocument/codeAction', {
    textDocument,
    range: found.range,
    context: { diagnostics: [found] },
  });
  expect(actions[0]?.edit?.documentChanges).toMatchObject([{ textDocument: { version: 1 } }]);
});

it('without a root the folder of the open config is what the client works in', async () => {
  await client.stop();
  client = await started(CAPABILITIES, []);
  const names = 'quantization: {ignored_scope: {names: [/stem/Conv]}}\n';
  write('d.quant.yaml', `model: m.onnx\n${names}`);
  await client.open(uriOf('e.quant.yaml'), `model: m.onnx\n${names}`);
  const found = await client.connection.sendRequest<Location[]>('textDocument/references', {
    textDocument: { uri: uriOf('e.quant.yaml') },
    position: { line: 1, character: names.indexOf('stem') },
    context: { includeDeclaration: true },
  });
  expect(found.map(({ uri }) => uri)).toContain(uriOf('d.quant.yaml'));
});
