import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createHash } from 'node:crypto';
import { resolvedConfigText, type QuantizationConfig } from '@quantsmith/schemas';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CodeAction, CodeActionContext, CodeLens, Diagnostic } from 'vscode-languageserver-protocol';
import { dataContent } from '@quantsmith/engine';
import { sampleReport } from '../../test/kit/sampleReport.js';
import { checkConfigFile } from '../src/check/check.js';
import { inMemory, type TestClient } from '../../test/kit/lspClient.js';
import { DIGITS } from '../../test/kit/digits.js';

const HEAD = 'model: m.onnx\ndata: {calibration: {arrays: a.npy}}\n';
const MIXD = `${HEAD}quantization: {preset: mixd}\n`;
const codeAction = {
  codeActionLiteralSupport: { codeActionKind: { valueSet: [''] } },
  isPreferredSupport: true,
};
const digits = join(DIGITS, 'digits.onnx');

const hasGit = spawnSync('git', ['--version']).status === 0;
const git = (folder: string, ...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=nobody', '-c', 'user.email=nobody@example.com', ...args], {
    cwd: folder,
    stdio: 'pipe',
  });

let folder: string;
let client: TestClient | null = null;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'quantsmith-clients-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(async () => {
  await client?.stop();
  client = null;
});

const uriOf = (name: string) => pathToFileURL(join(folder, name)).href;

async function opened(name: string, text: string, languageId?: string, capabilities: object = {}) {
  client = await inMemory({ capabilities: { textDocument: { codeAction, ...capabilities } } });
  const pushed = client.pushed(uriOf(name));
  await client.open(uriOf(name), text, languageId);
  return (await pushed).diagnostics;
}

/** Without data, which clients may leave out, and with the keys in another order. */
const rearranged = ({ message, code, severity, range: { start, end }, source }: Diagnostic) => ({
  message,
  source: source!,
  severity: severity!,
  code: code!,
  range: {
    end: { character: end.character, line: end.line },
    start: { character: start.character, line: start.line },
  },
});

async function actionsAt(name: string, diagnostics: Diagnostic[], context: object = {}) {
  const start = { line: 0, character: 0 };
  const answer = await client!.connection.sendRequest<CodeAction[] | null>('textDocument/codeAction', {
    textDocument: { uri: uriOf(name) },
    range: diagnostics[0]?.range ?? { start, end: start },
    context: { diagnostics, ...context } as CodeActionContext,
  });
  return (answer ?? []).map(({ title }) => title);
}

