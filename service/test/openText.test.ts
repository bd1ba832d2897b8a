import fc from 'fast-check';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { describe, expect, it } from 'vitest';
import { createDocumentCache, parseConfig } from '../src/document/document.js';
import { createOpenText, type OpenText, type TextChange } from '../src/document/openText.js';
import { complete } from '../src/features/completion.js';
import { hover } from '../src/features/hover.js';

const PIECES = ['', 'x', '\n', '\r', '\r\n', 'a\nb\r\n', '- y\n', '🙂', '\uD83D', '  k: v\n'];
const text = fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((pieces) => pieces.join(''));
const position = fc.record({
  line: fc.integer({ min: -1, max: 14 }),
  character: fc.integer({ min: -1, max: 9 }),
});
const change: fc.Arbitrary<TextChange> = fc.oneof(
  { weight: 9, arbitrary: fc.record({ range: fc.record({ start: position, end: position }), text }) },
  { weight: 1, arbitrary: fc.record({ text }) },
);

/** All that can be asked of a text. */
function answers(of: TextDocument) {
  const whole = of.getText();
  const places = Array.from({ length: whole.length + 3 }, (_, offset) => of.positionAt(offset - 1));
  const around = Array.from({ length: of.lineCount + 2 }, (_, line) => line - 1);

  return {
    whole,
    version: of.version,
    places,
    offsets: around.flatMap((line) => [-1, 0, 1, 2, 99].map((character) => of.offsetAt({ line, character }))),
    lines: around.map((line) => [of.getLineRange(line), of.getEOLCharacters(line)]),
    parts: places.map((end) => of.getText({ start: { line: 1, character: 1 }, end })),
  };
}

function after(known: TextDocument, range: TextChange['range'], put: string): string {
  if (range === undefined) return put;
  const [start = 0, end = 0] = [range.start, range.end].map((at) => known.offsetAt(at)).sort((a, b) => a - b);
  const whole = known.getText();
  return `${whole.slice(0, start)}${put}${whole.slice(end)}`;
}

describe('a text that is typed into', () => {
  it('answers after every change as a document that is opened with its text', () => {
    const created = (version: number, content: string) =>
      TextDocument.create('file:///x', 'quant-yaml', version, content);
    fc.assert(
      fc.property(
        text,
        fc.array(fc.array(change, { maxLength: 3 }), { maxLength: 6 }),
        (opened, versions) => {
          const open = createOpenText('file:///x', 'quant-yaml', 0, opened);
          let known = created(0, opened);
          versions.forEach((changes, index) => {
            open.update(changes, index + 1);
            for (const { range, text: put } of changes) known = created(index + 1, after(known, range, put));
            expect(answers(open)).toEqual({ ...answers(known), version: index + 1 });
            const whole = known.getText();
            for (const start of [0, 1, 3, 8, 20])
              expect(open.slice(start, start + 7)).toBe(whole.slice(start, start + 7));
          });
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('gives the parser what was changed, and the trees of a whole parse', () => {
    const head = 'model: a.onnx\nquantization:\n  ignored_scope:\n    names:\n';
    const lines = `${head}${'      - /a/Conv\n'.repeat(40)}`;
    const typed = fc.record({
      line: fc.nat(44),
      character: fc.nat(20),
      length: fc.nat(3),
      text: fc.constantFrom('x', '', '/', '\n', '      - /b\n', ': ', '#', '"'),
    });
    fc.assert(
      fc.property(fc.array(fc.array(typed, { minLength: 1, maxLength: 2 }), { maxLength: 8 }), (versions) => {
        const open = createOpenText('file:///x.quant.yaml', 'quant-yaml', 0, lines);
        const { get } = createDocumentCache();
        get(open);
        versions.forEach((changes, index) => {
          open.update(
            changes.map(({ line, character, length, text: put }) => ({
              range: { start: { line, character }, end: { line, character: character + length } },
              text: put,
            })),
            index + 1,
          );

          const whole = parseConfig(TextDocument.create(open.uri, 'quant-yaml', 0, open.getText()));
          const shown = (tree: unknown) =>
            JSON.stringify(tree, (key, value: unknown) => (key === 'parent' ? undefined : value));
          expect(shown(get(open).tree)).toBe(shown(whole.tree));
        });
      }),
      { numRuns: 200 },
    );
  });

  it('is not put together for completion and hover of a value', () => {
    let wholes = 0;
    const content = `model: a.onnx\nquantization:\n  preset: mixed\n  ignored_scope:\n    names:\n${'    - /a/Conv\n'.repeat(9)}`;
    const open = createOpenText('file:///x.quant.yaml', 'quant-yaml', 0, content);
    const asked: OpenText = {
      ...open,
      getText(range) {
        if (range === undefined) wholes++;
        return open.getText(range);
      },
    };

    const document = { text: asked, tree: parseConfig(asked).tree };
    wholes = 0;
    const context = { model: null, baseDir: null, markdown: true, snippets: true };
    expect(complete(document, { line: 2, character: 10 }, context)).not.toEqual([]);
    expect(hover(document, { line: 2, character: 4 }, context)).not.toBeNull();
    expect(wholes).toBe(0);
  });

  it('refuses a change that is none', () => {
    const open = createOpenText('file:///x', 'quant-yaml', 0, 'a');
    expect(() => {
      open.update([{} as TextChange], 1);
    }).toThrow('no text');
    expect(open.getText()).toBe('a');
  });
});
