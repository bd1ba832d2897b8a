import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pairRisk } from '../src/overflow/pairs.js';
import { node } from '../../test/kit/models.js';

const gemm = node('Gemm', ['x', 'w'], ['y'], { transB: 1 });

describe('pairs that can saturate 16 bits', () => {
  it('are counted at even positions of a row', () => {
    // 100 + 29 = 129: at risk; 29 + 100 across two pairs is none; −64 − 64 = −128 just fits, 128·255 = 32640.
    expect(pairRisk(gemm, [100, 29, 0, 100], [1, 4])).toEqual({
      ...{ pairsAtRisk: 1, outputs: 1, outputsAtRisk: 1 },
      worstCase: (129 * 255) / 32767,
    });
    expect(pairRisk(gemm, [0, 100, 29, 0], [1, 4])!.pairsAtRisk).toBe(0);
    expect(pairRisk(gemm, [-64, -64], [1, 2])!.pairsAtRisk).toBe(0);
    expect(pairRisk(gemm, [-65, -64], [1, 2])!.pairsAtRisk).toBe(1);
  });
  it('of opposite signs do not add up', () => {
    expect(pairRisk(gemm, [127, -127], [1, 2])!.pairsAtRisk).toBe(0);
  });
  it('are counted by output too', () => {
    // Three outputs, of which the first has two pairs at risk and the last one.
    const weights = [[100, 100, 90, 90], [1, 1, 1, 1], [-100, -100, 1, 1]].flat(); // prettier-ignore
    expect(pairRisk(gemm, weights, [3, 4])).toMatchObject({ pairsAtRisk: 3, outputs: 3, outputsAtRisk: 2 });
  });
  it('follow the columns without transposition', () => {
    const plain = node('MatMul', ['x', 'w'], ['y']);
    expect(pairRisk(plain, [100, 1, 100, 1], [2, 2])!.pairsAtRisk).toBe(1);
  });
  it('of a convolution run along the channels first', () => {
    const conv = node('Conv', ['x', 'w'], ['y']);
    // [o, c, h, w] = [1, 2, 1, 2]: order c0t0 c1t0 c0t1 c1t1 = 100 100 1 1
    expect(pairRisk(conv, [100, 1, 100, 1], [1, 2, 1, 2])!.pairsAtRisk).toBe(1);
    expect(pairRisk(conv, [100, 100, 1, 1], [1, 2, 1, 2])!.pairsAtRisk).toBe(0);
  });
  it('do not concern depthwise convolutions', () => {
    expect(pairRisk(node('Conv', ['x', 'w'], ['y'], { group: 2 }), [127, 127], [2, 1, 1, 1])).toBeNull();
  });
  it('cannot occur with half-range weights', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -64, max: 64 }), { minLength: 2, maxLength: 64 }), (codes) => {
        expect(pairRisk(gemm, codes, [1, codes.length])!.pairsAtRisk).toBe(0);
      }),
    );
  });
});
