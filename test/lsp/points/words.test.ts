import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { npyBytes, npyHeader } from '../../kit/npy.js';
import { startPoints, type PointSession } from './session.js';

// What is said, and once (docs/features.md, 11 and 12): a text, and all findings of it.

const HEAD = 'model: m.onnx\ndata: {calibration: {arrays: a.npy}}\n';

let session: PointSession;
beforeAll(async () => {
  session = await startPoints();
  session.write('a.npy', npyBytes(npyHeader('<f4', [2, 3, 32, 32]), new Uint8Array(4 * 2 * 3 * 32 * 32)));
  session.write('base.quant.yaml', `${HEAD}quantization: {presett: mixed}\n`);
  session.write('images/a.png');
});
afterAll(() => session.stop());

describe('one finding for one cause, with a fix', () => {
  it.each([
    [
      'tabs',
      'model: m.onnx\ndata:\n\tcalibration:\n\t\tarrays: a.npy\n',
      'syntax 3: YAML is indented by spaces; this line has a tab.',
      'Replace tabs with spaces',
    ],
    [
      'a missing space',
      'model:m.onnx\ndata: {calibration: {arrays: a.npy}}\n',
      'syntax 1: A space is missing after "model:".',
      'Insert a space',
    ],
    [
      'a backslash in double quotes',
      `${HEAD}quantization:\n  ignored_scope:\n    patterns: ["Conv_\\d"]\n`,
      'syntax 5: In double quotes a backslash starts an escape: write the text in single quotes.',
      'Use single quotes',
    ],
    [
      'an empty section',
      `${HEAD}quantization:\n`,
      'wrong-type 3: "quantization" is empty: give it keys, or leave it out.',
      'Remove quantization',
    ],
    [
      'an empty required section',
      'model: m.onnx\ndata:\n  calibration:\n',
      'wrong-type 3: "data.calibration" is empty: give it keys, or leave it out.',
      'Begin calibration',
    ],
    [
      'an open bracket',
      `${HEAD}quantization: {ignored_scope: {names: [Conv_0\naccuracy_control: {metric: sqnr}\n`,
      'syntax 3: This { has no }.',
      'Insert ]}}',
    ],
    [
      'three sizes',
      'model: m.onnx\ndata: {calibration: {arrays: a.npy, preprocess: {center_crop: [32, 32, 3]}}}\n',
      'out-of-range 2: "data.calibration.preprocess.center_crop" must be a number or [height, width].',
      'Change to [32, 32]',
    ],
    [
      'letters that changed places',
      'modle: m.onnx\ndata: {calibration: {arrays: a.npy}}\n',
      'unknown-key 1: Unknown key "modle" in the config. Did you mean "model"?',
      'Change to model',
    ],
    [
      'letters that changed places, again',
      'model: m.onnx\ndtaa: {calibration: {arrays: a.npy}}\n',
      'unknown-key 2: Unknown key "dtaa" in the config. Did you mean "data"?',
      'Change to data',
    ],
    [
      'a value whose letters changed places',
      `${HEAD}quantization: {preset: mxied}\n`,
      'unknown-value 3: "quantization.preset" cannot be mxied. Did you mean mixed?',
      'Change to mixed',
    ],
    [
      'an exponent',
      `${HEAD}accuracy_control: {metric: sqnr, max_drop: null, target: 1e1}\n`,
      'yaml-version 3: YAML 1.1 readers take 1e1 for a text; here it is the number 10.',
      'Change to 10',
    ],
    [
      'digits in groups',
      `${HEAD}quantization: {subset_size: 1_000}\n`,
      'wrong-type 3: "quantization.subset_size" must be an integer, written without separators.',
      'Change to 1000',
    ],
    [
      'a date',
      `${HEAD}output: 2026-01-02\n`,
      'yaml-version 3: YAML 1.1 readers take 2026-01-02 for a date; here it is a text.',
      'Change to "2026-01-02"',
    ],
    [
      'a bracket too many',
      `${HEAD}quantization: {preset: mixed}}\n`,
      'syntax 3: This } closes nothing.',
      'Remove }',
    ],
    [
      'a character that YAML keeps for itself',
      `${HEAD}output: @out.onnx\n`,
      'syntax 3: A text that starts with @ needs quotes.',
      'Put it in quotes',
    ],
    [
      'a line that is indented less than the one above',
      `${HEAD}quantization:\n   preset: mixed\n  subset_size: 3\n`,
      'syntax 5: This line is indented by 2 spaces, the key above by 3: keys of one mapping must be aligned.',
      'Indent by 3 spaces',
    ],
    [
      'such a line behind a blank one and a comment',
      `${HEAD}quantization:\n    preset: mixed\n\n    # size\n  subset_size: 2\n`,
      'syntax 7: This line is indented by 2 spaces, the key above by 4: keys of one mapping must be aligned.',
      'Indent by 4 spaces',
    ],
    [
      'an item that is indented less than the one above',
      `${HEAD}quantization:\n  ignored_scope:\n    names:\n    - Conv_0\n   - Conv_2\n`,
      'syntax 7: This item is indented by 3 spaces, the one above by 4: items of one list must be aligned.',
      'Indent by 4 spaces',
    ],
    [
      'an item right behind its dash',
      `${HEAD}quantization:\n  ignored_scope:\n    names:\n    -Conv_0\n`,
      'syntax 6: A space is missing after the dash of a list item.',
      'Insert a space',
    ],
    [
      'a colon in a text',
      `${HEAD}output: out: put.onnx\n`,
      'syntax 3: A text with a colon and a space in it needs quotes.',
      'Put it in quotes',
    ],
    [
      'a mapping behind its key',
      `${HEAD}quantization: preset: mixed\n`,
      'syntax 3: A mapping behind its key needs braces.',
      'Put it in braces',
    ],
    [
      'a unit behind a number',
      `${HEAD}quantization: {subset_size: 2 samples}\n`,
      'wrong-type 3: "quantization.subset_size" must be an integer.',
      'Change to 2',
    ],
    [
      'an extension left out',
      'model: m\ndata: {calibration: {arrays: a.npy}}\n',
      'model-missing 1: The model "m" does not exist. Did you mean "m.onnx"?',
      'Change to m.onnx',
    ],
    [
      'a quote that nothing closes',
      `${HEAD}output: "out.onnx\n`,
      'syntax 3: This " has no closing ".',
      'Insert "',
    ],
    [
      'an apostrophe in single quotes',
      `${HEAD}output: 'it's.onnx'\n`,
      'syntax 3: A single quote ends this text: inside it, write it twice.',
      'Double the quote',
    ],
    [
      'quotes in double quotes',
      `${HEAD}output: "the "new".onnx"\n`,
      'syntax 3: A double quote ends this text: inside it, write a backslash before it.',
      'Escape the quote',
    ],
    [
      'the fences of Markdown',
      `\`\`\`yaml\n${HEAD}\`\`\`\n`,
      'syntax 1: This line is Markdown, not YAML.',
      'Remove these lines',
    ],
    [
      'a key without a colon, alone in its section',
      `${HEAD}quantization:\n  preset mixed\n`,
      'wrong-type 4: A colon is missing after "preset".',
      'Insert a colon',
    ],
    [
      'an equals sign, alone in its section',
      `${HEAD}quantization:\n  preset = mixed\n`,
      'wrong-type 4: A colon is missing after "preset".',
      'Insert a colon',
    ],
    [
      'a switch for a name',
      `${HEAD}quantization: {advanced_parameters: {overflow_fix: false}}\n`,
      'wrong-type 3: "quantization.advanced_parameters.overflow_fix" must be a string.',
      'Change to disable',
    ],
    [
      'two sizes in one text',
      'model: m.onnx\ndata: {calibration: {arrays: a.npy, preprocess: {center_crop: 32x32}}}\n',
      'wrong-type 2: "data.calibration.preprocess.center_crop" must be an integer or a list or null.',
      'Change to [32, 32]',
    ],
    [
      'zeros in front',
      `${HEAD}quantization: {subset_size: "002"}\n`,
      'wrong-type 3: "quantization.subset_size" must be an integer.',
      'Change to 2',
    ],
    [
      'a list of one where a value belongs',
      `${HEAD}quantization: {target_device: [CPU]}\n`,
      'wrong-type 3: "quantization.target_device" must be a string.',
      'Change to CPU',
    ],
  ])('%s', async (_, text, finding, title) => {
    const config = await session.open(text);
    // That accuracy is measured on calibration data is another matter.
    expect((await config.found()).filter((line) => !line.startsWith('validation-missing'))).toEqual([
      finding,
    ]);
    expect((await config.actions({ only: ['quickfix'] })).map((action) => action.title)).toContain(title);
  });

  it.each([
    [
      "{'model': 'm.onnx', 'data': {'calibration': {'arrays': 'a.npy'}}}",
      'syntax 1: JSON strings need double quotes.',
    ],
    [
      '{"model": "m.onnx", "data": {"calibration": {"arrays": "a.npy"}}, "history": True, "output": None}',
      'syntax 1: JSON writes true for True.',
    ],
    [
      '{"model": "m.onnx", "data": {"calibration": {"arrays": "a.npy", "limit": 02}}}',
      'syntax 1: JSON writes 2 for 02, and has no octal numbers.',
    ],
    ['{model: "m.onnx"}', 'syntax 1: JSON keys need double quotes.'],
    ['{"model": “m.onnx”}', 'syntax 1: JSON strings need double quotes.'],
    ['# mine\n{"model": "m.onnx"}', 'syntax 1: JSON comments start with //.'],
    ['{"model": "C:\\data\\m.onnx"}', 'syntax 1: A backslash starts an escape: write two for one.'],
    ['{"model": "m.onnx",,}', 'syntax 1: A value is missing between these commas.'],
    ['{"model": "m.onnx"', 'syntax 1: This { has no }.'],
    ['{"model" = "m.onnx"}', 'syntax 1: JSON has a colon between a key and its value.'],
    ['{"quantization": {"subset_size": 0x10}}', 'syntax 1: JSON writes 16 for 0x10.'],
    ['{"quantization": {"subset_size": 0o17}}', 'syntax 1: JSON writes 15 for 0o17.'],
    ['{"model": models/m.onnx}', 'syntax 1: JSON strings need double quotes.'],
    ['{"model": "m.onnx"; "history": false}', 'syntax 1: JSON separates entries with commas.'],
    ['{"model": "m.onnx}', 'syntax 1: This string has no closing double quote.'],
    ['{"model": "m.onnx" /* mine', 'syntax 1: This comment has no */ at its end.'],
    [
      '{"model": "m.onnx", ...}',
      'syntax 1: This is not JSON: strings need double quotes, and entries need commas between them.',
    ],
    ['model: m.onnx\nhistory: false\n', 'syntax 1: This config is written in YAML, and its name says JSON.'],
    ['', 'missing-key 1: The config is empty; it needs at least model and data.'],
  ])('of JSON: %s', async (text, finding) => {
    expect(await (await session.open(text, `w${text.length}.quant.json`)).found()).toEqual([finding]);
  });
});

