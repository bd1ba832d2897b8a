import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DocumentDiagnosticReport } from 'vscode-languageserver-protocol';
import { inMemory, type TestClient } from '../../test/kit/lspClient.js';
import { npyBytes, npyHeader } from '../../test/kit/npy.js';

const CAPABILITIES = {
  textDocument: { diagnostic: {} },
  workspace: {
    configuration: true,
    diagnostics: { refreshSupport: true },
    codeLens: { refreshSupport: true },
    inlayHint: { refreshSupport: true },
    didChangeConfiguration: { dynamicRegistration: true },
    didChangeWatchedFiles: { dynamicRegistration: true },
  },
};

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'quantsmith-hostile-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const uriOf = (name: string) => pathToFileURL(join(folder, name)).href;

async function diagnosed({ connection }: TestClient, uri: string) {
  const report: DocumentDiagnosticReport = await connection.sendRequest('textDocument/diagnostic', {
    textDocument: { uri },
  });
  return report.kind === 'full' ? report.items.map(({ code }) => code) : [];
}

it('a client may answer everything that it is asked with an error', async () => {
  const refused = new Set<string>();
  const client = await inMemory({ capabilities: CAPABILITIES });
  const all = new Promise<void>((resolve) => {
    for (const method of [
      'workspace/configuration',
      'workspace/diagnostic/refresh',
      'workspace/codeLens/refresh',
      'workspace/inlayHint/refresh',
    ])
      client.connection.onRequest(method, () => {
        refused.add(method);
        if (refused.size === 4) resolve();
        throw new Error('no');
      });
  });
  const uri = uriOf('refused.quant.yaml');
  await client.open(uri, 'model: m\nfoo: 1\n');
  await client.connection.sendNotification('workspace/didChangeConfiguration', { settings: null });
  await client.connection.sendNotification('workspace/didChangeWatchedFiles', {
    changes: [{ uri: uriOf('m.onnx'), type: 1 }],
  });
  await all;
  expect(await diagnosed(client, uri)).toContain('unknown-key');
  await client.stop();
});

describe.skipIf(process.platform === 'win32')('files that nobody should wait for', () => {
  const make: Record<string, () => string> = {
    'a pipe as array': () => {
      execFileSync('mkfifo', [join(folder, 'pipe.npy')]);
      return 'model: m\ndata: {calibration: {arrays: pipe.npy}}\n';
    },
    'a pipe as model': () => {
      execFileSync('mkfifo', [join(folder, 'pipe.onnx')]);
      return 'model: pipe.onnx\ndata: {calibration: {images: .}}\n';
    },
    'a pipe as base': () => {
      execFileSync('mkfifo', [join(folder, 'pipe.yaml')]);
      return 'extends: pipe.yaml\n';
    },
    'links in a circle': () => {
      mkdirSync(join(folder, 'circle'));
      for (const name of ['a', 'b']) symlinkSync(join(folder, 'circle'), join(folder, 'circle', name));
      return 'model: m\ndata: {calibration: {images: circle}}\n';
    },
    'everything there is': () => 'model: m\ndata: {calibration: {images: /}, validation: {images: /proc}}\n',
    'a large base': () => {
      writeFileSync(join(folder, 'large.yaml'), '');
      truncateSync(join(folder, 'large.yaml'), 50 * 1024 ** 2);
      return 'extends: large.yaml\n';
    },
    'a header that lies': () => {
      const header = npyHeader('<f4', [900_000_000, 0]);
      writeFileSync(join(folder, 'lies.npy'), npyBytes(header, Buffer.of()));
      truncateSync(join(folder, 'lies.npy'), 600 * 1024 ** 2);
      return 'model: m\ndata: {calibration: {arrays: lies.npy}}\nquantization: {subset_size: 5}\n';
    },
    'a header of brackets': () => {
      writeFileSync(
        join(folder, 'deep.npy'),
        Buffer.concat([
          Buffer.from([0x93, ...Buffer.from('NUMPY'), 2, 0, 0, 0, 0x10, 0]),
          Buffer.alloc(2 ** 20, "'shape':("),
        ]),
      );
      return 'model: m\ndata: {calibration: {arrays: deep.npy}}\n';
    },
    'a long pattern': () =>
      `model: m\ndata: {calibration: {images: .}}\nquantization: {ignored_scope: {patterns: ["${'a?'.repeat(2 ** 18)}"]}}\n`,
    'a long path': () => `model: ${'m'.repeat(10 * 2 ** 20)}\ndata: {calibration: {images: .}}\n`,
  };

  it.each(Object.keys(make))('%s: answers do not wait for it', async (name) => {
    const client = await inMemory({ capabilities: CAPABILITIES }, { patience: 0 });
    const uri = uriOf(`${name.replaceAll(' ', '-')}.quant.yaml`);
    await client.open(uri, make[name]!());
    const other = uriOf('other.quant.yaml');
    await client.open(other, 'model: m\nfoo: 1\n');
    await diagnosed(client, uri);
    expect(await diagnosed(client, other)).toContain('unknown-key');
    await client.stop();
  });

  it('what was not known in time is told when it is', async () => {
    const client = await inMemory({ capabilities: CAPABILITIES }, { patience: 0 });
    const told = new Promise<void>((resolve) => {
      client.connection.onRequest('workspace/diagnostic/refresh', () => {
        resolve();
        return null;
      });
    });
    const uri = uriOf('late.quant.yaml');
    await client.open(uri, 'model: none.onnx\ndata: {calibration: {loader: none.mjs}}\n');
    await diagnosed(client, uri);
    await told;
    await client.stop();
  });
});

