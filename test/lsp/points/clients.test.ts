import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CodeAction, Diagnostic, TextDocumentEdit } from 'vscode-languageserver-protocol';
import { editsOf, startPoints, type PointSession } from './session.js';

// Issue by issue, what clients of every kind send (docs/features.md, 1 to 5).

const MIXD = 'model: m.onnx\ndata: {calibration: {images: photos}}\nquantization: {preset: mixd}\n';

let session: PointSession;
beforeAll(async () => {
  session = await startPoints();
  session.write('photos/a.png');
  session.write('sub/n.onnx');
});
afterAll(() => session.stop());

const titles = (actions: readonly CodeAction[]) => actions.map(({ title }) => title);

describe('what is asked for', () => {
  it('findings of another server get no actions of ours', async () => {
    const config = await session.open(MIXD);
    const found = await config.diagnostics();
    const foreign = found.map((diagnostic) => ({ ...diagnostic, source: 'YAML' }));
    expect(titles(await config.actions({ diagnostics: foreign, only: ['quickfix'] }))).toEqual([]);
    expect(titles(await config.actions({ diagnostics: found, only: ['quickfix'] }))).toContain(
      'Change to mixed',
    );
  });

  it.each([
    [['refactor.extract'], false, false],
    [['quickfix'], true, false],
    [['refactor'], false, true],
    [['refactor.rewrite'], false, true],
    [[''], true, true],
    [[], false, false],
    [null, true, true],
    [undefined, true, true],
  ])('only: %j', async (only, fixes, refactorings) => {
    const config = await session.open(MIXD);
    const asked = titles(await config.actions({ only: only as string[] }));
    expect(asked.includes('Change to mixed')).toBe(fixes);
    expect(asked.some((title) => /^(Remove settings|Write out)/.test(title))).toBe(refactorings);
  });

  it('refactorings come when a person opens the menu, not with every move of the cursor', async () => {
    const config = await session.open(MIXD);
    const isRewrite = ({ kind }: CodeAction) => kind?.startsWith('refactor.rewrite') === true;
    expect((await config.actions({ triggerKind: 1 })).some(isRewrite)).toBe(true);
    expect((await config.actions({ triggerKind: 2 })).some(isRewrite)).toBe(false);
    expect(titles(await config.actions({ triggerKind: 2 }))).toContain('Change to mixed');
  });

  it.each([
    ['a', 3],
    [':', 0],
    [' ', 0],
  ])('completion that %j asked for inside of a word', async (character, count) => {
    const config = await session.open('model: m.onnx\nquan‸\n');
    const { items } = await config.complete(character);
    expect(items.length).toBeGreaterThanOrEqual(count);
    if (count === 0) expect(items).toEqual([]);
  });

  it.each([
    [':', 'quantization:\n  preset:‸\n', true],
    [' ', 'quantization:\n  preset: ‸\n', true],
    [' ', 'quantization:\n  preset: mixed ‸\n', false],
    ['"', 'quantization:\n  preset: "‸"\n', true],
    ['/', 'model: sub/‸\n', true],
    ['/', 'quantization:\n  preset: a/‸\n', false],
    ['-', 'model: m.onnx\nquantization:\n  ignored_scope:\n    types:\n      -‸\n', true],
    ['-', 'output: my-‸\n', false],
    ['*', 'data:\n  calibration: &c {images: photos}\n  validation: *‸\n', false],
    [
      '*',
      'data:\n  calibration: {images: photos, preprocess: &p {scale: 1}}\n  validation: {images: photos, preprocess: *‸}\n',
      true,
    ],
  ])('completion behind %j in %j', async (character, text, isWanted) => {
    const config = await session.open(text);
    expect((await config.complete(character)).items.length > 0).toBe(isWanted);
  });
});

describe('edits', () => {
  it('name the version that they were made for', async () => {
    const config = await session.open(MIXD);
    const fix = (await config.actions()).find(({ title }) => title === 'Change to mixed');
    expect(fix?.edit?.documentChanges).toMatchObject([{ textDocument: { uri: config.uri, version: 1 } }]);
    expect(fix?.edit?.changes).toBeUndefined();
  });

  it.each([true, false])(
    'findings of before an edit never write at the old place (data comes back: %s)',
    async (hasData) => {
      const config = await session.open(MIXD);
      const stale: Diagnostic[] = (await config.diagnostics()).map((diagnostic) => {
        const { data, ...rest } = diagnostic;
        return { ...rest, ...(hasData ? { data: data as unknown } : {}) };
      });
      await session.client.connection.sendNotification('textDocument/didChange', {
        textDocument: { uri: config.uri, version: 2 },
        contentChanges: [
          {
            range: { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } },
            text: '# one\n# two\n',
          },
          {
            range: { start: { line: 4, character: 0 }, end: { line: 4, character: 0 } },
            text: 'history: false\n',
          },
        ],
      });
      const actions = await config.actions({ diagnostics: stale, only: ['quickfix'] });
      for (const action of actions)
        for (const { range } of editsOf(action, config.uri))
          expect(range.start.line).toBeGreaterThanOrEqual(3);
      expect(actions.filter(({ title }) => title === 'Change to mixed')).toEqual([]);
      expect(titles(await config.actions({ only: ['quickfix'] }))).toContain('Change to mixed');
    },
  );
});

describe('URIs and texts', () => {
  it.each([
    ['file://server/share/x.quant.yaml'],
    ['file:///a%2Fb.quant.yaml'],
    ['file:///broken%E0%A4%A.quant.yaml'],
    ['file:///x%.quant.yaml'],
    ['untitled:Untitled-1'],
    ['vscode-notebook-cell:/a.quant.yaml#W0'],
  ])('%s is checked as far as no file is needed', async (uri) => {
    const config = await session.open(MIXD, uri, 'quant-yaml');
    expect(await config.found()).toContainEqual(expect.stringMatching(/^unknown-value 3/));
    expect(titles(await config.actions())).toContain('Change to mixed');
    for (const method of ['hover', 'completion', 'definition', 'documentLink', 'codeLens', 'documentSymbol'])
      await expect(config.ask(method)).resolves.not.toThrow();
  });

  it('a folder with a space, an umlaut and a percent sign is found', async () => {
    session.write('a b/ü 100%/photos/a.png');
    session.write('a b/ü 100%/m.onnx', 'x');
    const { href } = pathToFileURL(`${session.folder}/a b/ü 100%/x.quant.yaml`);
    const config = await session.open(MIXD, href);
    const links = await config.ask<{ target: string }[]>('documentLink');
    expect(links.map(({ target }) => decodeURI(target))).toEqual([
      expect.stringContaining('/a b/ü 100%/m.onnx'),
      expect.stringContaining('/a b/ü 100%/photos'),
    ]);
  });

  it('JSON with a byte order mark is JSON', async () => {
    const text =
      '\uFEFF{"model": "m.onnx", "data": {"calibration": {"images": "photos"}}, "quantization": {"preset": "‸mixd"}}';
    const config = await session.open(text, 'mark.quant.json');
    expect(await config.found()).toContainEqual(expect.stringMatching(/^unknown-value 1/));
    expect(await config.after('Change to mixed')).toBe(config.text.replace('mixd', 'mixed'));
    expect(await config.labels()).toContain('mixed');
    const edits = await config.ask<TextDocumentEdit['edits']>('formatting', {
      options: { tabSize: 2, insertSpaces: true },
    });
    expect(edits.every((edit) => 'range' in edit && edit.range.start.character > 0)).toBe(true);
  });
});
