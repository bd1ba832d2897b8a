import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type {
  DocumentHighlight,
  Location,
  SemanticTokens,
  SemanticTokensDelta,
  SymbolInformation,
  WorkspaceEdit,
} from 'vscode-languageserver-protocol';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { semanticTokens, TOKEN_LEGEND } from '../../service/src/features/semanticTokens.js';
import { reportPlace } from '../../service/src/features/layers.js';
import { inMemory, type TestClient } from '../../test/kit/lspClient.js';
import { config, type Language } from '../../test/kit/configs.js';
import { DIGITS } from '../../test/kit/digits.js';

/** `text type` of every token. */
function tokens(text: string, language: Language = 'yaml', given?: SemanticTokens): string[] {
  const document = config(text, language);
  const { data } = given ?? semanticTokens(document, null);
  const found: string[] = [];
  let [line, character] = [0, 0];
  for (let i = 0; i < data.length; i += 5) {
    const [down, right, length, type, modifiers] = data.slice(i, i + 5) as [
      number,
      number,
      number,
      number,
      number,
    ];
    line += down;
    character = down === 0 ? character + right : right;
    const start = { line, character };
    const word = document.text.getText({ start, end: { line, character: character + length } });
    const marks = TOKEN_LEGEND.tokenModifiers.filter((_, bit) => (modifiers >> bit) & 1);
    found.push([word, TOKEN_LEGEND.tokenTypes[type], ...marks].join(' '));
  }

  return found;
}

describe('semantic tokens', () => {
  it('tell keys, allowed values, layers, operators, patterns and anchors apart', () => {
    const text = `model: m.onnx # note
nokey: 1
quantization: &q
  preset: mixed
  ignored_scope:
    names: ["/a/Conv"]
    types: [Conv]
    patterns:
      - /b.*
  advanced_parameters: {overflow_fix: first_layer_only}
`;
    expect(tokens(text)).toEqual([
      'model property',
      'm.onnx string',
      '# note comment',
      '1 number',
      'quantization property',
      '&q variable declaration',
      'preset property',
      'mixed enumMember',
      'ignored_scope property',
      'names property',
      '"/a/Conv" function',
      'types property',
      'Conv class',
      'patterns property',
      '/b.* regexp',
      'advanced_parameters property',
      'overflow_fix property',
      'first_layer_only enumMember deprecated',
    ]);
    expect(tokens('{"quantization": {"preset": "mixed", "subset_size": null}}', 'json')).toEqual([
      '"quantization" property',
      '"preset" property',
      '"mixed" enumMember',
      '"subset_size" property',
      'null keyword',
    ]);
  });
  it('come as changes to a client that has those before', async () => {
    const client = await inMemory();
    const uri = 'untitled:x.quant.yaml';
    const textDocument = { uri };
    const text = (preset: string) => `model: m.onnx\nquantization:\n  preset: ${preset}\n  subset_size: 3\n`;
    await client.open(uri, text('mixed'));
    const ask = <T>(more: string, params = {}) =>
      client.connection.sendRequest<T>(`textDocument/semanticTokens/full${more}`, {
        textDocument,
        ...params,
      });
    let { resultId, data } = await ask<SemanticTokens>('');
    let version = 1;
    for (const preset of ['mixd', 'mixed', 'mixed', '', '{a: b}', 'performance']) {
      await client.connection.sendNotification('textDocument/didChange', {
        textDocument: { uri, version: ++version },
        contentChanges: [{ text: text(preset) }],
      });
      const delta = await ask<SemanticTokensDelta>('/delta', { previousResultId: resultId });
      for (const { start, deleteCount, data: added = [] } of delta.edits)
        data = data.toSpliced(start, deleteCount, ...added);
      resultId = delta.resultId!;
      expect(tokens(text(preset), 'yaml', { data })).toEqual(tokens(text(preset)));
    }

    expect(await ask('/delta', { previousResultId: 'other' })).toMatchObject({ data });
    await client.stop();
  });
  it('of a part are those of the whole within it; what goes over lines is one token on each', () => {
    const text = 'model: >\r\n  a\r\n  b\r\noutput: x\r\n';
    expect(tokens(text)).toEqual([
      'model property',
      '> string',
      'a string',
      'b string',
      'output property',
      'x string',
    ]);
    const range = { start: { line: 3, character: 0 }, end: { line: 4, character: 0 } };
    expect(tokens(text, 'yaml', semanticTokens(config(text), range))).toEqual([
      'output property',
      'x string',
    ]);
  });
});