describe('labels that contradict each other', () => {
  const write = (name: string, text: string) => {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  };

  const twice = [
    [0, 1],
    [0, 2],
  ].map(([image, category]) => ({ image_id: image, category_id: category, bbox: [1, 2, 3, 4] }));
  const kinds: Record<string, () => string> = {
    csv: () => (write('twice.csv', 'file,label\n"a.png",cat\na.png,dog\n'), 'images: ., labels: twice.csv'),
    tsv: () => (write('twice.tsv', 'a.png\t1\na.png\t2\n'), 'images: ., labels: twice.tsv'),
    jsonl: () => (
      write('twice.jsonl', '{"file":"a.png","label":1}\n{"file":"a.png","label":2}\n'),
      'images: ., labels: twice.jsonl'
    ),
    coco: () => (
      write(
        'twice.json',
        JSON.stringify({
          images: [{ id: 0, file_name: 'a.png' }],
          annotations: twice,
          categories: [{ id: 1 }, { id: 2 }],
        }),
      ),
      'images: ., labels: twice.json'
    ),
    yolo: () => (write('yolo/a.txt', '0 .5 .5 .1 .1\n1 .5 .5 .1 .1\n'), 'images: ., labels: yolo'),
    'class folders': () => (write('val/0/a.png', 'x'), write('val/1/a.png', 'x'), 'images: val'),
  };

  it.each(Object.keys(kinds))('%s', async (kind) => {
    const client = await inMemory({ capabilities: CAPABILITIES });
    const uri = uriOf(`${kind.replace(' ', '-')}.quant.yaml`);
    await client.open(uri, `model: m\ndata: {calibration: {images: .}, validation: {${kinds[kind]!()}}}\n`);
    expect(await diagnosed(client, uri)).toContain('labels-conflict');
    await client.stop();
  });

  it('equal names in class folders are no contradiction', async () => {
    write('fine/0/a.png', 'x');
    write('fine/1/a.png', 'y');
    const client = await inMemory({ capabilities: CAPABILITIES });
    const uri = uriOf('fine.quant.yaml');
    await client.open(uri, 'model: m\ndata: {calibration: {images: .}, validation: {images: fine}}\n');
    expect(await diagnosed(client, uri)).not.toContain('labels-conflict');
    await client.stop();
  });
});
