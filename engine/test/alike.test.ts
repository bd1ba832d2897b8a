import { describe, expect, it } from 'vitest';
import type { HostTensor } from '@quantsmith/model/arrays';
import { alikeProblems } from '../src/data/alike.js';

const tensor = (dims: readonly number[], data: readonly number[]): HostTensor => ({
  ...{ type: 'float32', dims, data: Float32Array.from(data) },
});

describe('samples that are alike', () => {
  const source = (values: readonly number[]) =>
    ({
      count: values.length,
      get: (index: number) => Promise.resolve({ feeds: { x: tensor([1], [values[index]!]) } }),
    }) as unknown as Parameters<typeof alikeProblems>[0];
  it('are counted', async () => {
    const [found] = await alikeProblems(source([1, 1, 1, 2, 2, 3]), 'calibration');
    expect(found).toMatchObject({ code: 'samples-alike', data: { samples: 6, distinct: 3 } });
    const [all] = await alikeProblems(source([1, 1, 1, 1]), 'calibration');
    expect(all?.message).toMatch(/^3 of the first 4 .* which leaves 1 distinct\.$/);
    expect(await alikeProblems(source([1, 2, 3, 4, 5, 5]), 'validation')).toEqual([]);
    expect(await alikeProblems(source([1, 1]), 'calibration')).toEqual([]);
    expect(await alikeProblems(source([1, 2, 3, 4, 4, 4]), 'calibration', 4)).toEqual([]);
  });

  it('are not those that differ in a single value, wherever that is', async () => {
    const length = 1000;
    const differing = (places: readonly number[]) =>
      places.map((place) =>
        tensor(
          [length],
          Array.from({ length }, (_, i) => (i === place ? 1 : 0)),
        ),
      );
    const of = (samples: readonly HostTensor[]) =>
      ({
        count: samples.length,
        get: (index: number) => Promise.resolve({ feeds: { x: samples[index]! } }),
      }) as unknown as Parameters<typeof alikeProblems>[0];
    expect(await alikeProblems(of(differing([1, 2, 3, 4, 999])), 'calibration')).toEqual([]);
    const [found] = await alikeProblems(of(differing([1, 2, 2, 2])), 'calibration');
    expect(found?.data).toMatchObject({ samples: 4, distinct: 2 });
  });
});