describe('clients of every kind', () => {
  it('get fixes for diagnostics that come back with their keys in another order', async () => {
    const found = await opened('a.quant.yaml', MIXD);
    expect(found.map(({ code }) => code)).toContain('unknown-value');
    const wrong = found.filter(({ code }) => code === 'unknown-value').map(rearranged);
    expect(await actionsAt('a.quant.yaml', wrong)).toContain('Change to mixed');
  });

  it('are pushed to where they pull but cannot be told to pull again', async () => {
    const pulling = { diagnostic: { dynamicRegistration: false } };
    expect((await opened('a.quant.yaml', MIXD, 'yaml', pulling)).map(({ code }) => code)).toContain(
      'unknown-value',
    );
  });

  it.each([
    ['compose.yaml', 'yaml', []],
    ['package.json', 'json', []],
    ['net.quant.yaml', 'yaml', ['unknown-value']],
    ['quantization.yaml', 'yaml.docker', ['unknown-value']],
    ['compose.yaml', 'quant-yaml', ['unknown-value']],
  ])('%s as %s: only configs are judged', async (name, language, codes) => {
    const found = await opened(name, MIXD.replace('a.npy', '.'), language);
    expect(found.map(({ code }) => code).filter((code) => code === 'unknown-value')).toEqual(codes);
    if (codes.length === 0) expect(found).toEqual([]);
  });

  it('a base is judged once a config extends it, by what it says itself', async () => {
    const base = 'quantization: {presett: mixed}\n';
    writeFileSync(join(folder, 'base.yaml'), base);
    expect(await opened('base.yaml', base, 'yaml')).toEqual([]);
    const pushed = client!.pushed(uriOf('base.yaml'));
    await client!.open(uriOf('net.quant.yaml'), `extends: base.yaml\n${HEAD}`, 'yaml');
    expect((await pushed).diagnostics.map(({ code }) => code)).toEqual(['unknown-key']);
  });

  it('ask for some kinds of actions only, and send findings of others along', async () => {
    const found = await opened('a.quant.yaml', MIXD);
    const [wrong] = found.filter(({ code }) => code === 'unknown-value');
    const refactorings = /^(Remove settings|Write out)/;
    expect(await actionsAt('a.quant.yaml', [{ ...wrong!, source: 'yaml' }], { only: ['quickfix'] })).toEqual(
      [],
    );
    expect(await actionsAt('a.quant.yaml', [], { only: ['refactor.extract'] })).toEqual([]);
    expect(await actionsAt('a.quant.yaml', [wrong!], { only: [''] })).toContain('Change to mixed');
    expect(await actionsAt('a.quant.yaml', [wrong!], { only: null })).toContain('Change to mixed');
    const asked = await actionsAt('a.quant.yaml', [], { triggerKind: 1 });
    expect(asked.filter((title) => refactorings.test(title))).not.toEqual([]);
    const moved = await actionsAt('a.quant.yaml', [], { triggerKind: 2 });
    expect(moved.filter((title) => refactorings.test(title))).toEqual([]);
  });

  it('initialize once', async () => {
    await opened('a.quant.yaml', HEAD);
    const again = client!.connection.sendRequest('initialize', {
      processId: null,
      rootUri: null,
      capabilities: {},
    });
    await expect(again).rejects.toThrow('already initialized');
  });
});

