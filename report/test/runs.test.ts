import { describe, expect, it } from 'vitest';
import type { QuantizationReport } from '@quantsmith/schemas';
import { sampleReport } from '../../test/kit/sampleReport.js';
import { runsHtml, runsText, type ListedRun } from '../src/index.js';
import { runsDocument } from '../src/runsDocument.js';
import { toMarkdown } from '../src/toMarkdown.js';
import { attribute, type Element, parsePage, textOf } from './page.js';

const runsMarkdown = (runs: readonly ListedRun[]) => toMarkdown(runsDocument(runs));

type Metric = NonNullable<QuantizationReport['metric']>;

const { metric: top1, size, latency_ms: latency } = sampleReport();
const run = (
  label: string,
  change: Partial<Metric>,
  figures: { ms?: number | null; bytes?: number; href?: string } = {},
): ListedRun => {
  const { ms = 1, bytes = 20_000, href = null } = figures;
  return {
    ...{ label, href },
    report: sampleReport({
      metric: { ...top1!, ...change },
      size: { ...size, quantized_bytes: bytes },
      latency_ms: ms === null ? null : { ...latency!, quantized_median: ms },
    }),
  };
};

const rowsOf = (runs: readonly ListedRun[]) =>
  runsMarkdown(runs)
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2)
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));

/** Points of each chart: what they say, and whether they are filled. */
function pointsOf(runs: readonly ListedRun[]) {
  const { elements, errors } = parsePage(runsHtml(runs));
  expect(errors).toEqual([]);
  return elements
    .filter(({ tagName }) => tagName === 'circle')
    .map((circle) => [textOf(circle), attribute(circle, 'class')]);
}

describe('many runs at once', () => {
  it('are listed with the best accuracy first, those without a metric last', () => {
    const none: ListedRun = { ...run('none', {}), report: sampleReport({ metric: null }) };
    const rows = rowsOf([
      none,
      run('low', { quantized: 0.9, satisfied: false }),
      run('high', { quantized: 0.97 }),
    ]);
    expect(rows.map(([label, , name, value, , target]) => [label, name, value, target])).toEqual([
      ['high', '`top1`', '97.00 %', '**met**'],
      ['low', '`top1`', '90.00 %', '**missed**'],
      ['none', '–', '–', '–'],
    ]);
  });

  it('say what is not trustworthy, undefined or not measured', () => {
    const distrusted = run('bad', { drop: null, quantized: 0.99 }, { ms: null });
    const report = {
      ...distrusted.report,
      warnings: [
        { code: 'output-damaged', severity: 'error', message: 'An output is damaged.', data: {} },
      ] as unknown as QuantizationReport['warnings'],
    };
    const open = run('open', { satisfied: null });
    const rows = rowsOf([{ ...distrusted, report }, open]);
    expect(rows.map(([label, , , , drop, target, ms]) => [label, drop, target, ms])).toEqual([
      ['bad', '–', '**not trustworthy**', '–'],
      ['open', '0.50 points (-0.50 to 1.50 points)', '–', '1.00 ms'],
    ]);
  });

  it('are drawn against latency and size; filled is what nothing beats', () => {
    const runs = [
      run('slow', { quantized: 0.97 }, { ms: 2 }),
      run('fast', { quantized: 0.9 }, { ms: 1, bytes: 10_000 }),
      run('beaten', { quantized: 0.89 }, { ms: 1.5, bytes: 30_000 }),
    ];
    expect(pointsOf(runs)).toEqual([
      ['slow: 97.00 %, 2 ms', 'point'],
      ['fast: 90.00 %, 1 ms', 'point'],
      ['beaten: 89.00 %, 1.5 ms', 'estimate'],
      ['slow: 97.00 %, 20 kB', 'point'],
      ['fast: 90.00 %, 10 kB', 'point'],
      ['beaten: 89.00 %, 30 kB', 'estimate'],
    ]);
  });

  it('are linked as they are encoded, and say nothing of charts, where there is none to see', () => {
    const file = 'a.preset=mixed,types=(1).report.json';
    const runs = [run('a', {}, { href: encodeURIComponent(file) }), run('b', {})];
    const markdown = runsMarkdown(runs);
    const [, target = ''] = /\]\(([^)]*)\)/.exec(markdown) ?? [];
    expect(decodeURIComponent(target)).toBe(file);
    for (const text of [markdown, runsText(runs, null)]) expect(text).not.toContain('the table below');
  });

  it('know that less of an error is better', () => {
    const error = (label: string, value: number, ms: number) =>
      run(label, { name: 'rmse', higher_is_better: false, quantized: value, drop: 0 }, { ms });
    const runs = [error('worse', 3, 1), error('best', 1, 1)];
    expect(rowsOf(runs).map(([label]) => label)).toEqual(['best', 'worse']);
    expect(pointsOf(runs).slice(0, 2)).toEqual([
      ['best: 1.0000, 1 ms', 'point'],
      ['worse: 3.0000, 1 ms', 'estimate'],
    ]);
  });

  it('draw the metric that most have; nothing where two cannot be compared', () => {
    const other = run('other', { name: 'top5' });
    expect(pointsOf([run('a', {}), other, run('b', {})]).map(([text]) => text)).toEqual([
      // Either point is named where both lie in one place.
      ...['a: 97.50 %, 1 ms; b: 97.50 %, 1 ms', 'b: 97.50 %, 1 ms; a: 97.50 %, 1 ms'],
      ...['a: 97.50 %, 20 kB; b: 97.50 %, 20 kB', 'b: 97.50 %, 20 kB; a: 97.50 %, 20 kB'],
    ]);
    expect(pointsOf([run('a', {}), other])).toEqual([]);
    expect(pointsOf([])).toEqual([]);
  });

  it('have no line above a point, where it would take the pointer from it', () => {
    const runs = ['a', 'b'].map((label) => run(label, {}, { href: `${label}.html` }));
    const { elements } = parsePage(runsHtml(runs));
    const isSpread = (element: Element) => attribute(element, 'class') === 'spread';
    for (const chart of elements.filter((element) => attribute(element, 'class') === 'plot')) {
      const parts = chart.childNodes.filter((node): node is Element => 'tagName' in node);
      expect(parts.filter(isSpread).length).toBeGreaterThan(1);
      expect(parts.findLastIndex(isSpread)).toBeLessThan(parts.findIndex(({ tagName }) => tagName === 'a'));
    }
  });

  it('lead to their reports, from the chart and from the table', () => {
    const runs = ['a', 'b'].map((label) => run(label, {}, { href: `${label}.html` }));
    const { elements } = parsePage(runsHtml(runs));
    const links = elements.filter(({ tagName }) => tagName === 'a').map((link) => attribute(link, 'href'));
    expect(links).toEqual([...Array(2).fill(['a.html', 'b.html']).flat(), 'a.html', 'b.html']);
    expect(elements.find(({ tagName }) => tagName === 'svg')?.attrs).toContainEqual({
      name: 'role',
      value: 'group',
    });
    expect(runsMarkdown(runs)).toContain('[a](a.html)');
  });
});
