import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { exitCodeOf, problemOf } from '../src/output/exitCodes.js';
import { wantsColour } from '../src/output/terminal.js';
import { parseDrop, parseLatency, parseSeconds, parseSize } from '../src/units.js';
import { QuantsmithError } from '@quantsmith/schemas';

describe('figures with units', () => {
  it('are drops, latencies, sizes and seconds', () => {
    expect([parseDrop('0.01'), parseDrop('1%'), parseDrop('1.5 %')]).toEqual([0.01, 0.01, 0.015]);
    expect(['3', '3ms', '2 s', '5us', '5µs', '1.1x', '2X'].map(parseLatency)).toEqual([
      ...[{ absolute: 3 }, { absolute: 3 }, { absolute: 2000 }, { absolute: 0.005 }, { absolute: 0.005 }],
      ...[{ times: 1.1 }, { times: 2 }],
    ]);
    expect(['4MB', '500 kB', '1GiB', '12', '7b', '0.3x'].map(parseSize)).toEqual([
      ...[{ absolute: 4e6 }, { absolute: 5e5 }, { absolute: 2 ** 30 }, { absolute: 12 }, { absolute: 7 }],
      { times: 0.3 },
    ]);
    expect(['60', '0.5', '0'].map(parseSeconds)).toEqual([60, 0.5, 0]);
  });

  it.each([
    [parseDrop, ['', 'x', '-1', '1%%'], 'It must be a number or a percentage, e.g. 0.01 or 1%.'],
    [parseLatency, ['', 'fast', '3 minutes', '-1'], 'It must be e.g. 3ms or 1.1x.'],
    [parseSize, ['MB', '3 TB', '1e6'], 'It must be e.g. 4MB or 0.3x.'],
    [parseSeconds, ['', ' ', '-1', 'soon'], 'It must be a number of seconds, e.g. 60.'],
  ])('are refused with an example (%o)', (parse, texts, message) => {
    for (const text of texts) {
      expect(() => parse(text), text).toThrow(InvalidArgumentError);
      expect(() => parse(text), text).toThrow(message);
    }
  });
});

describe('what ends a command', () => {
  it('keeps its code; what nobody threw on purpose is an internal error', () => {
    const problem = { code: 'model-unreadable', severity: 'error', message: 'It is gone.' } as const;
    expect(problemOf(new QuantsmithError(problem))).toEqual(problem);
    expect(problemOf(new TypeError('oops'))).toMatchObject({
      ...{ code: 'internal-error', message: 'oops' },
      data: { stack: expect.stringContaining('TypeError: oops') },
    });
    expect(problemOf('a text')).toEqual({ code: 'internal-error', severity: 'error', message: 'a text' });
  });

  it.each([
    ['cancelled', 130],
    ['internal-error', 6],
    ['runtime-missing', 6],
    ['config-invalid', 3],
    ['usage-invalid', 2],
    ['model-unreadable', 4],
  ] as const)('%s ends with %i', (code, exit) => {
    expect(exitCodeOf({ code, severity: 'error', message: '' })).toBe(exit);
  });
});

it.each([
  [{}, true, true],
  [{}, false, false],
  [{}, undefined, false],
  [{ NO_COLOR: '1' }, true, false],
  [{ NO_COLOR: '' }, true, true],
  [{ TERM: 'dumb' }, true, false],
  [{ FORCE_COLOR: '1', NO_COLOR: '1' }, false, true],
  [{ FORCE_COLOR: '0' }, true, false],
  [{ FORCE_COLOR: 'false' }, true, false],
])('colours with %j on a terminal: %s', (env, isTerminal, wanted) => {
  expect(wantsColour(env, isTerminal)).toBe(wanted);
});
