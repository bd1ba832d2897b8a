import type { TestedProcessor } from '@quantsmith/schemas';

/** The processor of a run. */
export const RUN: TestedProcessor = {
  processor: {
    ...{ protocol: 1, tool: '1.0.0', runtime: '1.30.0', arch: 'x64', isa: ['avx2', 'avx512'], threads: 1 },
  },
  canary: { sha256: 'a', values: [1, 2, 3] },
};
