import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reportHtml } from '../src/index.js';
import { attribute, parsePage, textOf, type Element } from './page.js';
import { HOSTILE, layer, sampleReport } from '../../test/kit/sampleReport.js';

const page = (change?: Parameters<typeof sampleReport>[0]) => parsePage(reportHtml(sampleReport(change)));
const named = (elements: readonly Element[], ...tags: string[]) =>
  elements.filter((element) => tags.includes(element.tagName));
const classed = (elements: readonly Element[], name: string) =>
  elements.filter((element) => attribute(element, 'class') === name);

describe('the HTML page', () => {
  it('is well-formed and needs nothing but itself', () => {
    const { elements, errors } = page();
    expect(errors).toEqual([]);
    expect(named(elements, 'script', 'link', 'img', 'iframe', 'object', 'a')).toEqual([]);
    const attributes = elements.flatMap((element) => element.attrs.map(({ name }) => name));
    expect(attributes.filter((name) => /^(style|src|href|on.*)$/.test(name))).toEqual([]);
  });

  it('has a content security policy that allows its one style element and nothing else', () => {
    const { elements } = page();
    const [style, ...others] = named(elements, 'style');
    expect(others).toEqual([]);
    const hash = createHash('sha256').update(textOf(style!)).digest('base64');
    const policy = named(elements, 'meta').find((meta) => attribute(meta, 'http-equiv') !== undefined)!;
    expect(attribute(policy, 'content')).toBe(`default-src 'none'; style-src 'sha256-${hash}'`);
    expect(textOf(style!)).not.toMatch(/url\(|@import/);
  });

  it('can be read by a screen reader: captions, scopes, headings in order, charts with text', () => {
    const { elements } = page();
    expect(named(elements, 'table').length).toBe(named(elements, 'caption').length);
    for (const head of named(elements, 'th')) expect(attribute(head, 'scope')).toMatch(/^(row|col)$/);
    expect(named(elements, 'h1', 'h2').map(textOf)).toEqual([
      'Quantization report',
      'Restoration',
      'Layers',
      'Run',
    ]);
    const ids = elements.flatMap((element) => attribute(element, 'id') ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    for (const svg of named(elements, 'svg')) {
      if (attribute(svg, 'aria-hidden') === 'true') continue;
      expect(attribute(svg, 'role')).toBe('img');
      expect(ids).toContain(attribute(svg, 'aria-labelledby'));
      expect(ids).toContain(attribute(svg, 'aria-describedby'));
    }
    expect(named(elements, 'figcaption').map(textOf)[0]).toContain(
      'From 5.00 points with none in float to 0.50 points with 1. The target allows 1.00 points.',
    );
  });

  it('draws every validated state, the least drops as a line, and the final model', () => {
    const { elements } = page();
    const titles = classed(elements, 'point').map(textOf);
    expect(titles).toEqual([
      'int8: drop 5.00 points',
      'Step 1, 1 in float: drop 3.00 points',
      'Step 2, 1 in float: drop 0.50 points',
    ]);
    const at = (element: Element) => [Number(attribute(element, 'cx')), Number(attribute(element, 'cy'))];
    const places = classed(elements, 'point').map(at);
    // More drop is further up; the same number of operators is the same place across.
    expect(places[0]![1]).toBeLessThan(places[1]![1]!);
    expect(places[1]![1]).toBeLessThan(places[2]![1]!);
    expect(places[1]![0]).toBe(places[2]![0]);
    expect(classed(elements, 'final').map(at)).toEqual([places[2]]);
    const curve = attribute(classed(elements, 'curve')[0]!, 'points')!.split(' ');
    expect(curve.length).toBe(2);
    expect(classed(elements, 'target').length).toBe(1);
  });

  it('draws operators that were tried alone hollow, and leaves them out of the line', () => {
    const candidates = [
      { operators: ['/stem/Conv'], output_error: 0.1, drop_alone: 0.001 },
      { operators: ['/head/Gemm'], output_error: 0.2, drop_alone: null },
    ];
    const { elements } = page({ restoration: { ...sampleReport().restoration!, candidates } });
    expect(classed(elements, 'estimate').map(textOf)).toEqual(['Only /stem/Conv in float: drop 0.10 points']);
    const ends = (all: readonly Element[]) => attribute(classed(all, 'curve')[0]!, 'points');
    expect(ends(elements)).toBe(ends(page().elements));
  });

  it('draws a column for each layer, in proportion to its SQNR, down where noise is louder than signal', () => {
    const { elements } = page({
      layers: [
        layer({ sqnr_db: 20 }),
        layer({ sqnr_db: 40 }),
        layer({ sqnr_db: -10, quantized: false }),
        layer({ sqnr_db: null }),
      ],
    });
    const chart = named(elements, 'svg').find(
      (svg) => attribute(svg, 'role') === 'img' && textOf(svg).includes('SQNR'),
    )!;
    const columns = named(
      chart.childNodes.flatMap((child) => ('tagName' in child ? [child] : [])),
      'rect',
    );
    expect(columns.map((column) => attribute(column, 'class'))).toEqual(['int8', 'int8', 'float', 'absent']);
    const heights = columns.map((column) => Number(attribute(column, 'height')));
    expect(heights[1]! / heights[0]!).toBeCloseTo(2, 2);
    const tops = columns.map((column) => Number(attribute(column, 'y')));
    expect(tops[2]).toBeCloseTo(tops[0]! + heights[0]!, 1);
    expect(textOf(columns[3]!)).toBe('/stem/Conv (Conv, QLinearConv): not measured');
  });

  it('has no chart of a curve without a curve', () => {
    expect(classed(page({ restoration: null }).elements, 'curve')).toEqual([]);
    const flat = {
      ...sampleReport().metric!,
      quantized_initial: 0.98,
      quantized: 0.98,
      drop: 0,
      max_drop: 0,
    };
    const restoration = { ...sampleReport().restoration!, steps: [], reverted: [] };
    const { errors, elements } = page({ metric: { ...flat, ci95: [0, 0] }, restoration });
    expect(errors).toEqual([]);
    expect(classed(elements, 'curve')).toEqual([]);
  });

  it('stays usable for a model of a thousand layers', () => {
    const html = reportHtml(
      sampleReport({
        layers: Array.from({ length: 1000 }, (_, index) => layer({ name: `/layer/${index}` })),
      }),
    );
    expect(html.length).toBeLessThan(800_000);
    expect(parsePage(html).errors).toEqual([]);
  });
});

describe('hostile text stays text', () => {
  const hostile = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary', maxLength: 40 }));
  const shape = (html: string) =>
    parsePage(html).elements.map(({ tagName, attrs }) =>
      [tagName, ...attrs.map(({ name }) => name)].join(' '),
    );
  const withText = (text: string) =>
    reportHtml(
      sampleReport({
        output: { path: text, sha256: text },
        config: { path: text, sha256: text },
        layers: [layer({ name: text, op: text, kernel: text }), layer({ name: text, sqnr_db: null })],
        warnings: [{ code: text, severity: 'warning', message: text, config_path: [] }],
        restoration: {
          ...sampleReport().restoration!,
          stop_reason: text,
          steps: [{ iteration: 1, reverted: [text], metric: 0.9, drop: 0.08 }],
          reverted: [text],
        },
      }),
    );
  it('whatever it holds, the page has the same elements and no error', () => {
    const expected = shape(withText('plain'));
    fc.assert(
      fc.property(hostile, (text) => {
        const html = withText(text);
        expect(parsePage(html).errors).toEqual([]);
        expect(shape(html)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
  it('is shown as it is, control characters as escapes', () => {
    const { elements } = parsePage(withText('<b>&amp;\u001b[31m'));
    expect(named(elements, 'code').map(textOf)).toContain('<b>&amp;\\u{1b}[31m');
  });
});
