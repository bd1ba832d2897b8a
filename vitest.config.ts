import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{schemas,engine,server,cli,client,report}/test/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/e2e/**'],
    root: fileURLToPath(new URL('.', import.meta.url)),
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // Nothing that an earlier build computed is read.
    env: { QUANTSMITH_CACHE: mkdtempSync(join(tmpdir(), 'quantsmith-test-cache-')) },
    reporters: ['default'],
  },
});
