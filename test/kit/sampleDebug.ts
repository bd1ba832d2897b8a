import type { DebugReport } from '@quantsmith/schemas';

type DebugLayer = DebugReport['layers'][number];

function debugLayer(change: Partial<DebugLayer> = {}): DebugLayer {
  return {
    ...{ name: '/stem/Conv', op: 'Conv', quantized: true, sqnr_db: 31.25, alone_db: 40 },
    inputs: [
      {
        ...{ tensor: 'image', low: 0, high: 1, used: 1, clipped: 0 },
        rounding_db: null,
        channel_spread: null,
      },
      {
        ...{ tensor: 'stem', low: -1, high: 3, used: 0.5, clipped: 0.001 },
        rounding_db: 35,
        channel_spread: 12.345,
      },
    ],
    weights: { bits: 8, per_channel: true, sqnr_db: 44, channel_spread: 3 },
    ...change,
  };
}

/** What `debug` prints of a model that loses its signal at its last layer, less what a test changes. */
export function sampleDebug(change: Partial<DebugReport> = {}): DebugReport {
  return {
    ...{ schema_version: 1, model: 'net.onnx', settings: 'report' },
    ...{ calibration_samples: 300, samples: 16, in_sample: false },
    outputs: [{ name: 'scores', sqnr_db: 4.5 }],
    first: {
      ...{ name: '/head/Gemm', op: 'Gemm', lost: true, before_db: 31.25, after_db: 4.5, cause: 'clipped' },
      text: 'A fifth of its input lies outside of its range.',
    },
    layers: [
      debugLayer(),
      debugLayer({
        name: '/act/Relu',
        op: 'Relu',
        quantized: false,
        alone_db: null,
        inputs: [],
        weights: null,
      }),
      debugLayer({ name: '/head/Gemm', op: 'Gemm', sqnr_db: 4.5 }),
    ],
    saved: [],
    seconds: 2.34,
    ...change,
  };
}