describe('across the configs of a workspace', () => {
  let folder: string;
  let client: TestClient;
  const uriOf = (name: string) => pathToFileURL(join(folder, name)).href;
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };

  const scope = (names: string) =>
    `data: {calibration: {arrays: a.npy}}\nquantization:\n  ignored_scope:\n    names:\n${names}`;
  const first = `model: m.onnx\n${scope('      - /stem/Conv # first\n      - "/separable/depthwise/Conv"\n')}`;
  const position = { line: 5, character: 10 };
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'quantsmith-workspace-'));
    cpSync(join(DIGITS, 'digits.onnx'), join(folder, 'm.onnx'));
    write('a.quant.yaml', first);
    write('deep/b.quant.yaml', `model: ../m.onnx\n${scope("      - '/stem/Conv'\n")}`);
    write(
      'deep/c.quant.json',
      '{"model": "../m.onnx", "quantization": {"ignored_scope": {"subgraphs": [{"inputs": ["/stem/Conv"], "outputs": []}]}}}',
    );
    write('deep/other.quant.yaml', `model: other.onnx\n${scope('      - /stem/Conv\n')}`);
    write('node_modules/x/d.quant.yaml', `model: ../../m.onnx\n${scope('      - /stem/Conv\n')}`);
    client = await inMemory({
      workspaceFolders: [{ uri: pathToFileURL(folder).href, name: 'one' }],
      capabilities: {
        workspace: { workspaceFolders: true, diagnostics: { refreshSupport: true } },
        textDocument: { diagnostic: {} },
      },
    });
    await client.open(uriOf('a.quant.yaml'), first);
  });
  afterEach(() => {
    client.connection.dispose();
    rmSync(folder, { recursive: true, force: true });
  });
  const ask = <T>(method: string, more: object = {}) =>
    client.connection.sendRequest<T>(`textDocument/${method}`, {
      textDocument: { uri: uriOf('a.quant.yaml') },
      position,
      ...more,
    });

  it('a layer is found in those about the same model', async () => {
    const found = await ask<Location[]>('references', { context: { includeDeclaration: true } });
    expect(found.map(({ uri, range }) => `${uri.split('/').at(-1)}:${range.start.line}`).sort()).toEqual([
      'a.quant.yaml:5',
      'b.quant.yaml:5',
      'c.quant.json:0',
    ]);
    expect(await ask<DocumentHighlight[]>('documentHighlight')).toHaveLength(1);
    // Before a run nothing tells of it that an editor could show.
    expect(await ask('definition')).toBeNull();
  });

  it('a layer is renamed in all of them, in the quotes that it stands in', async () => {
    expect(await ask('prepareRename')).toMatchObject({ placeholder: '/stem/Conv' });
    const { changes } = await ask<WorkspaceEdit>('rename', { newName: "/new/it's" });
    const renamed = Object.fromEntries(
      Object.entries(changes!).map(([uri, edits]) => {
        const text = readFileSync(fileURLToPath(uri), 'utf8');
        const document = TextDocument.create(uri, '', 1, text);
        return [uri.split('/').at(-1)!, [text, TextDocument.applyEdits(document, edits)]] as const;
      }),
    );
    expect(Object.keys(renamed).sort()).toEqual(['a.quant.yaml', 'b.quant.yaml', 'c.quant.json']);
    expect(renamed['a.quant.yaml']![1]).toBe(first.replace('/stem/Conv', '"/new/it\'s"'));
    expect(renamed['b.quant.yaml']![1]).toMatch(/- '\/new\/it''s'\n/);
    expect(renamed['c.quant.json']![1]).toBe(renamed['c.quant.json']![0].replace('/stem/Conv', "/new/it's"));
  });

  it('a name that is none is refused', async () => {
    await expect(ask('rename', { newName: '' })).rejects.toThrow('"" is not a valid name.');
  });

  it('symbols are found by their letters, in every folder that the client has', async () => {
    const symbols = async (query: string) =>
      (await client.connection.sendRequest<SymbolInformation[]>('workspace/symbol', { query })).map(
        ({ name, containerName }) => `${name} ${containerName}`,
      );
    expect((await symbols('depthw')).sort()).toEqual(['/separable/depthwise/Conv a.quant.yaml']);
    expect((await symbols('b.quant')).sort()).toEqual(['b.quant.yaml b.quant.yaml']);
    expect(await symbols('ignsc')).toHaveLength(4);
    write('new.quant.yaml', 'model: zz.onnx\n');
    await client.connection.sendNotification('workspace/didChangeWatchedFiles', {
      changes: [{ uri: uriOf('new.quant.yaml'), type: 1 }],
    });
    expect(await symbols('new.quant')).toEqual(['new.quant.yaml new.quant.yaml']);
    const other = mkdtempSync(join(tmpdir(), 'quantsmith-workspace-'));
    writeFileSync(join(other, 'quantization.yaml'), 'model: zz.onnx\n');
    await client.connection.sendNotification('workspace/didChangeWorkspaceFolders', {
      event: {
        added: [{ uri: pathToFileURL(other).href, name: 'two' }],
        removed: [{ uri: pathToFileURL(folder).href, name: 'one' }],
      },
    });
    expect(await symbols('quantization.yaml')).toEqual(['quantization.yaml quantization.yaml']);
    // What is open stays.
    expect(await symbols('/conv')).toEqual([
      '/stem/Conv a.quant.yaml',
      '/separable/depthwise/Conv a.quant.yaml',
    ]);
    rmSync(other, { recursive: true });
  });
});

it('a layer leads to what the report tells of it', () => {
  const report = JSON.stringify(
    { overflow: { layers: [{ name: '/a' }] }, layers: [{ name: '/b' }, { name: '/a' }] },
    null,
    2,
  );
  const place = reportPlace(report, '/a')!;
  expect(report.split('\n')[place.start.line]).toMatch(/"name": "\/a"/);
  expect(place.start.line).toBeGreaterThan(8);
  expect(reportPlace(report, '/c')).toBeNull();
});
