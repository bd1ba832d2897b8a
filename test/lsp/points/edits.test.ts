import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { npyBytes, npyHeader } from '../../kit/npy.js';
import { startPoints, type PointSession } from './session.js';

// Fixes and formatting (docs/features.md, 6, 7 and 14): the text before, the action, and the text after.

const HEAD = 'model: m.onnx\ndata: {calibration: {arrays: a.npy}}\n';
const FIX_ALL = 'Fix all auto-fixable problems';

let session: PointSession;
beforeAll(async () => {
  session = await startPoints();
  session.write('a.npy', npyBytes(npyHeader('<f4', [2, 3, 32, 32]), new Uint8Array(4 * 2 * 3 * 32 * 32)));
});
afterAll(() => session.stop());

describe('fixing all at once', () => {
  it.each([
    ['spelling', 'quantization: {preset: mixd}\n', 'quantization: {preset: mixed}\n'],
    ['case', 'quantization: {target_device: cpu}\n', 'quantization: {target_device: CPU}\n'],
    ['quotes', 'quantization: {subset_size: "2"}\n', 'quantization: {subset_size: 2}\n'],
    [
      'a boolean',
      'quantization: {fast_bias_correction: no}\n',
      'quantization: {fast_bias_correction: false}\n',
    ],
    ['notation', 'history: on\noutput: 12:30\n', 'history: true\noutput: "12:30"\n'],
    [
      'an enumeration',
      'quantization: {preset: QuantizationPreset.MIXED}\n',
      'quantization: {preset: mixed}\n',
    ],
  ])('writes %s', async (_, before, after) => {
    const config = await session.open(HEAD + before);
    expect(await config.after(FIX_ALL)).toBe(HEAD + after);
  });

  it.each([
    ['a number out of range', 'quantization:\n  overrides:\n    - {names: [Conv_0], num_bits: 160}\n'],
    ['more samples than there are', 'quantization: {subset_size: 300}\n'],
    [
      'a setting without effect',
      'quantization:\n  advanced_parameters:\n    backend_params: {target_isa: avx2} # ours\n',
    ],
    [
      'a list with comments',
      'quantization:\n  ignored_scope:\n    names: # keep\n      - Conv_0 # first\n      - Conv_0\n',
    ],
    ['a pattern with a look-ahead', "quantization:\n  ignored_scope:\n    patterns: ['(?=Conv)C']\n"],
    ['a key of another tool', 'nodes_to_exclude: [Conv_0]\n'],
    ['a text that may be a list', 'quantization: {ignored_scope: {names: "Conv_0, Conv_2"}}\n'],
    ['a list that may be a value', 'quantization: {target_device: [CPU]}\n'],
    ['anything while the syntax is wrong', 'quantization: {preset: mixd, target_device: cpu\n'],
  ])('leaves %s', async (_, text) => {
    const config = await session.open(HEAD + text);
    expect((await config.actions({ only: ['source.fixAll'] })).map(({ title }) => title)).toEqual([]);
  });
});