it('a merge conflict is called that, and only a person can mend it', async () => {
  const config = await session.open(`<<<<<<< HEAD\n${HEAD}=======\nmodel: n.onnx\n>>>>>>> other\n`);
  expect(await config.found()).toEqual([
    'syntax 1: A merge conflict starts here: keep one of its two versions.',
  ]);
  expect(await config.actions({ only: ['quickfix', 'source.fixAll'] })).toEqual([]);
});

it('a name that ends with a line break is told on one line', async () => {
  const config = await session.open(
    `${HEAD}quantization:\n  ignored_scope:\n    names:\n      - >\n        Conv_1\n`,
  );
  expect(await config.found()).toEqual([
    'unknown-node 6: The model has no node "Conv_1\\n". Did you mean "Conv_0"?',
  ]);
});

it('YAML in a file of JSON is written as JSON, comments too', async () => {
  const config = await session.open('# mine\nmodel: m.onnx # float\nhistory: no\n', 'yaml.quant.json');
  expect(await config.after('Write it as JSON')).toBe(
    '// mine\n{\n  "model": "m.onnx", // float\n  "history": "no"\n}\n',
  );
});

it.each([
  ['quantization: [1]\n', 'wrong-type 3: "quantization" must be a mapping.'],
  [
    'quantization: {ignored_scope: {names: {a: 1}}}\n',
    'wrong-type 3: "quantization.ignored_scope.names" must be a list.',
  ],
  ['quantization: {subset_size: many}\n', 'wrong-type 3: "quantization.subset_size" must be an integer.'],
  [
    'quantization: {overflow_fix: disable}\n',
    'unknown-key 3: Unknown key "overflow_fix" in "quantization". It belongs under "quantization.advanced_parameters".',
  ],
  [
    "quantization: {ignored_scope: {patterns: ['(?!Conv)R']}}\n",
    'pattern-invalid 3: "(?!Conv)R" is not a valid regular expression: look-aheads are not supported; list what is to match in several patterns, or by its names.',
  ],
  [
    "quantization: {ignored_scope: {patterns: ['(C)\\1']}}\n",
    'pattern-invalid 3: "(C)\\1" is not a valid regular expression: references to groups are not supported; list what is to match in several patterns, or by its names.',
  ],
])('plain words: %j', async (text, finding) => {
  expect(await (await session.open(HEAD + text)).found()).toEqual([finding]);
});

