import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DocumentDiagnosticReport } from 'vscode-languageserver-protocol';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { checkConfigFile } from '../src/check/check.js';
import { gatherContext } from '../src/sources/context.js';
import { parseConfig } from '../../service/src/document/document.js';
import { complete } from '../../service/src/features/completion.js';
import { hover } from '../../service/src/features/hover.js';
import { mergeConfigs } from '../../service/src/extends/merge.js';
import { createSources } from '../src/sources/sources.js';
import { inMemory } from '../../test/kit/lspClient.js';
import { copyDigits } from '../../test/kit/digits.js';

let folder: string;
const write = (name: string, text: string) => {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quantsmith-extends-'));
  copyDigits(join(folder, 'shared'));
  write('shared/base.yaml', BASE);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const BASE = `model: digits.onnx
data:
  calibration: {arrays: data/calibration.npy, preprocess: {scale: 16}}
quantization:
  preset: mixed
  ignored_scope: {types: [Gemm]}
`;

/** `code text` of everything found in a config file. */
async function found(file: string) {
  const { findings, text } = await checkConfigFile(file);
  return findings.map(({ code, start, end }) => `${code} ${text.slice(start, end)}`);
}

describe('a config that extends another', () => {
  it('has its settings, with paths as they are seen from its own folder', async () => {
    const file = write(
      'a/x.quant.yaml',
      'extends: ../shared/base.yaml\nquantization:\n  subset_size: 10\n  ignored_scope: {types: []}\n',
    );
    const { findings, config } = await checkConfigFile(file);
    expect(findings).toEqual([]);
    expect(config).toEqual({
      extends: '../shared/base.yaml',
      model: '../shared/digits.onnx',
      data: { calibration: { arrays: '../shared/data/calibration.npy', preprocess: { scale: 16 } } },
      quantization: { preset: 'mixed', subset_size: 10, ignored_scope: { types: [] } },
    });
  });

  it('replaces a source by another one, and can be JSON over YAML, over several files', async () => {
    write('mid.quant.json', '{"extends": "shared/base.yaml", "quantization": {"preset": "performance"}}');
    const file = write(
      'x.quant.yaml',
      'extends: mid.quant.json\ndata: {calibration: {loader: l.mjs}}\n# quantsmith-disable file-missing\n',
    );
    const { findings, config } = await checkConfigFile(file);
    expect(findings).toEqual([]);
    expect(config).toMatchObject({ model: './shared/digits.onnx', quantization: { preset: 'performance' } });
    expect(config!.data.calibration).toEqual({ loader: 'l.mjs', preprocess: { scale: 16 } });
  });

  it('says what is wrong with it on the line of extends', async () => {
    expect(await found(write('a.quant.yaml', 'extends: shared/bas.yaml\n'))).toEqual([
      'extends-missing shared/bas.yaml',
    ]);
    write('b.quant.yaml', 'extends: c.quant.yaml\nmodel: shared/digits.onnx\n');
    const cycle = await checkConfigFile(write('c.quant.yaml', 'extends: b.quant.yaml\n'));
    expect(cycle.findings.map(({ code }) => code)).toContain('extends-cycle');
    expect(cycle.findings.find(({ code }) => code === 'extends-cycle')!.message).toMatch(
      /c\.quant\.yaml → .*b\.quant\.yaml → .*c\.quant\.yaml/,
    );
    write(
      'd.yaml',
      `${BASE.replace('mixed', 'mixd')}foo: 1\n`.replace('digits.onnx', '../shared/digits.onnx'),
    );
    expect(await found(write('e.quant.yaml', 'extends: d.yaml\n'))).toEqual(
      expect.arrayContaining(['extends-invalid d.yaml', 'model-missing d.yaml', 'file-missing d.yaml']),
    );
    write('f.yaml', 'model: [');
    expect(await found(write('g.quant.yaml', 'extends: f.yaml\n'))).toContain('extends-invalid f.yaml');
  });

  it('takes no file that is not text for a config', async () => {
    write('base', `b\0b: 1\n${'\u0001'.repeat(9)}: [1\nquantization: {presett: 1}\n`);
    const { findings } = await checkConfigFile(
      write('e.quant.yaml', 'extends: base\nmodel: shared/digits.onnx\n'),
    );
    expect(findings.filter(({ code }) => code.startsWith('extends')).map(({ message }) => message)).toEqual([
      'base cannot be read: it is not a text file.',
    ]);
    expect(findings.map(({ code }) => code)).not.toContain('unknown-key');
  });

  it('leads to where the mistake stands', async () => {
    write('d.yaml', BASE.replace('mixed', 'mixd').replace('digits.onnx', '../shared/digits.onnx'));
    const { findings } = await checkConfigFile(write('e.quant.yaml', 'extends: d.yaml\n'));
    const { related } = findings.find(({ code }) => code === 'extends-invalid')!;
    const { start, end } = related![0]!.range!;
    const line = readFileSync(join(folder, 'd.yaml'), 'utf8').split('\n')[start.line]!;
    expect([related![0]!.file, line.slice(start.character, end.character)]).toEqual([
      join(folder, 'd.yaml'),
      'mixd',
    ]);
  });

  it('does not complain of values that it replaces, and finds inherited names that its model lacks', async () => {
    write('shared/bad.yaml', BASE.replace('mixed', 'mixd').replace('Gemm', 'LSTM'));
    const head = 'extends: shared/bad.yaml\nquantization:\n  preset: mixed\n';
    expect(await found(write('a.quant.yaml', head))).toEqual(['unknown-operator shared/bad.yaml']);
    expect(await found(write('b.quant.yaml', `${head}  ignored_scope: {types: [Conv]}\n`))).toEqual([]);
  });

  it('is another config when what it extends changes', async () => {
    const file = write('x.quant.yaml', 'extends: shared/base.yaml\n');
    const before = (await checkConfigFile(file)).sha256;
    expect((await checkConfigFile(file)).sha256).toBe(before);
    write('shared/base.yaml', `${BASE}output: o.onnx\n`);
    expect((await checkConfigFile(file)).sha256).not.toBe(before);
  });

  it('has completion and hover that know what is inherited', async () => {
    const text = 'extends: shared/base.yaml\nquantization:\n  preset: mixed\n\n';
    const file = write('x.quant.yaml', text);
    const document = parseConfig(TextDocument.create(pathToFileURL(file).href, 'quant-yaml', 1, text));
    const context = {
      ...(await gatherContext(document, file, createSources())),
      markdown: true,
      snippets: false,
    };
    const model = complete(document, { line: 3, character: 0 }, context).find(
      ({ label }) => label === 'model',
    );
    expect(model?.detail).toBe('string, inherited: ./shared/digits.onnx');
    const said = (line: number) =>
      (hover(document, { line, character: 3 }, context)!.contents as { value: string }).value;
    expect(said(2)).toMatch(/Replaces `mixed` of .*base\.yaml/);
    expect(said(0)).toMatch(/- `quantization\.preset: "mixed"`/);
  });
});

describe('in a session', () => {
  it('what is extended is followed while it is typed, before it is saved', async () => {
    const client = await inMemory({
      capabilities: {
        textDocument: { diagnostic: {} },
        workspace: { diagnostics: { refreshSupport: true } },
      },
    });
    const file = write('x.quant.yaml', 'extends: shared/base.yaml\n');
    const base = join(folder, 'shared/base.yaml');
    const uri = pathToFileURL(file).href;
    const codes = async () => {
      const report = await client.connection.sendRequest<DocumentDiagnosticReport>(
        'textDocument/diagnostic',
        {
          textDocument: { uri },
        },
      );
      return report.kind === 'full' ? report.items.map(({ code }) => code) : [];
    };

    await client.open(uri, 'extends: shared/base.yaml\n');
    expect(await codes()).toEqual([]);
    await client.open(pathToFileURL(base).href, BASE.replace('mixed', 'mixd'));
    expect(await codes()).toEqual(['extends-invalid']);
    await client.connection.sendNotification('textDocument/didClose', {
      textDocument: { uri: pathToFileURL(base).href },
    });
    expect(await codes()).toEqual([]);
    rmSync(base);
    await client.connection.sendNotification('workspace/didChangeWatchedFiles', {
      changes: [{ uri: pathToFileURL(base).href, type: 3 }],
    });
    expect(await codes()).toContain('extends-missing');
    write('shared/base.yaml', BASE);
    expect(existsSync(base)).toBe(true);
    await client.connection.sendNotification('workspace/didChangeWatchedFiles', {
      changes: [{ uri: pathToFileURL(base).href, type: 1 }],
    });
    expect(await codes()).toEqual([]);
    client.connection.dispose();
  });

  it('pushed diagnostics follow too', async () => {
    const client = await inMemory();
    const uri = pathToFileURL(write('x.quant.yaml', 'extends: shared/base.yaml\n')).href;
    const base = pathToFileURL(join(folder, 'shared/base.yaml')).href;
    const first = client.pushed(uri);
    await client.open(uri, 'extends: shared/base.yaml\n');
    expect((await first).diagnostics).toEqual([]);
    const second = client.pushed(uri);
    await client.open(base, BASE.replace('mixed', 'mixd'));
    expect((await second).diagnostics).toMatchObject([{ code: 'extends-invalid' }]);
    client.connection.dispose();
  });
});

it('property: merging is deep, and the nearer config wins', () => {
  const { value } = fc.letrec((tie) => ({
    value: fc.dictionary(
      fc.constantFrom('a', 'b', 'c', 'd'),
      fc.oneof({ depthSize: 'small' }, fc.integer(), fc.constantFrom([], [1], null, 'x'), tie('value')),
      { maxKeys: 4 },
    ),
  }));
  const dict = value;
  fc.assert(
    fc.property(dict, dict, dict, (a, b, c) => {
      expect(mergeConfigs(a, {})).toEqual(a);
      expect(mergeConfigs({}, a)).toEqual(a);
      expect(mergeConfigs(a, a)).toEqual(a);
      const merged = mergeConfigs(a, b);
      for (const [key, one] of Object.entries(b))
        if (typeof one !== 'object' || one === null || Array.isArray(one)) expect(merged[key]).toEqual(one);
      for (const key of Object.keys(a)) expect(Object.hasOwn(merged, key)).toBe(true);
      expect(Object.keys(mergeConfigs(mergeConfigs(a, b), c)).sort()).toEqual(
        [...new Set([a, b, c].flatMap((one) => Object.keys(one)))].sort(),
      );
    }),
  );
});