describe('a fix', () => {
  it.each([
    [
      'quantization:\n  preset: |\n    mixd\n  subset_size: 2\n',
      'Change to mixed',
      'quantization:\n  preset: mixed\n  subset_size: 2\n',
    ],
    ['quantization:\n  preset: >-\n    mixd\n', 'Change to mixed', 'quantization:\n  preset: mixed\n'],
    ['quantization: {presett: mixed, foo: 1}\n', 'Remove foo', 'quantization: {presett: mixed}\n'],
    ['quantization: {foo: 1, preset: mixed}\n', 'Remove foo', 'quantization: {preset: mixed}\n'],
    [
      'maximal_drop: 0.02 # two points\n',
      'Move maximal_drop to accuracy_control.max_drop',
      'accuracy_control:\n  max_drop: 0.02 # two points\n',
    ],
    [
      'nodes_to_exclude: [Conv_0, Conv_2]\n',
      'Move nodes_to_exclude to quantization.ignored_scope.names',
      'quantization:\n  ignored_scope:\n    names:\n      - Conv_0\n      - Conv_2\n',
    ],
    [
      'quantization: {ignored_scope: {names: [.5]}}\n',
      'Change to ".5"',
      'quantization: {ignored_scope: {names: [".5"]}}\n',
    ],
    ['quantization: {ignored_scope: {names: [Conv_0, Conv_2}}\n', 'Insert ]', null],
    [
      'quantization:\n  ignored_scope:\n    names: Conv_0, Conv_2\n',
      'Make it a list',
      'quantization:\n  ignored_scope:\n    names: [Conv_0, Conv_2]\n',
    ],
    [
      'quantization: {ignored_scope: {names: "[Conv_0, Conv_2]"}}\n',
      'Make it a list',
      'quantization: {ignored_scope: {names: [Conv_0, Conv_2]}}\n',
    ],
    [
      'quantization:\n  ignored_scope:\n    names: [Conv_0, Conv_2 # two\n  preset: mixed\n',
      'Insert ]',
      'quantization:\n  ignored_scope:\n    names: [Conv_0, Conv_2] # two\n  preset: mixed\n',
    ],
    ['accuracy_control: {max_drop: 1e-3}\n', 'Change to 0.001', 'accuracy_control: {max_drop: 0.001}\n'],
    ['quantization: {subset_size: 1_000}\n', 'Change to 1000', 'quantization: {subset_size: 1000}\n'],
  ])('of %j: %s', async (before, title, after) => {
    const config = await session.open(HEAD + before);
    if (after === null) await expect(config.after(title)).rejects.toThrow('No such action');
    else expect(await config.after(title)).toBe(HEAD + after);
  });

  it.each([
    [
      '---\nmodle: m.onnx\ndata: {calibration: {arrays: a.npy}}\n...\n',
      'Change to model',
      '---\nmodel: m.onnx\ndata: {calibration: {arrays: a.npy}}\n...\n',
    ],
    ['---\n', 'Add model', '---\nmodel: ""\n'],
    ['{model: m.onnx}\n', 'Add data', '{model: m.onnx, data: {calibration: {}}}\n'],
    [
      '? modle\n: m.onnx\ndata: {calibration: {arrays: a.npy}}\n',
      'Change to model',
      '? model\n: m.onnx\ndata: {calibration: {arrays: a.npy}}\n',
    ],
  ])('of the whole text %j: %s', async (before, title, after) => {
    expect(await (await session.open(before)).after(title)).toBe(after);
  });

  it.each([
    ['"limit": 010', 'Change to 10', '"limit": 10'],
    ['"limit": 1_000', 'Change to 1000', '"limit": 1000'],
    ['"preprocess": {"scale": .5}', 'Change to 0.5', '"preprocess": {"scale": 0.5}'],
    ['"limit": None', 'Change to null', '"limit": null'],
    ["'limit': 3", 'Change to "limit"', '"limit": 3'],
  ])('of JSON %s: %s', async (before, title, after) => {
    const around = (text: string) =>
      `{"model": "m.onnx", "data": {"calibration": {"arrays": "a.npy", ${text}}}}`;
    const config = await session.open(around(before), `${title.length}${before.length}.quant.json`);
    expect(await config.found()).toEqual([expect.stringMatching(/^syntax 1: JSON /)]);
    expect(await config.after(title)).toBe(around(after));
  });
});

describe('formatting', () => {
  const TEXT =
    '# a config\nmodel:   m.onnx   \ndata:\n    calibration: &c   {arrays: a.npy}   # kept\n\n\n\n    validation:   *c\nquantization:\n        preset: mixed\n';

  it('of a document keeps comments, anchors and flow style, and does nothing the second time', async () => {
    const config = await session.open(TEXT);
    const options = { tabSize: 2, insertSpaces: true };
    const after = await config.edited('formatting', { options });
    expect(after).toBe(
      '# a config\nmodel: m.onnx\ndata:\n  calibration: &c   {arrays: a.npy}   # kept\n\n  validation: *c\nquantization:\n  preset: mixed\n',
    );
    expect(await (await session.open(after)).edited('formatting', { options })).toBe(after);
  });

  it('of a range changes the sections that it touches', async () => {
    const config = await session.open(TEXT);
    const range = { start: { line: 9, character: 0 }, end: { line: 9, character: 1 } };
    const after = await config.edited('rangeFormatting', {
      range,
      options: { tabSize: 2, insertSpaces: true },
    });
    expect(after).toBe(TEXT.replace('        preset', '  preset'));
  });
});
