import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheKey } from '../src/cache/entries.js';
import { keepStatistics, readStatistics } from '../src/statistics/cache.js';
import { runDigits } from './digits.js';

let dir = '';
let before: string | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'quantsmith-cache-'));
  before = process.env['QUANTSMITH_CACHE'];
  process.env['QUANTSMITH_CACHE'] = dir;
});
afterEach(() => {
  process.env['QUANTSMITH_CACHE'] = before;
  rmSync(dir, { recursive: true, force: true });
});

const cached = ({ report }: { report: { data: { calibration: { cached?: boolean } } } }) =>
  report.data.calibration.cached;
const advanced = (advanced_parameters: object) => ({ quantization: { advanced_parameters } });

describe('runs', () => {
  it('give the same bytes with collected and with kept statistics', async () => {
    const first = await runDigits({ cache: true });
    const second = await runDigits({ cache: true });
    expect([cached(first), cached(second)]).toEqual([false, true]);
    expect(second.bytes.equals(first.bytes)).toBe(true);
  });
  it('use them again after a change of overflow_fix or bit width', async () => {
    const first = await runDigits({ cache: true });
    const fixed = await runDigits({ cache: true, ...advanced({ overflow_fix: 'enable' }) });
    const narrow = await runDigits({
      cache: true,
      ...advanced({ weights_quantization_params: { num_bits: 4 } }),
    });
    expect([cached(fixed), cached(narrow)]).toEqual([true, true]);
    expect(fixed.bytes.equals(first.bytes)).toBe(false);
    expect(narrow.bytes.equals(first.bytes)).toBe(false);
  });
  it.each([
    ['other samples', { samples: 19 }],
    [
      'other statistics',
      advanced({ activations_range_estimator_params: { max: { aggregator_type: 'max' } } }),
    ],
    ['another way to reduce', advanced({ inplace_statistics: false })],
    ['bias correction', advanced({ disable_bias_correction: true })],
  ])('collect anew for %s', async (_, change) => {
    await runDigits({ cache: true });
    expect(cached(await runDigits({ cache: true, ...change }))).toBe(false);
  });
  it.each<[string, (content: string) => string]>([
    [
      'a number changed',
      (content) => content.replace(/\d(?=\D*$)/, (digit) => String((Number(digit) + 1) % 10)),
    ],
    ['the end cut off', (content) => content.slice(0, -20)],
    ['no checksum, as entries of before', (content) => content.slice(content.indexOf('\n') + 1)],
    ['another checksum', (content) => `${'0'.repeat(64)}\n${content.slice(content.indexOf('\n') + 1)}`],
    ['nothing', () => ''],
  ])('collect anew when an entry has %s, and give the same bytes', async (_, damage) => {
    const first = await runDigits({ cache: true });
    for (const name of readdirSync(dir)) {
      const path = join(dir, name);
      const content = readFileSync(path, 'utf8');
      expect(damage(content)).not.toBe(content);
      writeFileSync(path, damage(content));
    }

    const second = await runDigits({ cache: true });
    expect(cached(second)).toBe(false);
    expect(second.bytes.equals(first.bytes)).toBe(true);
  });
  it('neither read nor keep anything without the cache', async () => {
    await runDigits({ cache: false });
    expect(readdirSync(dir)).toEqual([]);
  });
  it('share the folder when they run at once', async () => {
    const runs = await Promise.all([1, 2, 3].map(() => runDigits({ cache: true })));
    for (const { bytes } of runs) expect(bytes.equals(runs[0]!.bytes)).toBe(true);
    expect(readdirSync(dir)).toHaveLength(1);
    expect(cached(await runDigits({ cache: true }))).toBe(true);
  });
  it.each([
    ['cut short', (text: string) => text.slice(0, -10)],
    ['of another shape', () => '{"samples":20,"ranges":[["a",[1]]],"channelMeans":[]}'],
    ['empty', () => ''],
    ['changed in one digit', (text: string) => text.replace(/(?<=:\[\[.*)[1-8](?=\d*[,\]])/, '9')],
    ['another number of samples', (text: string) => text.replace(/"samples":\d+/, '"samples":7')],
    ['without its first line', (text: string) => text.slice(text.indexOf('\n') + 1)],
  ])('pass over an entry that is %s', async (_, damage) => {
    const good = await runDigits({ cache: true });
    const [name] = readdirSync(dir);
    const path = join(dir, name!);
    writeFileSync(path, damage(readFileSync(path, 'utf8')));
    const again = await runDigits({ cache: true });
    expect(cached(again)).toBe(false);
    expect(again.bytes.equals(good.bytes)).toBe(true);
  });
  it('say that the folder cannot be written, and go on', async () => {
    process.env['QUANTSMITH_CACHE'] = join(dir, 'file', 'below');
    writeFileSync(join(dir, 'file'), '');
    const { report } = await runDigits({ cache: true });
    expect(report.warnings.map(({ code }) => code)).toContain('cache-not-written');
  });
});

describe('the result of the float model', () => {
  const validated = { cache: true, validated: true };
  const isKnown = ({ report }: Awaited<ReturnType<typeof runDigits>>) => report.data.validation?.cached;

  it('is measured once for all settings, and gives the same report', async () => {
    const first = await runDigits(validated);
    const other = await runDigits({ ...validated, ...advanced({ overflow_fix: 'enable' }) });
    const again = await runDigits(validated);
    expect([first, other, again].map(isKnown)).toEqual([false, true, true]);
    expect(again.report.metric).toEqual(first.report.metric);
    expect(other.report.metric!.baseline).toBe(first.report.metric!.baseline);
  });
  it('is measured again for another metric', async () => {
    await runDigits(validated);
    expect(isKnown(await runDigits({ ...validated, metric: 'f1' }))).toBe(false);
  });
  it('is measured each time where the metric compares outputs, which are not kept', async () => {
    await runDigits({ ...validated, metric: 'sqnr' });
    expect(isKnown(await runDigits({ ...validated, metric: 'sqnr' }))).toBe(false);
  });
});

describe('the folder', () => {
  const collected = { samples: 1, ranges: new Map(), channelMeans: new Map([['x', new Float64Array(1000)]]) };
  it('loses nothing that is not of the cache', async () => {
    writeFileSync(join(dir, 'notes.json'), 'mine');
    utimesSync(join(dir, 'notes.json'), 0, 0);
    await keepStatistics({ dir, maxBytes: 1 }, cacheKey('statistics', ['a']), collected);
    expect(readdirSync(dir)).toEqual(['notes.json']);
  });
  it('stays below its bytes; what was not used for longest goes first', async () => {
    const keys = ['a', 'b', 'c'].map((part) => cacheKey('statistics', [part]));
    const cache = { dir, maxBytes: Number.POSITIVE_INFINITY };
    await keepStatistics(cache, keys[0]!, collected);
    const { size } = statSync(join(dir, `${keys[0]}.json`));
    const small = { dir, maxBytes: 2 * size + 10 };
    await keepStatistics(small, keys[1]!, collected);
    [1000, 2000].forEach((time, i) => utimesSync(join(dir, `${keys[i]}.json`), time, time));
    expect(await readStatistics(small, keys[0]!)).not.toBeNull();
    await keepStatistics(small, keys[2]!, collected);
    const found = await Promise.all(keys.map((key) => readStatistics(small, key)));
    expect(found.map((entry) => entry !== null)).toEqual([true, false, true]);
  });
  it('tells parts apart', () => {
    expect(cacheKey('x', ['ab', 'c'])).not.toBe(cacheKey('x', ['a', 'bc']));
  });
});
