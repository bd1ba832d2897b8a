import { expect, it } from 'vitest';
import { dropValue, metricValue } from '../src/index.js';

it('what rounds to zero has no sign', () => {
  for (const drop of [-1e-6, -0, 1e-6]) {
    expect(dropValue({ name: 'top1', drop_type: 'absolute' }, drop)).toBe('0.00 points');
    expect(dropValue({ name: 'top1', drop_type: 'relative' }, drop)).toBe('0.00 %');
    expect(metricValue('top1', drop)).toBe('0.00 %');
  }

  expect(dropValue({ name: 'top1', drop_type: 'absolute' }, -0.00006)).toBe('-0.01 points');
});
