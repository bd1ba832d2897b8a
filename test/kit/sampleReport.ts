import type { QuantizationReport } from '@quantsmith/schemas';

type Layer = QuantizationReport['layers'][number];

export function layer(change: Partial<Layer> = {}): Layer {
  return {
    name: '/stem/Conv',
    op: 'Conv',
    quantized: true,
    weight: { bits: 8, signed: true, per_channel: true, scale_min: 0.01, scale_max: 0.02, half_range: false },
    inputs: [],
    sqnr_db: 30,
    bias_correction: { applied: false, max_shift: 0 },
    restored: false,
    kernel: 'QLinearConv',
    ...change,
  };
}

/** A report of a restored model, less what a test changes. */
export function sampleReport(change: Partial<QuantizationReport> = {}): QuantizationReport {
  const hash = 'a'.repeat(64);
  return {
    schema_version: 3,
    objective: null,
    created: '2026-01-02T03:04:05.000Z',
    tool: { name: 'quantsmith', version: '0.1.0' },
    config: { path: '/models/net.quant.yaml', sha256: hash },
    model: { path: '/models/net.onnx', sha256: hash },
    output: { path: '/models/net.int8.onnx', sha256: hash },
    choices: [],
    data: { calibration: { samples: 300, sha256: hash }, validation: { samples: 600, sha256: hash } },
    runtime: { name: 'onnxruntime', version: '1.30.0', cpu: { model: 'A CPU', isa: ['avx2'] }, threads: 2 },
    metric: {
      name: 'top1',
      higher_is_better: true,
      samples: 600,
      baseline: 0.98,
      quantized_initial: 0.93,
      quantized: 0.975,
      drop: 0.005,
      max_drop: 0.01,
      drop_type: 'absolute',
      satisfied: true,
      ci95: [-0.005, 0.015],
    },
    size: { float_bytes: 80_000, quantized_bytes: 20_000, ratio: 4 },
    latency_ms: { float_median: 2, quantized_median: 1, speedup: 2, runs: 50 },
    overflow: { fix: 'first_layer', layers: [], predicted: null },
    restoration: {
      iterations: 2,
      ranking_samples: 300,
      stop_reason: 'The target was met with 1 operator back in float.',
      steps: [
        { iteration: 1, reverted: ['/head/Gemm'], metric: 0.95, drop: 0.03 },
        { iteration: 2, reverted: ['/stem/Conv'], metric: 0.975, drop: 0.005 },
      ],
      reverted: ['/stem/Conv'],
      costs: [{ operators: ['/stem/Conv'], size_bytes: 1536, latency_ms: 0.0421 }],
    },
    layers: [
      layer({ quantized: false, restored: true, kernel: null, weight: null, sqnr_db: null }),
      layer({ name: '/head/Gemm', op: 'Gemm', kernel: 'QGemm', sqnr_db: 12.34 }),
    ],
    kernels: { integer: 1, float: 1, by_op: { Conv: 1, QGemm: 1 } },
    outputs: [{ name: 'scores', sqnr_db: 24.5, cosine: 0.998, agreement: 0.985, weak_correlation: null }],
    verified: {
      passed: true,
      samples: 16,
      in_sample: false,
      optimized_db: 60.2,
      unoptimized_db: 24.5,
      unfit: [],
    },
    timings_ms: {
      load: 1,
      prepare: 2,
      calibrate: 3,
      quantize: 4,
      correct: 5,
      verify: 20,
      validate: 6,
      rank: 7,
      restore: 8,
      measure: 0,
      write: 10,
      total: 1234,
    },
    peak_rss_bytes: 200_000_000,
    warnings: [],
    ...change,
  };
}

/** Texts that try to break out of every format: markup, tables, terminal escapes, directions, halves of characters. */
export const HOSTILE = [
  `"><script>alert('&')</script><img src=x onerror=alert(1)>`,
  'a | b || c \\| d \\\\| e',
  '`a` ``b`` ```',
  '``` \n# heading\n- item\n</details>\n\n    code',
  '\u001b[31mred\u001b[0m\u0007\u0000\r\nforged: error',
  '[link](javascript:alert(1)) ![image](http://x.invalid/p.png) <http://x.invalid>',
  '**bold** _em_ ~~gone~~ $x^2$ &lt; &#124; @team #1',
  'left\u202eright\u2066\u200b\u2028line\ufeff',
  'half \ud83d and \udc4d',
  '1. one',
  '- [ ] item',
  '   ',
  '',
];
