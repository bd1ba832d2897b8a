import type { ModelProto } from '@quantsmith/model/onnx';
import { checkConfigFile } from '@quantsmith/server';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Outcome, watched } from './attempt.js';
import { hostileModel } from './onnx.js';
import { randomOf, type Random } from './random.js';

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
const GOOD = `model: m.onnx
data:
  calibration: &c
    arrays: x.npy
  validation: *c
quantization:
  preset: mixed
  ignored_scope: {patterns: ["a+"], names: [c], types: [Conv]}
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
  ['patterns: ["a+"]', 'patterns: ["(a*)*b", "\\\\u{1F600}", ".*"]'],
  ['names: [c]', 'names: [constructor, __proto__, "\\e[2J", "a\\nb", ""]'],
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

/** One hostile config, with a hostile model behind it, through `check` in this process. */
export async function throughCheck(
  seed: number,
  folder: string,
  seeds: readonly ModelProto[],
): Promise<Outcome> {
  const random = randomOf(seed);
  const isJson = random.chance(0.25);
  const yaml = random.chance(0.5) ? oddText : hostileText;
  const text = isJson ? `{${hostileJson(random)}}` : yaml(random);
  const model = hostileModel(random, seeds);
  const path = join(folder, isJson ? 'case.quant.json' : 'case.quant.yaml');
  writeFileSync(join(folder, 'm.onnx'), model);
  writeFileSync(path, text);
  const outcome = await watched(text.length + model.length, async (attempt) => {
    await attempt('checked', async () => {
      const { config, findings } = await checkConfigFile(path);
      if (config !== null) await attempt('valid', () => undefined);
      if (findings.some(({ code }) => code === 'model-unreadable'))
        await attempt('model refused', () => undefined);
    });
  });
  rmSync(path);
  return outcome;
}