describe('a report', () => {
  const asked = `model: ${digits}\ndata: {calibration: {arrays: a.npy}}\nquantization: {preset: mixed}\n`;
  const config: QuantizationConfig = {
    model: digits,
    data: { calibration: { arrays: 'a.npy' } },
    quantization: { preset: 'mixed' },
  };
  const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest('hex');
  /** `data`: what is in the array, which is newer than the report then, and the hash that the report has. */
  const lens = async (
    text: string,
    model = readFileSync(digits),
    data: { readonly now: string; readonly hash: string | null } | null = null,
  ) => {
    const base = sampleReport({ created: '2020-01-02T03:04:05Z' });
    const resolved = sha256(resolvedConfigText(config));
    const report = {
      ...base,
      config: { path: 'b.quant.yaml', sha256: 'of another text', resolved_sha256: resolved },
      model: { path: digits, sha256: sha256(model) },
      output: { ...base.output, path: 'b.int8.onnx' },
      ...(data === null ? {} : { data: { ...base.data, content_sha256: data.hash } }),
    };
    writeFileSync(join(folder, 'b.int8.onnx.report.json'), JSON.stringify(report));
    writeFileSync(join(folder, 'a.npy'), data?.now ?? '');
    if (data === null) utimesSync(join(folder, 'a.npy'), 0, 0);
    await opened('b.quant.yaml', text);
    const lenses = await client!.connection.sendRequest<CodeLens[]>('textDocument/codeLens', {
      textDocument: { uri: uriOf('b.quant.yaml') },
    });
    return lenses.map(({ command }) => command!.title).find((title) => title.startsWith('Last run'))!;
  };

  it.each([
    asked,
    `# a comment\n\n${asked}`,
    asked.replaceAll('\n', '\r\n'),
    asked.replace('mixed', '"mixed"'),
    asked.replace('mixed', 'mixed, subset_size: 300'),
    `${asked}output: null\n`,
  ])('%j is what it was made of', async (text) => {
    expect(await lens(text)).toMatch(/^Last run 2020-01-02 03:04: /);
  });

  it.each([
    asked.replace('mixed', 'performance'),
    asked.replace('preset: mixed', ''),
    asked.replace('mixed', 'mixed, subset_size: 299'),
  ])('%j asks for something else', async (text) => {
    expect(await lens(text)).toMatch(/\(config changed since\)/);
  });

  it('is of the same data after a touch, a clone or a checkout, and of others when their content is', async () => {
    writeFileSync(join(folder, 'a.npy'), 'samples');
    const hash = await dataContent([join(folder, 'a.npy')]);
    const model = readFileSync(digits);
    expect(await lens(asked, model, { now: 'samples', hash })).toMatch(/^Last run 2020-01-02 03:04: /);
    await client!.stop();
    expect(await lens(asked, model, { now: 'other samples', hash })).toMatch(/\(data changed since\)/);
    await client!.stop();
    expect(await lens(asked, model, { now: 'samples', hash: null })).toMatch(/\(not checked/);
  });

  it.skipIf(!hasGit)(
    'is current in a real clone, line ends and all, and after a checkout of what it was made of',
    async () => {
      const origin = join(folder, 'origin');
      mkdirSync(origin);
      copyFileSync(digits, join(origin, 'm.onnx'));
      writeFileSync(join(origin, 'a.npy'), 'samples');
      writeFileSync(join(origin, 'b.quant.yaml'), asked.replace(digits, 'm.onnx'));
      const base = sampleReport({ created: '2020-01-02T03:04:05Z' });
      const report = {
        ...base,
        config: {
          path: 'b.quant.yaml',
          sha256: 'of another text',
          resolved_sha256: sha256(resolvedConfigText({ ...config, model: 'm.onnx' })),
        },
        model: { path: 'm.onnx', sha256: sha256(readFileSync(digits)) },
        output: { ...base.output, path: 'b.int8.onnx' },
        data: { ...base.data, content_sha256: await dataContent([join(origin, 'a.npy')]) },
      };
      writeFileSync(join(origin, 'b.int8.onnx.report.json'), JSON.stringify(report, null, 2));
      git(origin, 'init', '--quiet');
      git(origin, 'add', '--all');
      git(origin, 'commit', '--quiet', '--message', 'what was run');
      git(folder, 'clone', '--quiet', '--config', 'core.autocrlf=true', origin, 'clone');

      const lastRun = async () => {
        await opened('clone/b.quant.yaml', readFileSync(join(folder, 'clone/b.quant.yaml'), 'utf8'));
        const params = { textDocument: { uri: uriOf('clone/b.quant.yaml') } };
        const lenses = await client!.connection.sendRequest<CodeLens[]>('textDocument/codeLens', params);
        await client!.stop();
        client = null;
        return lenses.map(({ command }) => command!.title).find((title) => title.startsWith('Last run'));
      };

      const clone = join(folder, 'clone');
      expect(await lastRun()).toMatch(/^Last run 2020-01-02 03:04: /);
      writeFileSync(join(clone, 'a.npy'), 'other samples');
      git(clone, 'commit', '--quiet', '--all', '--message', 'other data');
      expect(await lastRun()).toMatch(/\(data changed since\)/);
      git(clone, 'checkout', '--quiet', 'HEAD~1');
      expect(await lastRun()).toMatch(/^Last run 2020-01-02 03:04: /);
    },
  );

  it('is of another model when its content is another, and not checked where data is newer', async () => {
    expect(await lens(asked, Buffer.from('another'))).toMatch(/\(model changed since\)/);
  });
});

it('a config that is a pipe is not waited for', async () => {
  const pipe = join(folder, 'pipe.quant.yaml');
  execFileSync('mkfifo', [pipe]);
  const { findings } = await checkConfigFile(pipe);
  expect(findings).toMatchObject([
    { code: 'config-unreadable', message: expect.stringContaining('it is a FIFO, not a regular file') },
  ]);
});
