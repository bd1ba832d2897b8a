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

const policyOf = (elements: readonly Element[]) =>
  attribute(
    named(elements, 'meta').find((meta) => attribute(meta, 'http-equiv') !== undefined)!,
    'content',
  );

describe('the HTML page', () => {
  it('is well-formed and needs nothing but itself', () => {
    const { elements, errors } = page();
    expect(errors).toEqual([]);
    expect(named(elements, 'link', 'img', 'iframe', 'object', 'a')).toEqual([]);
    expect(named(elements, 'script').length).toBe(1);
    const attributes = elements.flatMap((element) => element.attrs.map(({ name }) => name));
    expect(attributes.filter((name) => /^(style|src|href|on.*)$/.test(name))).toEqual([]);
  });

  it('has a content security policy that allows its one style, its one script and nothing else', () => {
    const { elements } = page();
    const hashes = ['style', 'script'].map((tag) => {
      const [element, ...others] = named(elements, tag);
      expect(others).toEqual([]);
      return `${tag}-src 'sha256-${createHash('sha256').update(textOf(element!)).digest('base64')}'`;
    });
    expect(policyOf(elements)).toBe(
      `default-src 'none'; ${hashes.join('; ')}; base-uri 'none'; form-action 'none'`,
    );
    expect(textOf(named(elements, 'style')[0]!)).not.toMatch(/url\(|@import/);
  });

  it('of a panel has a nonce, and what the panel keeps', () => {
    const host = { nonce: 'a-nonce', state: { file: '<x>"' } };
    const { elements, errors } = parsePage(reportHtml(sampleReport(), { host }));
    expect(errors).toEqual([]);
    expect(policyOf(elements)).toBe(
      "default-src 'none'; style-src 'nonce-a-nonce'; script-src 'nonce-a-nonce'; img-src data:; base-uri 'none'; form-action 'none'",
    );
    for (const element of named(elements, 'style', 'script'))
      expect(attribute(element, 'nonce')).toBe('a-nonce');
    expect(attribute(named(elements, 'main')[0]!, 'data-state')).toBe(JSON.stringify(host.state));
  });

  it('has buttons in a panel, whose messages name places of the report; a file has none', () => {
    const restoration = {
      ...sampleReport().restoration!,
      remedies: [{ setting: 'preset', value: 'mixed', drop: 0.02, kept: false }],
    };
    const warning = { severity: 'warning' as const, message: 'Look.', code: 'a' };
    const report = sampleReport({
      restoration,
      warnings: [
        { ...warning, config_path: [] },
        { ...warning, config_path: ['model'] },
      ],
    });
    const sent = (html: string) =>
      parsePage(html)
        .elements.filter(({ tagName }) => tagName === 'button')
        .map((button): unknown => JSON.parse(attribute(button, 'data-send') ?? ''));
    expect(sent(reportHtml(report, { host: { nonce: 'n', state: {} } }))).toEqual([
      { type: 'export', format: 'html' },
      { type: 'export', format: 'markdown' },
      { type: 'export', format: 'sarif' },
      { type: 'warning', warning: 1 },
      { type: 'state', step: 0 },
      { type: 'state', step: 1 },
      { type: 'remedy', remedy: 0 },
    ]);
    expect(sent(reportHtml(report))).toEqual([]);
  });

  it('has the worst layer first, each with its place in the graph and the marks it is filtered by', () => {
    const { elements } = page({
      layers: [
        layer({ name: '/a', sqnr_db: null, quantized: false, restored: true, kernel: null, weight: null }),
        layer({ name: '/b', sqnr_db: 40 }),
        layer({ name: '/c', sqnr_db: 3, kernel: null, runs: 'float_though_quantized', runs_reason: 'why' }),
        layer({ name: '/d', sqnr_db: 30, weight: { ...layer().weight!, half_range: true } }),
      ],
    });
    const rows = named(elements, 'tr').filter((row) => attribute(row, 'data-layer') !== undefined);
    expect(
      rows.map((row) => [attribute(row, 'data-layer'), attribute(row, 'data-marks'), textOf(row)]),
    ).toEqual([
      ['2', 'float quantized rounded whole fine', '/c3.0 dBConvfloat: why8 bits per channel'],
      ['3', 'integer quantized half fine', '/d30.0 dBConvQLinearConv8 bits per channel, half range'],
      ['1', 'integer quantized whole fine', '/b40.0 dBConvQLinearConv8 bits per channel'],
      ['0', 'float restored', '/a–Convfloat (restored)'],
    ]);
    expect(classed(elements, 'mark').map(textOf)).toEqual(['float', 'half range', 'float (restored)']);
    // Filters of what there is; without its script the page does not show what it could not do.
    const tools = named(elements, 'form')[0]!;
    expect(attribute(tools, 'hidden')).toBe('');
    expect(named(elements, 'option').map((option) => attribute(option, 'value'))).toEqual([
      '',
      'integer',
      'float',
      'rounded',
      'restored',
      'half',
    ]);
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
    for (const svg of classed(named(elements, 'svg'), 'chart')) {
      expect(attribute(svg, 'role')).toBe('img');
      expect(ids).toContain(attribute(svg, 'aria-labelledby'));
      expect(ids).toContain(attribute(svg, 'aria-describedby'));
    }

    expect(named(elements, 'figcaption').map(textOf)[0]).toContain(
      'From 5.00 points with none in float to 0.50 points with 1. Target: 1.00 points allowed.',
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
    const at = (element: Element) => [
      parseFloat(attribute(element, 'cx')!),
      parseFloat(attribute(element, 'cy')!),
    ];
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
    const chart = classed(elements, 'plot').find((svg) => textOf(svg).includes('first layer'))!;
    const columns = named(
      chart.childNodes.flatMap((child) => ('tagName' in child ? [child] : [])),
      'rect',
    );
    expect(columns.map((column) => attribute(column, 'class'))).toEqual(['int8', 'int8', 'float', 'absent']);
    const heights = columns.map((column) => parseFloat(attribute(column, 'height')!));
    expect(heights[1]! / heights[0]!).toBeCloseTo(2, 2);
    const tops = columns.map((column) => parseFloat(attribute(column, 'y')!));
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
