import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  countCombinations,
  expandMatrix,
  type QuantizationConfig,
  validateConfig,
  variantFileName,
  withSettings,
} from '../src/index.js';

const BASE: QuantizationConfig = { model: 'm.onnx', data: { calibration: { arrays: 'a.npy' } } };
const PRESET = 'quantization.preset';
const FIX = 'quantization.advanced_parameters.overflow_fix';
const SUBSET = 'quantization.subset_size';

const settingsOf = (matrix: Record<string, unknown>) =>
  expandMatrix({ ...BASE, matrix }).map(({ settings }) => settings);

describe('a matrix stands for', () => {
  it('the config itself where there is none', () => {
    expect(expandMatrix(BASE)).toEqual([{ name: '', settings: {}, config: BASE }]);
  });
  it('every combination of its lists, named by the ends of the paths', () => {
    const variants = expandMatrix({
      ...BASE,
      matrix: { [PRESET]: ['performance', 'mixed'], [FIX]: ['enable', 'disable'] },
    });
    expect(variants.map(({ name }) => name)).toEqual([
      'preset=performance, overflow_fix=enable',
      'preset=performance, overflow_fix=disable',
      'preset=mixed, overflow_fix=enable',
      'preset=mixed, overflow_fix=disable',
    ]);
    expect(variants[2]!.config).toEqual({
      ...BASE,
      quantization: { preset: 'mixed', advanced_parameters: { overflow_fix: 'enable' } },
    });
  });
  it('no combination that holds all values of an entry of exclude', () => {
    expect(
      settingsOf({
        [PRESET]: ['performance', 'mixed'],
        [FIX]: ['enable', 'disable'],
        exclude: [{ [PRESET]: 'mixed', [FIX]: 'enable' }, { [FIX]: 'nothing' }],
      }),
    ).toEqual([
      { [PRESET]: 'performance', [FIX]: 'enable' },
      { [PRESET]: 'performance', [FIX]: 'disable' },
      { [PRESET]: 'mixed', [FIX]: 'disable' },
    ]);
  });
  // As matrices of GitHub workflows do it: docs, "Expanding or adding matrix configurations".
  it('combinations with what include adds to those whose listed values it keeps, and others of their own', () => {
    const included = settingsOf({
      [PRESET]: ['performance', 'mixed'],
      [FIX]: ['enable', 'disable'],
      include: [
        { [SUBSET]: 10 },
        { [SUBSET]: 20, [FIX]: 'disable' },
        { [PRESET]: 'performance', model: 'other.onnx' },
        { [PRESET]: null },
        { [PRESET]: null, [FIX]: 'auto' },
      ],
    });
    expect(included).toEqual([
      { [PRESET]: 'performance', [FIX]: 'enable', [SUBSET]: 10, model: 'other.onnx' },
      { [PRESET]: 'performance', [FIX]: 'disable', [SUBSET]: 20, model: 'other.onnx' },
      { [PRESET]: 'mixed', [FIX]: 'enable', [SUBSET]: 10 },
      { [PRESET]: 'mixed', [FIX]: 'disable', [SUBSET]: 20 },
      { [PRESET]: null },
      { [PRESET]: null, [FIX]: 'auto' },
    ]);
  });
  it('what include alone lists', () => {
    expect(settingsOf({ include: [{ [PRESET]: 'mixed' }, { [SUBSET]: 5 }] })).toEqual([
      { [PRESET]: 'mixed' },
      { [SUBSET]: 5 },
    ]);
  });
  it('as many combinations as the lists multiply to, all of them different, with files of different names', () => {
    const values = fc.uniqueArray(fc.oneof(fc.integer({ min: 1, max: 99 }), fc.string({ maxLength: 80 })), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(fc.record({ [PRESET]: values, [FIX]: values, [SUBSET]: values }), (matrix) => {
        const variants = expandMatrix({ ...BASE, matrix });
        expect(variants).toHaveLength(countCombinations(matrix));
        const distinct = new Set(variants.map(({ settings }) => JSON.stringify(settings)));
        expect(distinct.size).toBe(variants.length);
        const hash = (text: string) => Buffer.from(text).toString('hex').slice(-8);
        const files = variants.map((variant) =>
          variantFileName(variant, hash(JSON.stringify(variant.settings))),
        );
        for (const file of files) expect(file).toMatch(/^[\w.=,-]{1,70}$/);
      }),
    );
  });
});

it('a setting replaces what stands at its place, and only that', () => {
  const config = withSettings(
    { ...BASE, quantization: { preset: 'mixed', ignored_scope: { names: ['a'] } } },
    { 'quantization.ignored_scope': { types: ['Conv'] }, [SUBSET]: 3 },
  );
  expect(config.quantization).toEqual({
    preset: 'mixed',
    ignored_scope: { types: ['Conv'] },
    subset_size: 3,
  });
});

describe('the schema says of a matrix', () => {
  const issuesOf = (matrix: unknown) =>
    validateConfig({ ...BASE, matrix }).map(({ path, keyword }) => `${path.join('/')} ${keyword}`);

  it.each([
    [{ [PRESET]: ['performance', null] }, []],
    [{ [PRESET]: ['fast'] }, [`matrix/${PRESET}/0 enum`]],
    [{ [SUBSET]: [3, 'many'] }, [`matrix/${SUBSET}/1 type`]],
    [{ [SUBSET]: 3 }, [`matrix/${SUBSET} type`]],
    [{ [SUBSET]: [] }, [`matrix/${SUBSET} minItems`]],
    [{ 'quantization.prest': ['mixed'] }, ['matrix additionalProperties']],
    [{ output: ['a.onnx'] }, ['matrix additionalProperties']],
    [{ constructor: ['a'] }, ['matrix additionalProperties']],
    [
      { 'quantization.ignored_scope': [{ nmes: [] }] },
      ['matrix/quantization.ignored_scope/0 additionalProperties'],
    ],
    [{ exclude: [{ [PRESET]: 'fast' }] }, [`matrix/exclude/0/${PRESET} enum`]],
    [{ include: [{}, 1] }, ['matrix/include/0 minProperties', 'matrix/include/1 type']],
    [{}, ['matrix minProperties']],
    [[], ['matrix type']],
  ])('%j: %j', (matrix, issues) => {
    expect(issuesOf(matrix)).toEqual(issues);
  });
});
