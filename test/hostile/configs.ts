import type { Random } from './random.js';

const VALUES = [
  ...[
    'null',
    '1',
    '-1',
    '1e400',
    '.inf',
    '~',
    'yes',
    '"',
    "'",
    '[',
    '{',
    '*a',
    '&a [*a]',
    '!!binary x',
    '|',
    '>-',
  ],
  ...[
    'x.onnx',
    '/dev/zero',
    '/proc',
    '../..',
    '"\\u0000"',
    '{__proto__: 1}',
    '[1, [2, [3]]]',
    '(a+)+$',
    '"(a*)*b"',
  ],
  ...['"\\e[31m"', '"a\\nb: c"', '0x10', '1_000', '2026-01-01', 'constructor', 'm.onnx', '<<: *a', '? a'],
];
const KEYS = [
  ...[
    'model',
    'output',
    'data',
    'calibration',
    'validation',
    'images',
    'arrays',
    'labels',
    'preprocess',
    'extends',
  ],
  ...[
    'quantization',
    'ignored_scope',
    'names',
    'patterns',
    'types',
    'subgraphs',
    'advanced_parameters',
    'preset',
  ],
  ...[
    'accuracy_control',
    'metric',
    'max_drop',
    '__proto__',
    'constructor',
    '<<',
    '"',
    'a: b',
    '\t',
    'history',
  ],
];
/** Valid beside a model that takes images of 3×8×8: see `goodData`. */
const GOOD = `model: m.onnx
data:
  calibration: {arrays: x.npy, preprocess: &p {scale: 1}}
  validation:
    arrays: x.npy
    labels: y.npy
    preprocess: *p
quantization:
  preset: mixed
  ignored_scope: {patterns: ["c.*"], names: [c_node], types: [Conv]}
  advanced_parameters: {overflow_fix: auto}
accuracy_control: {metric: top1, max_drop: 0.01}
`;

function hostileText(random: Random): string {
  const lines = GOOD.split('\n');
  for (let count = 1 + random.below(5); count > 0; count--) {
    const line = random.below(lines.length);
    const indent = ' '.repeat(random.below(6));
    const changes = [
      () => (lines[line] = `${indent}${random.pick(KEYS)}: ${random.pick(VALUES)}`),
      () => (lines[line] = lines[line]!.replace(/:.*/, `: ${random.pick(VALUES)}`)),
      () => lines.splice(line, 1),
      () => lines.splice(line, 0, `${indent}- ${random.pick(VALUES)}`),
      () => (lines[line] = lines[line]!.slice(random.below(8))),
      () => lines.push(`${random.pick(KEYS)}: ${'['.repeat(random.below(2000))}`),
    ];
    random.pick(changes)();
  }

  return lines.join('\n');
}

/** What may be said of GOOD's keys without making it invalid: the damage is in what lies behind. */
const ODD_LINES = [
  ['patterns: ["c.*"]', 'patterns: ["(a*)*b", "\\\\u{1F600}", ".*"]'],
  ['names: [c_node]', 'names: [constructor, __proto__, "\\e[2J", "a\\nb", ""]'],
  ['types: [Conv]', 'types: [constructor, toString, Conv]'],
  ['preset: mixed', 'preset: performance'],
  ['overflow_fix: auto', 'overflow_fix: enable'],
  ['metric: top1', 'metric: ./constructor.mjs'],
  ['arrays: x.npy', 'images: .'],
  ['arrays: x.npy', 'arrays: "x\\e[31m.npz"'],
  ['max_drop: 0.01', 'max_drop: 1e-300'],
  ['model: m.onnx', 'model: ./m.onnx # 🙂'],
] as const;

function oddText(random: Random): string {
  let text = GOOD;
  for (let count = 1 + random.below(4); count > 0; count--) {
    const [good, odd] = random.pick(ODD_LINES);
    text = text.replace(good, odd);
  }

  return text;
}

const hostileJson = (random: Random) =>
  hostileText(random)
    .split('\n')
    .map((line) => line.replace(/^(\s*)([\w]+):/, '$1"$2":'))
    .join(random.pick([',\n', '\n', ',']));

/** A hostile config as a file's ending and text: YAML, or JSON now and then. */
export function hostileConfig(random: Random): { readonly ending: 'json' | 'yaml'; readonly text: string } {
  const isJson = random.chance(0.25);
  const yaml = random.chance(0.5) ? oddText : hostileText;
  return isJson
    ? { ending: 'json', text: `{${hostileJson(random)}}` }
    : { ending: 'yaml', text: yaml(random) };
}
