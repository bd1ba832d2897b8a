import { describe, expect, it } from 'vitest';
import type { MetricName } from '@quantsmith/schemas';
import { BUILT_IN } from '../src/metrics/builtIn.js';
import { intervalOf } from '../src/validation/validation.js';
import { unseenInterval } from '../src/metrics/drop.js';

const DETECTED = { truths: [[0, 1]], detections: [[0, 0.9, 1, 0]] };

describe('the interval of a drop where no pair differs', () => {
  it('is that of none of n, which is never nothing', () => {
    // (1 - 0.0362)^100 = 0.025.
    expect(unseenInterval(0, 100, 1)[1]).toBeCloseTo(0.0362, 4);
    expect(unseenInterval(0.01, 1, 1)).toEqual([0.01 - 0.975, 0.01 + 0.975]);
    expect(unseenInterval(0, 100, 0.5)[0]).toBeCloseTo(-0.0724, 3);
  });
  const STATES: Readonly<Record<MetricName, unknown>> = {
    ...{ top1: [1, 2, 0, 0], top5: [1, 2, 0, 0], f1: [1, 1], f1_micro: [1, 1], f1_binary: [1, 1] },
    ...{ map: DETECTED, map50: DETECTED, miou: [[0, 4, 5, 5]], pixel_accuracy: [4, 5, 5] },
    ...{ token_f1: [2, 3, 3, 9], perplexity: [6, 3, 9], spearman: [0.5, 2], wer: [1, 4], cer: [1, 4] },
    ...{ agreement: [3, 4], cosine: [0.9, 1, 1, 1], sqnr: [20, 100, 1], psnr: [20, 0, 1, 0.01, 4] },
    ...{ mse: [0.01, 0.04, 4], mae: [0.1, 0.4, 4] },
  };
  it.each(Object.entries(STATES))('%s has one, absolute and relative', (name, state) => {
    const metric = BUILT_IN[name as MetricName];
    const states = Array.from({ length: 10 }, () => state);
    const measured = { value: metric.result(states), states };
    for (const dropType of ['absolute', 'relative'] as const) {
      type Interval = Parameters<typeof intervalOf>;
      const validation = { metric, dropType } as Interval[0];
      const found = intervalOf(validation, measured as unknown as Interval[1], measured);
      if (measured.value === 0) expect(found === null || found[0] < found[1]).toBe(true);
      else expect(found![1] - found![0]).toBeGreaterThan(0);
    }
  });
  it('is unknown where equal outputs leave no scale', () => {
    type Interval = Parameters<typeof intervalOf>;
    const same = { value: 0, states: [[0, 0, 4]] };
    const validation = { metric: BUILT_IN.mse, dropType: 'absolute' } as Interval[0];
    expect(intervalOf(validation, same as unknown as Interval[1], same)).toBeNull();
  });
});
