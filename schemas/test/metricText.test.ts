import { expect, it } from 'vitest';
import { decibels, dropValue, metricValue, rounded } from '../src/index.js';

it('what rounds to zero has no sign', () => {
  for (const drop of [-1e-6, -0, 1e-6]) {
    expect(dropValue({ name: 'top1', drop_type: 'absolute' }, drop)).toBe('0.00 points');
    expect(dropValue({ name: 'top1', drop_type: 'relative' }, drop)).toBe('0.00 %');
    expect(metricValue('top1', drop)).toBe('0.00 %');
    expect([decibels(drop), rounded(drop, 4), rounded(drop, 0)]).toEqual(['0.0 dB', '0.0000', '0']);
  }

  expect(dropValue({ name: 'top1', drop_type: 'absolute' }, -0.00006)).toBe('-0.01 points');
  expect(decibels(-0.06)).toBe('-0.1 dB');
});
