import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      '{schemas,model,engine,service,server,cli,client,report,api}/test/**/*.test.ts',
      'test/**/*.test.ts',
    ],
    exclude: ['**/node_modules/**', 'test/e2e/**'],
    root: fileURLToPath(new URL('.', import.meta.url)),
    // Against hanging only: no test is about time.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    pool: 'forks',
    // By default one core stays idle, which on two is half of them.
    maxWorkers: '100%',
    globalSetup: 'test/globalSetup.ts',
    setupFiles: 'test/kit/childCoverage.ts',
    reporters: ['default', './test/kit/skipReporter.ts'],
  },
});
