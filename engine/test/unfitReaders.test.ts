import { expect, it } from 'vitest';
import { floats, model, node, value } from '../../test/kit/models.js';
import { buildModel } from '../src/quantize/quantization.js';
import { unfitProblems } from '../src/verify/outputDamage.js';
import { unfitOperators, withoutUnfit } from '../src/verify/verify.js';
import { quantizationOf, samplesOf } from './checkGraph.js';

const SHAPE = [1, 2, 4, 3];

/** Conv → Softmax over the last axis → Conv; the scores lie far apart, so that some probabilities are near 1. */
const network = model({
  nodes: [
    node('Conv', ['x', 'w1'], ['scores'], {}, 'first'),
    node('Softmax', ['scores'], ['p'], { axis: -1 }, 'softmax'),
    node('Conv', ['p', 'w2'], ['y'], {}, 'second'),
  ],
  inputs: [value('x', SHAPE)],
  outputs: [value('y', SHAPE)],
  initializers: [floats('w1', [2, 2, 1, 1], [4, 0, 0, 4]), floats('w2', [2, 2, 1, 1], [1, -0.5, -0.5, 1])],
});

it('an operator without weights whose kernel is wrong goes to float with what reads its codes', async () => {
  const samples = samplesOf({ model: network, inputs: { x: SHAPE } }, 1, 4);
  const { quantization, source } = await quantizationOf(network, samples);
  const checked = { source, indices: [0, 1, 2, 3], inSample: true };
  // The runtime's integer Softmax wraps to low codes where it should saturate.
  const narrow = { ...quantization.activations.get('activation:p')!, scale: Float32Array.of(1 / 1000) };
  const activations = new Map([...quantization.activations, ['activation:p', narrow] as const]);
  const planted = { ...quantization, activations };

  const unfit = (await unfitOperators(planted, buildModel(planted, new Set()), checked, 1))!;
  expect(unfit).toMatchObject([{ node: 'softmax', op: 'Softmax', toFloat: ['second'] }]);
  expect(unfit[0]!.largest).toBeGreaterThan(100);
  expect(unfitProblems(unfit).map(({ message }) => message)).toEqual([
    expect.stringMatching(/^Softmax softmax .* stays in float, and with it what reads its codes \(second\)/),
  ]);

  const mended = withoutUnfit(planted, unfit);
  expect(await unfitOperators(mended, buildModel(mended, new Set()), checked, 1)).toEqual([]);
});
