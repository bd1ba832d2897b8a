import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { valueOf } from '../src/document/tree.js';
import { formatting } from '../src/features/format.js';
import { applied, config, type Language } from '../../test/kit/configs.js';

const OPTIONS = { tabSize: 2, insertSpaces: true };
const formatted = (text: string, language: Language = 'yaml', options = OPTIONS) => {
  const document = config(text, language);
  return applied(document, formatting(document, options));
};

describe('YAML', () => {
  it.each([
    ['a:\n    b:\n        c: 1\n', 'a:\n  b:\n    c: 1\n'],
    ['a :   1   \n', 'a: 1\n'],
    ['a:\n-   x\n-  y: 1\n   z: 2\n', 'a:\n- x\n- y: 1\n  z: 2\n'],
    ['a:\n    - x\n    -\n        y: 1\n', 'a:\n  - x\n  -\n    y: 1\n'],
    ['a: &x   {b: 1,   c: [1,2]}   # kept\nd: *x\n', 'a: &x   {b: 1,   c: [1,2]}   # kept\nd: *x\n'],
    ['a:\n    # above\n    b: 1\n    # below\nc: 2\n', 'a:\n  # above\n  b: 1\n  # below\nc: 2\n'],
    ['a: 1\n\n\n\nb: 2\n', 'a: 1\n\nb: 2\n'],
    ['a:\n    b: |\n        x\n          y   \n    c: 1\n', 'a:\n  b: |\n      x\n        y   \n  c: 1\n'],
    ['a:\r\n    b: 1  \r\n', 'a:\r\n  b: 1\r\n'],
    ['a: "x\n   y"\nb:\n    {c: 1,\n     d: 2}\n', 'a: "x\n   y"\nb:\n  {c: 1,\n   d: 2}\n'],
  ])('%j', (text, expected) => expect(formatted(text)).toBe(expected));

  it('by the width that the editor has', () => {
    expect(formatted('a:\n  b: 1\n', 'yaml', { ...OPTIONS, tabSize: 4 })).toBe('a:\n    b: 1\n');
  });

  it.each(['a: [1\n    b: 2', 'a: 1\r   \n    # x\n  '])('leaves what cannot be read: %j', (text) =>
    expect(formatted(text)).toBe(text),
  );

  it('of a range: the sections that it touches', () => {
    const document = config('a:\n    b: 1\nc:\n    d: 1\n');
    const range = { start: { line: 3, character: 0 }, end: { line: 3, character: 1 } };
    expect(applied(document, formatting(document, OPTIONS, range))).toBe('a:\n    b: 1\nc:\n  d: 1\n');
  });

  it('ends with a newline where the editor wants one', () => {
    expect(formatted('a: 1', 'yaml', { ...OPTIONS, insertFinalNewline: true } as never)).toBe('a: 1\n');
  });
});

describe('JSON', () => {
  it.each([
    ['{"a":1,\n      "b": [1,2]} // c', '{ "a": 1,\n  "b": [1, 2] } // c'],
    ['{\n"a": {"b":1}\n}', '{\n  "a": { "b": 1 }\n}'],
  ])('%j', (text, expected) => expect(formatted(text, 'json')).toBe(expected));
});

const key = fc.constantFrom('model', 'data', 'a b', 'x', '<<', '1', 'names', 'größe');
const scalar = fc.oneof(
  fc.constantFrom(
    null,
    true,
    1,
    -2.5,
    'a',
    'yes',
    '0x10',
    'a: b',
    '# no',
    '- x',
    '',
    ' a ',
    'line\nline\n',
    '\t',
    "it's",
  ),
  fc.string({ maxLength: 12 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const { value } = fc.letrec<{ value: unknown; list: unknown; mapping: unknown }>((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, scalar, tie('list'), tie('mapping')),
  list: fc.array(tie('value'), { maxLength: 4 }),
  mapping: fc.dictionary(key, tie('value'), { maxKeys: 4 }),
}));

/** What people do to a text: indent lines, leave space behind them, comment, cut, and mix line ends. */
const mutilation = fc.record({
  at: fc.nat(),
  what: fc.constantFrom('space', 'trail', 'comment', 'empty', 'cut', 'anchor', 'crlf', 'tab', 'colon'),
});
type Mutilation = typeof mutilation extends fc.Arbitrary<infer T> ? T : never;
function mutilated(text: string, { at, what }: Mutilation): string {
  const lines = text.split('\n');
  const number = at % lines.length;
  const line = lines[number]!;
  const other: Record<Mutilation['what'], string> = {
    space: `  ${line}`,
    trail: `${line}   `,
    comment: `${' '.repeat(at % 7)}# ${at}\n${line}`,
    empty: `\n\n\n${line}`,
    cut: line.slice(0, -1 - (at % 3)),
    anchor: line.replace(': ', ': &a '),
    crlf: `${line}\r`,
    tab: `\t${line}`,
    colon: line.replace(':', ' :  '),
  };
  lines[number] = other[what];

  return lines.join('\n');
}

const text = (language: Language) =>
  fc
    .record({
      value,
      indent: fc.integer({ min: 1, max: 8 }),
      flush: fc.boolean(),
      changes: fc.array(mutilation, { maxLength: 6 }),
    })
    .map(({ value: content, indent, flush, changes }) => {
      const whole =
        language === 'json'
          ? JSON.stringify(content ?? null, null, indent)
          : stringify(content, { indent, indentSeq: !flush, lineWidth: 30 });
      return changes.reduce(mutilated, whole);
    });

describe.each(['yaml', 'json'] as const)('property, in %s', (language) => {
  it('formatting changes no value, loses no comment, and does nothing the second time', () => {
    fc.assert(
      fc.property(text(language), fc.constantFrom(2, 3, 4, 8), (source, tabSize) => {
        const before = config(source, language);
        const options = { tabSize, insertSpaces: true };
        const once = applied(before, formatting(before, options));
        const after = config(once, language);
        expect(valueOf(after.tree)).toEqual(valueOf(before.tree));
        expect(after.tree.problems).toEqual(before.tree.problems);
        expect(after.tree.comments.map((one) => one.text.trim())).toEqual(
          before.tree.comments.map((one) => one.text.trim()),
        );
        expect(applied(after, formatting(after, options))).toBe(once);
      }),
      { numRuns: 500 },
    );
  });

  it('of any range changes no value either', () => {
    fc.assert(
      fc.property(text(language), fc.nat(30), fc.nat(30), (source, one, other) => {
        const before = config(source, language);
        const range = {
          start: { line: Math.min(one, other), character: 0 },
          end: { line: Math.max(one, other), character: 0 },
        };
        const after = config(applied(before, formatting(before, OPTIONS, range)), language);
        expect(valueOf(after.tree)).toEqual(valueOf(before.tree));
      }),
      { numRuns: 200 },
    );
  });
});
