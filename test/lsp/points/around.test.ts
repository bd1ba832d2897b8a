import { chmodSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  DocumentLink,
  InlayHint,
  Location,
  WorkspaceDiagnosticReport,
  WorkspaceEdit,
} from 'vscode-languageserver-protocol';
import { npyBytes, npyHeader } from '../../kit/npy.js';
import { startPoints, type PointSession } from './session.js';

// Definition, moves, the workspace, hints and more fixes (docs/features.md, 15).

let session: PointSession;
beforeAll(async () => {
  session = await startPoints();
  for (const name of ['x', 'y', 'z']) {
    session.write(`train/${name}/1.png`);
    session.write(`val/${name}.png`);
    session.write(`calib/${name}.png`);
  }

  session.write('val/labels.csv', 'file,label\nx.png,0\ny.png,1\nz.png,2\n');
  session.write('empty/.gitkeep');
  session.write('loader.mjs', 'export default () => [];\n');
  session.write('metric.mjs', 'export default () => 0;\n');
  session.write('a.npy', npyBytes(npyHeader('<f4', [2, 3, 32, 32]), new Uint8Array(4 * 2 * 3 * 32 * 32)));
  session.write('base.quant.yaml', 'model: m.onnx\nquantization: {preset: mixed}\n');
  session.write(
    'sub/wrong.quant.yaml',
    'model: ../m.onnx\ndata: {calibration: {arrays: ../a.npy}}\nfoo: 1\n',
  );
  session.write('sub/right.quant.yaml', 'model: ../m.onnx\ndata: {calibration: {arrays: ../a.npy}}\n');
  session.write('.tools/hidden.quant.yaml', 'foo: 1\n');
});
afterAll(() => session.stop());

const name = (uri: string) => decodeURI(uri).slice(session.uriOf('').length + 1);

describe('definition', () => {
  it.each([
    ['labels', 'data:\n  validation:\n    images: val\n    labels: val/la‸bels.csv\n', 'val/labels.csv'],
    ['a loader', 'data:\n  calibration:\n    loader: ./load‸er.mjs\n', 'loader.mjs'],
    ['a metric', 'accuracy_control:\n  metric: ./met‸ric.mjs\n', 'metric.mjs'],
    ['images', 'data:\n  calibration:\n    images: cal‸ib\n', 'calib/x.png'],
    ['a base', 'extends: base‸.quant.yaml\n', 'base.quant.yaml'],
  ])('of %s leads to what can be read', async (_, text, file) => {
    const place = await (await session.open(text)).ask<Location | null>('definition');
    expect(place === null ? null : name(place.uri)).toBe(file);
  });

  it.each([
    ['a model', 'model: m‸.onnx\n'],
    ['an array', 'data:\n  calibration:\n    arrays: a‸.npy\n'],
    ['what is not there', 'extends: no‸ne.yaml\nmodel: none.onnx\n'],
  ])('of %s does not open a binary file', async (what, text) => {
    const place = await (await session.open(text)).ask<Location | null>('definition');
    if (what === 'what is not there') expect(name(place!.uri)).toBe('none.yaml');
    else expect(place).toBeNull();
  });

  it('of a key leads to the one that it replaces', async () => {
    const config = await session.open('extends: base.quant.yaml\nquantization: {pre‸set: performance}\n');
    expect(await config.ask('definition')).toMatchObject({
      uri: session.uriOf('base.quant.yaml'),
      range: { start: { line: 1, character: 15 } },
    });
  });

  it('links lead to all of them', async () => {
    const links = await (
      await session.open(
        'model: m.onnx\ndata: {calibration: {arrays: a.npy}, validation: {images: val, labels: val/labels.csv}}\n',
      )
    ).ask<DocumentLink[]>('documentLink');
    expect(links.map(({ target }) => name(target ?? ''))).toEqual([
      'm.onnx',
      'a.npy',
      'val',
      'val/labels.csv',
    ]);
  });
});

it.each([
  ['m.onnx', 'models/n.onnx', '../m.onnx', '../models/n.onnx'],
  ['a.npy', 'sub/b.npy', '../a.npy', 'b.npy'],
])('when %s becomes %s, the configs that name it follow', async (from, to, before, after) => {
  const edit = await session.client.connection.sendRequest<WorkspaceEdit | null>(
    'workspace/willRenameFiles',
    {
      files: [{ oldUri: session.uriOf(from), newUri: session.uriOf(to) }],
    },
  );
  expect(edit?.changes).toBeUndefined();
  expect(edit?.documentChanges).toContainEqual(
    expect.objectContaining({
      textDocument: expect.objectContaining({ uri: session.uriOf('sub/right.quant.yaml') }),
      edits: [expect.objectContaining({ newText: after })],
    }),
  );
  expect(before).not.toBe(after);
});

