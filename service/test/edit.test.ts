import { writtenPath } from '@quantsmith/schemas';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appendItems, removeKey, setValue, type Written } from '../src/document/edit.js';
import { findNode, resolved, valueOf } from '../src/document/tree.js';
import { applied, config, type Language } from '../../test/kit/configs.js';

const set = (text: string, path: string[], value: Written, language: Language = 'yaml') => {
  const document = config(text, language);
  return applied(document, setValue(document, writtenPath(path), value) ?? []);
};

describe('setting a value', () => {
  it.each<[string, string[], Written, string]>([
    ['', ['quantization', 'preset'], 'mixed', 'quantization:\n  preset: mixed\n'],
    ['a: 1 # why', ['b'], true, 'a: 1 # why\nb: true'],
    ['a:\n    b: 1\nc: 2\n', ['a', 'd', 'e'], 3, 'a:\n    b: 1\n    d:\n        e: 3\nc: 2\n'],
    ['a:\nc: 2\n', ['a', 'b'], 1, 'a:\n  b: 1\nc: 2\n'],
    ['a: {b: 1}\r\nc: 2\r\n', ['a', 'd'], 'x y', 'a: {b: 1, d: "x y"}\r\nc: 2\r\n'],
    ['a: 1 # one\n', ['a'], 2, 'a: 2 # one\n'],
    ['a:\n  - b: 1\n', ['c'], ['x', '/y'], 'a:\n  - b: 1\nc:\n  - x\n  - /y'.concat('\n')],
  ])('%j %j = %j', (text, path, value, expected) => expect(set(text, path, value)).toBe(expected));

  it('keeps the layout of JSON', () => {
    expect(set('{\n  "a": 1\n}', ['b', 'c'], 2, 'json')).toBe('{\n  "a": 1,\n  "b": { "c": 2 }\n}');
    expect(set('{}', ['b'], [1], 'json')).toBe('{"b": [1]}');
  });
});

describe('items and keys', () => {
  it.each<[string, string]>([
    ['a:\n  - x # first\nb: 1\n', 'a:\n  - x # first\n  - "n 1"\nb: 1\n'],
    ['a:\n- x\n', 'a:\n- x\n- "n 1"\n'],
    ['a: [x]', 'a: [x, "n 1"]'],
    ['a: []', 'a: ["n 1"]'],
    ['a:', 'a:\n  - "n 1"'],
    ['b: 1', 'b: 1\na:\n  - "n 1"'],
  ])('%j', (text, expected) => {
    const document = config(text);
    expect(applied(document, appendItems(document, writtenPath(['a']), ['n 1'])!)).toBe(expected);
  });

  it.each<[string, string[], string, Language]>([
    ['a: 1\nb:\n  c: 2\nd: 3\n', ['b'], 'a: 1\nd: 3\n', 'yaml'],
    ['a: 1\nb:\n  c: 2\nd: 3\n', ['b', 'c'], 'a: 1\nd: 3\n', 'yaml'],
    ['a: {b: 1, c: 2}', ['a', 'b'], 'a: {c: 2}', 'yaml'],
    ['{"a": 1, "b": 2}', ['b'], '{"a": 1}', 'json'],
  ])('%j - %j', (text, path, expected, language) => {
    const document = config(text, language);
    expect(applied(document, removeKey(document, writtenPath(path))!)).toBe(expected);
  });
});

describe('property', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd');
  const scalar = fc.oneof(
    fc.integer(),
    fc.boolean(),
    fc.constantFrom('x', '/n/Conv', 'a: b', '# no', 'yes', '1e3', ' s', 'é'),
  );
  const tree = fc.letrec<{ node: Written; map: Written }>((tie) => ({
    node: fc.oneof({ depthSize: 'small' }, scalar, tie('map')),
    map: fc.dictionary(key, tie('node'), { minKeys: 1, maxKeys: 4 }),
  })).map;
  const print = (value: Written, indent: string, step: string, eol: string): string =>
    typeof value !== 'object' || value === null
      ? JSON.stringify(value)
      : Object.entries(value)
          .map(([name, child]) =>
            typeof child === 'object'
              ? `${indent}${name}: # note${eol}${print(child, indent + step, step, eol)}`
              : `${indent}${name}: ${JSON.stringify(child)} # note`,
          )
          .join(eol);
  const assign = (value: Written, path: string[], leaf: Written): Written | null => {
    const [first, ...rest] = path;
    if (first === undefined) return leaf;
    if (typeof value !== 'object' || value === null) return null;
    const inner = assign((value as Record<string, Written>)[first] ?? {}, rest, leaf);
    return inner === null ? null : { ...(value as Record<string, Written>), [first]: inner };
  };

  it('the value is set and everything else stays, in both notations', () => {
    fc.assert(
      fc.property(
        tree,
        fc.array(key, { minLength: 1, maxLength: 3 }),
        scalar,
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom('\n', '\r\n'),
        fc.constantFrom<Language>('yaml', 'json'),
        (value, path, leaf, indent, eol, language) => {
          const text =
            language === 'json'
              ? JSON.stringify(value, null, indent)
              : print(value, '', ' '.repeat(indent), eol) + eol;
          const document = config(text, language);
          const target = resolved(findNode(document.tree, writtenPath(path)));
          const edits = setValue(document, writtenPath(path), leaf);
          const expected = assign(value, path, leaf);
          if (target !== null && target.kind !== 'scalar' && language === 'yaml') return;
          expect(edits === null).toBe(expected === null);
          if (edits === null) return;
          const result = applied(document, edits);
          expect(valueOf(config(result, language).tree)).toEqual(expected);
          if (language === 'yaml') expect(result.match(/# note/g)).toEqual(text.match(/# note/g));
        },
      ),
      { numRuns: 1000 },
    );
  });
});
