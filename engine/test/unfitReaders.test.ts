import { expect, it } from 'vitest';
import { randoms } from '../../test/kit/models.js';
import { quantizeModel } from '../../test/kit/quantize.js';
import { randomGraph } from './randomGraphs.js';

/**
 * Found by `npm run soak:graphs`: another operator needs the codes that Softmax should not be given, and the runtime's QLinearSoftmax wraps
 * probabilities above the range.
 */
const WRAPPING_SOFTMAX = 7015313;

it('an operator without weights whose kernel is wrong goes to float with what reads its codes', async () => {
  const shape = [3, 8, 8];
  // So many that the range of their probabilities is taken as it is; all of them are about a third.
  const even = Array.from({ length: 1400 }, (_, i) => ({
    ...{ shape, data: Array.from(randoms(192, i), (x) => x / 4) },
  }));
  const uneven = { shape, data: Array.from({ length: 192 }, (_, i) => (i < 64 ? 3 : 0)) };
  const { report } = await quantizeModel(randomGraph(WRAPPING_SOFTMAX).model, [...even, uneven, uneven], {
    // Whatever has an integer kernel is quantized: what is faster in float hangs on this machine.
    ...{ optimize_for: 'integer', subset_size: even.length },
  });

  const { verified, warnings, layers } = report;
  expect(verified?.passed).toBe(true);
  expect(warnings.find(({ code }) => code === 'operator-unfit')?.message).toMatch(
    /^Softmax .* stays in float, and with it what reads its codes \(Add_t6\)/,
  );
  expect(layers.find(({ name }) => name === 'Add_t6')).toMatchObject({ runs: 'float' });
});