it('when a base moves, what extends it follows', async () => {
  const config = await session.open('extends: base.quant.yaml\n', 'extending.quant.yaml');
  const edit = await session.client.connection.sendRequest<WorkspaceEdit>('workspace/willRenameFiles', {
    files: [{ oldUri: session.uriOf('base.quant.yaml'), newUri: session.uriOf('bases/b.quant.yaml') }],
  });
  expect(edit.documentChanges).toContainEqual({
    textDocument: { uri: config.uri, version: 1 },
    edits: [expect.objectContaining({ newText: 'bases/b.quant.yaml' })],
  });
});

it('the whole workspace is checked, files that nobody has open too', async () => {
  const { items } = await session.client.connection.sendRequest<WorkspaceDiagnosticReport>(
    'workspace/diagnostic',
    {
      previousResultIds: [],
    },
  );
  const codes = new Map(
    items.map((item) => [name(item.uri), item.kind === 'full' ? item.items.map(({ code }) => code) : []]),
  );
  expect(codes.get('sub/wrong.quant.yaml')).toEqual(['unknown-key']);
  expect(codes.get('sub/right.quant.yaml')).toEqual([]);
});

describe('hints', () => {
  it.each([
    [
      'class folders',
      'data: {calibration: {images: calib}, validation: {images: train}}',
      ['3 images', '3 images, 3 classes'],
    ],
    [
      'a table',
      'data: {calibration: {images: calib}, validation: {images: val, labels: val/labels.csv}}',
      ['3 images', '3 images'],
    ],
    ['arrays', 'data: {calibration: {arrays: a.npy}}', ['2 samples']],
  ])('say how much there is: %s', async (_, data, wanted) => {
    const hints = await (
      await session.open(`model: m.onnx\n${data}\n`)
    ).ask<InlayHint[]>('inlayHint', {
      range: { start: { line: 0, character: 0 }, end: { line: 9, character: 0 } },
    });
    expect(hints.map(({ label }) => label)).toEqual(expect.arrayContaining(wanted));
  });
});

describe('more fixes', () => {
  it('add validation data, prepared as calibration is', async () => {
    const config = await session.open(
      'model: m.onnx\ndata:\n  calibration: {images: calib, preprocess: {scale: 255}}\naccuracy_control: {metric: sqnr, target: 20}\n',
    );
    expect(await config.after('Add validation on ./val (3 images)')).toBe(
      config.text.replace(
        'accuracy',
        '  validation:\n    images: ./val\n    labels: ./val/labels.csv\n    preprocess:\n      scale: 255\naccuracy',
      ),
    );
  });

  it.each([
    ['calibration: {images: clib}', 'Use ./calib (3 images)', 'calibration: {images: ./calib}'],
    ['calibration: {images: empty}', 'Use ./calib (3 images)', 'calibration: {images: ./calib}'],
    ['calibration: {arrays: none.npy}', 'Use ./a.npy', 'calibration: {arrays: ./a.npy}'],
  ])('use what is there: %s', async (before, title, after) => {
    const config = await session.open(`model: m.onnx\ndata: {${before}}\n`);
    expect(await config.after(title)).toBe(`model: m.onnx\ndata: {${after}}\n`);
  });

  it('allow modules, where the client can', async () => {
    const managed = await startPoints({ initializationOptions: { commands: ['quantsmith.manageTrust'] } });
    managed.write('loader.mjs');
    const config = await managed.open('model: m.onnx\ndata: {calibration: {loader: ./loader.mjs}}\n');
    const blocked = (await config.actions({ only: ['quickfix'] })).find(
      ({ command }) => command !== undefined,
    );
    expect(blocked?.command?.command).toBe('quantsmith.manageTrust');
    await managed.stop();
  });
});

it('a folder that cannot be written is said of the output, and nothing else changes', async () => {
  session.write('closed/m.onnx');
  chmodSync(`${session.folder}/closed`, 0o555);
  const config = await session.open(
    'model: ../m.onnx\ndata: {calibration: {arrays: ../a.npy}}\n',
    'closed/x.quant.yaml',
  );
  const found = await config.found();
  // Root may write everywhere.
  if (process.getuid?.() === 0) expect(found).toEqual([]);
  else expect(found).toEqual([expect.stringMatching(/^output-unusable/)]);
  chmodSync(`${session.folder}/closed`, 0o755);
});

it('several folders of a workspace are searched, and one that goes is forgotten', async () => {
  const other = await startPoints();
  other.write('two.quant.yaml', 'model: m.onnx\ndata: {calibration: {arrays: none.npy}}\n');
  const folder = { uri: other.uriOf(''), name: 'two' };
  const change = (added: object[], removed: object[]) =>
    session.client.connection.sendNotification('workspace/didChangeWorkspaceFolders', {
      event: { added, removed },
    });
  const names = async () =>
    (
      await session.client.connection.sendRequest<{ name: string }[]>('workspace/symbol', {
        query: 'two.quant',
      })
    ).map((symbol) => symbol.name);
  await change([folder], []);
  expect(await names()).toEqual(['two.quant.yaml']);
  await change([], [folder]);
  expect(await names()).toEqual([]);
  await other.stop();
});
