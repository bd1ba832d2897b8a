import { describe, expect, it } from 'vitest';
import { locateLayer, locatePath } from '../src/features/locate.js';
import { takeState, type RestorationState } from '../src/features/takeState.js';
import { applied, config } from '../../test/kit/configs.js';

const NOTHING: RestorationState = { float: [], integer: [], settings: [] };
const take = (text: string, state: Partial<RestorationState>, ignored: string[] = []) => {
  const document = config(text);
  return applied(document, takeState(document, { ...NOTHING, ...state }, ignored) ?? []);
};

describe('taking a state of restoration', () => {
  it('excludes what it has in float, beside what the config excludes', () => {
    expect(take('model: m\n', { float: ['/a', '/b'] })).toBe(
      'model: m\nquantization:\n  ignored_scope:\n    names:\n      - /a\n      - /b\n',
    );
    const text = 'quantization:\n  ignored_scope:\n    names:\n      - /own # why\n';
    expect(take(text, { float: ['/a', '/own'] }, ['/own'])).toBe(`${text}      - /a\n`);
  });

  it('quantizes again what only another state had in float', () => {
    const text = 'quantization:\n  ignored_scope:\n    names: [/own, /a, /b]\nmodel: m\n';
    expect(take(text, { float: ['/c'], integer: ['/a', '/b', '/z'] }, ['/own', '/a', '/b'])).toBe(
      'quantization:\n  ignored_scope:\n    names: [/own, /c]\nmodel: m\n',
    );
    expect(
      take('quantization:\n  ignored_scope:\n    names: [/a]\nmodel: m\n', { integer: ['/a'] }, ['/a']),
    ).toBe('model: m\n');
  });

  it('keeps inherited names in a list of its own, and writes settings', () => {
    expect(
      take(
        'extends: base.yaml\n',
        { float: ['/a'], settings: [{ path: ['quantization', 'preset'], value: 'mixed' }] },
        ['/base'],
      ),
    ).toBe(
      'extends: base.yaml\nquantization:\n  preset: mixed\n  ignored_scope:\n    names:\n      - /base\n      - /a\n',
    );
  });

  it('changes nothing where the config asks for it already, and says where there is no place for it', () => {
    const text = 'quantization: {ignored_scope: {names: [/a]}}\n';
    expect(take(text, { float: ['/a'] }, ['/a'])).toBe(text);
    expect(takeState(config('- 1\n'), { ...NOTHING, float: ['/a'] }, [])).toBeNull();
  });
});

describe('the place of a layer in a config', () => {
  const text =
    'model: m\nquantization:\n  ignored_scope:\n    names:\n      - /a\n  overrides:\n    - names: [/b]\n';
  it('is the line that names it, else the one where it would be named', () => {
    expect(locateLayer(config(text), '/a').start).toEqual({ line: 4, character: 8 });
    expect(locateLayer(config(text), '/b').start.line).toBe(6);
    expect(locateLayer(config(text), '/c').start.line).toBe(3);
    expect(locateLayer(config('model: m\n'), '/c').start.line).toBe(0);
    expect(locateLayer(config(''), '/c').end).toEqual({ line: 0, character: 0 });
  });
  it('of a path is its key, else the nearest above it', () => {
    expect(locatePath(config(text), ['quantization', 'overrides']).start.line).toBe(5);
    expect(locatePath(config(text), ['quantization', 'ignored_scope', 'types']).start.line).toBe(2);
  });
});