it.each([
  ['model', '~/m.onnx', /"~" is not expanded/],
  ['model', '$HOME/m.onnx', /Environment variables are not expanded/],
  ['model', 'https://example.org/m.onnx', /URLs are not fetched/],
  ['images', 'images/*.png', /Wildcards are not expanded/],
  ['extends', '~/base.yaml', /"~" is not expanded/],
])('%s: %s is not what a shell makes of it', async (key, path, message) => {
  const text = {
    model: `model: ${path}\ndata: {calibration: {arrays: a.npy}}\n`,
    images: `model: m.onnx\ndata: {calibration: {images: "${path}"}}\n`,
    extends: `extends: ${path}\n`,
  }[key];
  if (text === undefined) throw new Error(key);
  const config = await session.open(text);
  expect(await config.found()).toEqual([expect.stringMatching(message)]);
  if (key === 'images')
    expect(await config.after('Change to images')).toBe(
      'model: m.onnx\ndata: {calibration: {images: "images"}}\n',
    );
});

it.each([
  ['model: [\n', 'extends-invalid 1: base9.yaml cannot be read: This [ has no ].'],
  [
    'modle: m.onnx\n',
    'extends-invalid 1: In base14.yaml: Unknown key "modle" in the config. Did you mean "model"?',
  ],
])('of a base, its fault alone is told: %j', async (text, finding) => {
  const base = `base${text.length}.yaml`;
  session.write(base, text);
  expect(await (await session.open(`extends: ${base}\n`)).found()).toEqual([finding]);
});

it('of a base that is a list, that alone is told', async () => {
  expect(await (await session.open('extends: [base.quant.yaml]\n')).found()).toEqual([
    'wrong-type 1: "extends" must be a string.',
  ]);
});

it('what is wrong in a base is told with the place there', async () => {
  const [finding] = await (await session.open('extends: base.quant.yaml\n')).diagnostics();
  expect(finding).toMatchObject({
    code: 'extends-invalid',
    relatedInformation: [
      {
        location: { uri: session.uriOf('base.quant.yaml'), range: { start: { line: 2, character: 15 } } },
        message: expect.stringContaining('presett'),
      },
    ],
  });
});

it('units are the same everywhere: a fraction in the config, percent in words', async () => {
  const config = await session.open(`${HEAD}accuracy_control: {metric: top1, max_‸drop: 1, target: 98}\n`);
  const found = (await config.found()).filter((line) => line.startsWith('out-of-range'));
  expect(found).toEqual([
    'out-of-range 3: top1 is a fraction between 0 and 1: a drop of 1 allows any loss. One point is 0.01.',
    'out-of-range 3: top1 is a fraction between 0 and 1: no model reaches 98. One percent is 0.01.',
  ]);
  expect(await config.hover()).toMatch(/0\.01 is one point/);
});
