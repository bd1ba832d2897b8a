import {
  below,
  combineChanges,
  fail,
  REMEDIES,
  schemaAt,
  writtenPath,
  type ConfigPath,
  type DottedPath,
  type QuantizationChange,
  type QuantizationSetting,
} from '@quantsmith/schemas';
import configSchema from '../../schemas/quantization-config.schema.json' with { type: 'json' };
import { describe, expect, it } from 'vitest';
import { removeKey, setValue } from '../src/document/edit.js';
import { findEntry } from '../src/document/tree.js';
import type { Finding } from '../src/findings/finding.js';
import { config } from '../../test/kit/configs.js';

/** Each `@ts-expect-error` fails the type check when the misspelt path below it compiles. */
describe('a misspelt path of the config does not compile', () => {
  const document = config('quantization:\n  preset: mixed\n');

  it('where a rule looks, edits and reports', () => {
    // @ts-expect-error misspelt: presett
    expect(findEntry(document.tree, ['quantization', 'presett'])).toBeUndefined();
    // @ts-expect-error misspelt: quantisation
    expect(removeKey(document, ['quantisation'])).toBeNull();
    // @ts-expect-error misspelt: a key below one that has none
    setValue(document, ['quantization', 'preset', 'name'], 'mixed');
    const advanced = ['quantization', 'advanced_parameters'] as const;
    // @ts-expect-error misspelt: overflow_fixes, put together
    const built: ConfigPath = [...advanced, 'overflow_fixes'];
    const span = { start: 0, end: 1 };
    const finding: Finding = {
      ...{ code: 'dead-setting', severity: 'warning', message: '', ...span },
      // @ts-expect-error misspelt: acuracy_control
      path: ['acuracy_control', 'metric'],
    };

    expect([built, finding.path]).toHaveLength(2);
    expect(findEntry(document.tree, ['quantization', 'preset'])?.value).toMatchObject({ value: 'mixed' });
  });

  it('where a place is found below another', () => {
    const written: ConfigPath = writtenPath(['quantization']);
    const name = 'calibration' as 'calibration' | 'validation';
    const anything: string = 'anything';
    const places = [
      below(['data', name], 'preprocess', 'mean', 0),
      below(below(['data', name], 'preprocess'), 'mean'),
      below(written, 'preset'),
      below(written, anything),
      // @ts-expect-error misspelt: preproces
      below(['data', name], 'preproces', 'mean'),
      // @ts-expect-error no key of preprocess: preset
      below(below(['data', name], 'preprocess'), 'preset'),
      // @ts-expect-error misspelt: presett, below a place that is known at run time only
      below(written, 'presett'),
    ];

    expect(places.map((place) => place.join('.'))).toContain('data.calibration.preprocess.mean');
  });

  it('where the engine says what a problem is about', () => {
    // @ts-expect-error misspelt: calibrations
    expect(() => fail('data-empty', 'Empty.', { configPath: ['data', 'calibrations'] })).toThrow('Empty.');
  });

  it('where a choice or a remedy names a setting', () => {
    // @ts-expect-error misspelt: smooth_quant_alpha
    const setting: QuantizationSetting = 'advanced_parameters.smooth_quant_alpha';
    // @ts-expect-error misspelt: max_drops
    const dotted: DottedPath = 'accuracy_control.max_drops';
    // @ts-expect-error misspelt: presets
    const remedy: (typeof REMEDIES)[number]['path'] = ['quantization', 'presets'];
    // @ts-expect-error misspelt: model_types
    const change: QuantizationChange = { model_types: 'transformer' };

    expect([setting, dotted, remedy, combineChanges(change, {})]).toHaveLength(4);
  });

  it('but one that somebody wrote may be any', () => {
    const path: ConfigPath = writtenPath(JSON.parse('["quantization", "presett"]') as string[]);
    expect(findEntry(document.tree, below(path, 0))).toBeUndefined();
  });
});

describe('remedies', () => {
  it('are settings that the schema knows', () => {
    for (const { path } of REMEDIES) expect(schemaAt(configSchema, path), path.join('.')).toBeDefined();
  });
});
