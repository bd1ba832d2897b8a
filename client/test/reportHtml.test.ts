import { describe, expect, it } from 'vitest';
import { escape, reportHtml, type ReportView } from '../src/reportHtml.js';

const REPORT: ReportView = {
  created: '2026-01-02T03:04:05.000Z',
  output: { path: 'out/model.int8.onnx' },
  runtime: { name: 'onnxruntime', version: '1.30.0', threads: 2, cpu: { model: 'A CPU', isa: ['avx2'] } },
  metric: {
    name: 'top1',
    samples: 600,
    baseline: 0.98,
    quantized_initial: 0.93,
    quantized: 0.975,
    drop: 0.005,
    max_drop: 0.01,
    satisfied: true,
    ci95: [-0.005, 0.015],
  },
  size: { float_bytes: 80_000, quantized_bytes: 20_000, ratio: 4 },
  latency_ms: { float_median: 2, quantized_median: 1, speedup: 2 },
  restoration: {
    stop_reason: 'The target was met.',
    steps: [{ iteration: 1, reverted: ['/stem/Conv'], metric: 0.975, drop: 0.005 }],
    reverted: ['/stem/Conv'],
  },
  layers: [
    {
      name: '/stem/Conv',
      op: 'Conv',
      quantized: false,
      restored: true,
      sqnr_db: 30,
      kernel: null,
      weight: { bits: 8, per_channel: true, half_range: false },
    },
  ],
  warnings: [],
};
const html = (change: Partial<ReportView> = {}) => reportHtml({ ...REPORT, ...change }, { nonce: 'N0NCE' });
const text = (page: string) =>
  page
    .replace(/<style[\s\S]*?<\/style>/, '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ');

describe('the report as a page', () => {
  it('states accuracy, drop with its interval, size and latency', () => {
    const page = text(html());
    expect(page).toContain('top1, float 98.00 % on 600 samples');
    expect(page).toContain('top1, int8 before restoration 93.00 %');
    expect(page).toContain(
      'Drop 0.50 points of 1.00 points allowed target met (95 % interval -0.50 points to 1.50 points)',
    );
    expect(page).toContain('Size 80 kB → 20 kB, 4.00 times smaller');
    expect(page).toContain('Latency 2.000 ms → 1.000 ms, 2.00 times as fast');
  });

  it('draws a bar of half the width for 30 of 60 dB and says the figure beside it', () => {
    expect(html()).toContain('.b0 { width: 6rem; }');
    expect(text(html())).toContain('/stem/Conv Conv float (restored) 8 bits per channel 30.0 dB');
  });

  it('leaves out what a run did not measure', () => {
    const page = text(html({ metric: null, latency_ms: null, restoration: null }));
    expect(page).not.toMatch(/top1|Latency|Restoration|null|undefined|NaN/);
  });

  it('says in words that the target was missed', () => {
    expect(text(html({ metric: { ...REPORT.metric!, satisfied: false } }))).toContain('target missed');
  });

  it('shows hostile names as text and runs nothing', () => {
    const hostile = `"><script>alert('&')</script>`;
    const page = html({
      output: { path: hostile },
      layers: [{ ...REPORT.layers[0]!, name: hostile, op: hostile }],
      warnings: [{ message: hostile }],
    });
    expect(page).not.toContain('<script');
    expect(page).toContain(escape(hostile));
    expect(page).toContain(`content="default-src 'none'; style-src 'nonce-N0NCE'"`);
    expect(page).not.toMatch(/ style=| on\w+=/);
  });

  it('gives every data table header cells with a scope', () => {
    const headers = html().match(/<th\b[^>]*>/g) ?? [];
    expect(headers.length).toBeGreaterThan(10);
    expect(headers.every((header) => / scope="(row|col)"/.test(header))).toBe(true);
  });
});
