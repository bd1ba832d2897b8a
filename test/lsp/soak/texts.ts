import { seededRandom } from '@quantsmith/schemas';

/** Numbers that are the same for the same seed. */
export type Random = (below: number) => number;

export function randoms(seed: number): Random {
  const next = seededRandom(seed);
  return (below) => Math.floor(next() * below);
}

/** Nine levels of nine aliases: 400 million values, if anybody expanded them. */
const BOMB = `${Array.from(
  { length: 9 },
  (_, level) =>
    `bomb${level}: &bomb${level} [${
      level === 0
        ? Array(9).fill('lol').join(', ')
        : Array(9)
            .fill(`*bomb${level - 1}`)
            .join(', ')
    }]\n`,
).join('')}merged:\n  <<: [*bomb8, *bomb7]\n`;

const CONFLICT = `<<<<<<< HEAD
  preset: mixed
=======
  preset: performance
  target_device: CPU
>>>>>>> other
`;

/** What is typed, pasted, and left half done. */
const PIECES = [
  ...Array.from('abcxyz019 -:#"\'{}[],.|>&*!?\t%@`~$^()\\/'),
  ...[
    '\n',
    '\r\n',
    '\n\n',
    '\n  ',
    '\n    - ',
    '  ',
    ': ',
    '- ',
    ' # ',
    '\t',
    '\u0000',
    '\uFEFF',
    '😀',
    '\u2028',
    '\u0085',
    '\r',
    '\uD83D',
    '\uDE00',
  ],
  ...[
    '---\n',
    '...\n',
    '%YAML 1.1\n',
    '? ',
    '!!binary ',
    '<<: *digits\n',
    '&a ',
    '*a',
    '|\n',
    '>-\n',
    '"\\u',
  ],
  ...['model: ', 'preset: mixed\n', 'num_bits: 4', 'true', 'null', '.nan', '1e999', '0x', '12:30', 'yes'],
  ...['# quantsmith-disable\n', '/*', '*/', '//', '{"a": [1, {"b": null}]}', '[[[[[[[[', '{{{{{{{{'],
  ...['names:\n    - /a\n    - /b\n', 'extends: other.quant.yaml\n', 'model: 5\nmodel: 6\n', CONFLICT, BOMB],
];

/** A change of a text, as an editor tells it: what is replaced, in offsets, and by what. */
export interface Change {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Most changes are a letter or two; some move, double or cut lines, or paste a whole block. */
export function changeOf(text: string, random: Random): Change {
  const at = random(text.length + 1);
  const lineStart = text.lastIndexOf('\n', at - 1) + 1;
  const lineEnd = text.indexOf('\n', at) === -1 ? text.length : text.indexOf('\n', at) + 1;
  switch (random(12)) {
    case 0:
      return { start: at, end: Math.min(text.length, at + random(40)), text: '' };
    case 1:
      return { start: lineStart, end: lineEnd, text: '' };
    case 2:
      return { start: lineEnd, end: lineEnd, text: text.slice(lineStart, lineEnd) };
    case 3:
      return { start: lineStart, end: lineStart, text: ['  ', '\t', ' ', '- ', '# '][random(5)]! };
    case 4:
    case 5:
      return { start: Math.max(0, at - 1), end: at, text: '' };
    default:
      return { start: at, end: at, text: PIECES[random(PIECES.length)]! };
  }
}

/** The configs that are edited, each in all its notations. */
export function startingTexts(digits: string): { name: string; language: string; text: string }[] {
  const long = Array.from({ length: 300 }, (_, i) => `      - /features/features.${i}/Conv\n`).join('');
  const scoped = `${digits}\n# many\nquantisation:\n  ignored_scope:\n    names:\n${long}`;
  const json = `{\n  // digits\n  "model": "digits.onnx",\n  "data": {"calibration": {"arrays": "data/calibration.npy"}},\n  "quantization": {\n    "preset": "mixed",\n    "ignored_scope": {"names": ["/a", "/b"],},\n  }\n}\n`;
  return [
    { name: 'digits.quant.yaml', language: 'quant-yaml', text: digits },
    { name: 'windows.quant.yaml', language: 'quant-yaml', text: digits.replaceAll('\n', '\r\n') },
    { name: 'tabs.quant.yaml', language: 'quant-yaml', text: digits.replaceAll('    ', '\t') },
    { name: 'long.quant.yaml', language: 'quant-yaml', text: scoped },
    { name: 'bomb.quant.yaml', language: 'quant-yaml', text: `${digits}${BOMB}` },
    {
      name: 'conflict.quant.yaml',
      language: 'quant-yaml',
      text: digits.replace('  preset: performance\n', CONFLICT),
    },
    { name: 'digits.quant.json', language: 'quant-json', text: json },
    { name: 'windows.quant.json', language: 'quant-json', text: json.replaceAll('\n', '\r\n') },
  ];
}
