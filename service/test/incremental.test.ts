import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedTo, reparseYaml } from '../src/document/incremental.js';
import { parsePlainLine } from '../src/document/plainLine.js';
import type { Tree } from '../src/document/tree.js';
import { parseYaml } from '../src/document/yaml.js';

const TEXT = `# head
model: a.onnx # the model

data:
  calibration:
    arrays: &place x.npy
    preprocess:
      mean: [1, 2,
        3]
      layout: nchw
  validation: {arrays: *place}
quantization:
  ignored_scope:
    names:
    # indented like the key
    - /features/0/Conv
    - "quoted # no comment"
    -
    -   nested: 1
        other: |
          block

          text
    types:
      - Conv


      # a comment on its own
      - plain text
        over two lines
  preset: mixed
last:
  - - 1
    - 2
  - x:
    - 3
`;

/** Trees without their parents, which lead in circles, and with the paths of what aliases lead to. */
function shown(tree: Tree): unknown {
  const plain = JSON.parse(
    JSON.stringify(tree, (key, value: unknown) => {
      if (key === 'parent') return undefined;
      return key === 'target' ? ((value as { start: number } | undefined)?.start ?? null) : value;
    }),
  ) as unknown;
  return plain;
}

function parentsHold(tree: Tree): boolean {
  const good = (node: Tree['root'], parent: unknown): boolean => {
    if (node === null) return true;
    if (node.parent !== parent) return false;
    if (node.kind === 'mapping')
      return node.entries.every((entry) => entry.parent === node && good(entry.value, entry));
    return node.kind !== 'sequence' || node.items.every((item) => good(item, node));
  };

  return good(tree.root, null);
}

const PIECES = [
  'x',
  ' ',
  '  ',
  '\n',
  '\n  ',
  '- ',
  ':',
  ': ',
  '#',
  ' # c',
  '"',
  "'",
  '|',
  '*place',
  '&b ',
  '[',
  '}',
  '\t',
  '---\n',
  '\r\n',
  'a: 1\n',
  '    - y\n',
  '? ',
  '!!str ',
  // What only some take for the end of a line, halves of characters, a mark that belongs in front of a text.
  '\r',
  '\u0085',
  '\u2028',
  '\uD83D',
  '\uDE00',
  '\uFEFF',
  '\u0000',
];
const edits = fc.array(
  fc.record({
    at: fc.nat(9999),
    cut: fc.nat(6),
    put: fc.constantFrom('', ...PIECES),
  }),
  { minLength: 1, maxLength: 12 },
);

describe('parsing only what changed', () => {
  it('gives the tree of a whole parse', () => {
    let kept = 0;
    let all = 0;
    fc.assert(
      fc.property(edits, fc.boolean(), (steps, windows) => {
        let content = windows ? TEXT.replaceAll('\n', '\r\n') : TEXT;
        let tree = parseYaml(content);
        for (const { at, cut, put } of steps) {
          const start = Math.floor((at / 10_000) * content.length);
          const next = content.slice(0, start) + put + content.slice(start + cut);
          const quick = reparseYaml({ content, tree }, changedTo(content, next));
          const whole = parseYaml(next);
          all++;
          if (quick !== null) {
            kept++;
            expect(shown(quick)).toEqual(shown(whole));
            expect(parentsHold(quick)).toBe(true);
          }

          // Broken texts are parsed whole; the walk goes on from the last good one.
          if (whole.problems.length > 0) {
            tree = parseYaml(content);
            continue;
          }

          content = next;
          tree = quick ?? whole;
        }
      }),
      {
        numRuns: 300,
        examples: [
          [
            // A comment left of the item that it stands in.
            [
              { at: 0, cut: 0, put: '---\n' },
              { at: 5878, cut: 3, put: '#' },
              { at: 6073, cut: 6, put: '' },
            ],
            false,
          ],
        ],
      },
    );
    expect(kept / all).toBeGreaterThan(0.02);
  });

  it('does so for letters typed into a long list', () => {
    const content = `names:\n${'  - /a/b/Conv\n'.repeat(500)}`;
    const tree = parseYaml(content);
    const at = content.indexOf('Conv', 3000);
    const next = `${content.slice(0, at)}x${content.slice(at)}`;
    expect(shown(reparseYaml({ content, tree }, changedTo(content, next))!)).toEqual(shown(parseYaml(next)));
  });
});

const words = fc.oneof(
  fc.stringMatching(/^[A-Za-z/][\w./-]{0,8}$/),
  fc.constantFrom('null', 'True', 'false', 'nan', 'yes', 'e1', 'x-', 'x.', '/', '--', '1', '.inf', 'a:b'),
  fc.string({ maxLength: 4 }),
);

describe('a line with a plain word', () => {
  it('has the tree of a whole parse', () => {
    let read = 0;
    const parts = fc.record({
      indent: fc.nat(6),
      head: fc.oneof(
        fc.constantFrom('- ', '-  ', '-', '- - ', 'a: b: '),
        words.map((key) => `${key}: `),
      ),
      word: words,
      tail: fc.constantFrom('', '\n', '\r\n', '  \n', ' # c\n', '\n\n', '\r', '\n  x\n'),
    });
    fc.assert(
      fc.property(parts, ({ indent, head, word, tail }) => {
        const text = `${' '.repeat(indent)}${head}${word}${tail}`;
        const tree = parsePlainLine(text);
        if (tree === null) return;
        read++;
        expect(shown(tree)).toEqual(shown(parseYaml(text)));
        expect(parentsHold(tree)).toBe(true);
      }),
      { numRuns: 5000 },
    );
    expect(read).toBeGreaterThan(200);
  });
});
