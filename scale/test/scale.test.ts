import { describe, expect, it } from 'vitest';
import type { TestedProcessor } from '@quantsmith/schemas';
import { queueName, type WorkerFacts } from '../src/names.js';
import { whyNotUsed } from '../src/refusal.js';
import { RUN } from './processors.js';

const worker = (changes: Partial<TestedProcessor>): WorkerFacts => ({
  name: 'host, process 7',
  tested: { ...RUN, ...changes },
  modules: false,
});

describe('workers', () => {
  it('share a queue where versions, instruction sets, threads and bits are the same', () => {
    const { processor } = RUN;
    const others = [
      worker({ processor: { ...processor, isa: ['avx2'] } }),
      worker({ processor: { ...processor, threads: 2 } }),
      worker({ processor: { ...processor, runtime: '1.29.0' } }),
      worker({ processor: { ...processor, tool: '2.0.0' } }),
      worker({ processor: { ...processor, protocol: 2 } }),
      worker({ processor: { ...processor, arch: 'arm64' } }),
      worker({ canary: { sha256: 'b', values: [1, 2, 4] } }),
    ];
    const names = [RUN, ...others.map(({ tested }) => tested)].map((tested) => queueName(tested, false));
    expect(new Set(names).size).toBe(others.length + 1);
    expect(queueName({ ...RUN }, false)).toBe(names[0]);
    expect(queueName(RUN, true)).toBe(`${names[0]}-modules`);
    expect(whyNotUsed(worker({}), RUN)).toBeNull();
    expect(others.map((other) => whyNotUsed(other, RUN)?.isRefused)).toEqual([...Array(6).fill(false), true]);
  });

  it('are refused with the figures where they compute otherwise', () => {
    const other = worker({ canary: { sha256: 'b', values: [1, 2.5, 4] } });
    expect(whyNotUsed(other, RUN)?.text).toContain(
      '2 of 3 results differ, the first (1) is 2.5 instead of 2',
    );
    // Zeros of other signs are equal numbers, and other bits.
    const zeros = worker({ canary: { sha256: 'b', values: [1, 2, 3] } });
    expect(whyNotUsed(zeros, RUN)?.text).toContain('computes differently: the bits of its results differ.');
  });
});
