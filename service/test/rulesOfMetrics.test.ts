import { describe, expect, it } from 'vitest';
import { summary } from '../../test/kit/summary.js';
import { found } from './ruleKit.js';

/** Whether a metric is refused for a model whose one output has these dimensions. */
function isUnfit(metric: string, dims: (number | string)[]): boolean {
  const model = summary({
    nodes: [{ name: 'head', op: 'Gemm', outputs: ['scores'] }],
    inputs: [{ name: 'image', type: 'float32', dims: [1, 3, 32, 32] }],
    outputs: [{ name: 'scores', type: 'float32', dims }],
  });
  const data = 'data: {calibration: {images: a}, validation: {images: b, labels: c.csv}}';
  const text = `model: m.onnx\n${data}\naccuracy_control: {metric: ${metric}, max_drop: 0.01}\n`;
  return found(text, { model }).some((finding) => finding.startsWith('metric-unfit'));
}

describe('a metric that cannot read the outputs', () => {
  it.each([
    ['wer', [1, 10], true],
    ['cer', [1, 6625], true],
    ['wer', ['steps', 10], false],
    ['cer', [1, 'steps', 6625], false],
    ['cer', [40, 1, 6625], false],
    ['top1', [1, 10], false],
    ['miou', [1, 10], true],
    ['miou', [1, 21, 32, 32], false],
    ['map', [1, 10], true],
    ['map', ['boxes', 6], false],
    ['map', [1, 'boxes', 85], false],
  ])('%s on %j: %s', (metric, dims, unfit) => {
    expect(isUnfit(metric, dims)).toBe(unfit);
  });
});
