import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Where coverage is measured to (scripts/coverage.mjs), if it is. */
const coverage = process.env['QUANTSMITH_COVERAGE'];

const kit = (name: string) => fileURLToPath(new URL(`test/kit/${name}`, import.meta.url));

/** Property tests get fast-check as test/kit/fastCheck.ts sets it up. */
const seeded = {
  name: 'seeded-fast-check',
  resolveId: (id: string, importer?: string) =>
    id === 'fast-check' && importer !== kit('fastCheck.ts') ? kit('fastCheck.ts') : null,
};

export default defineConfig({
  plugins: [seeded],
  resolve: {
    // The modules that only an editor has.
    alias: [
      { find: /^vscode$/, replacement: kit('vscode.ts') },
      { find: /^vscode-languageclient\/node$/, replacement: kit('languageClient.ts') },
    ],
  },
  test: {
    include: [
      '{schemas,model,engine,service,server,cli,client,report,scale,webview,api}/test/**/*.test.ts',
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
    coverage: {
      enabled: coverage !== undefined,
      include: ['*/src/**/*.ts'],
      exclude: ['**/generated/**'],
      reporter: ['json'],
      reportOnFailure: true,
      reportsDirectory: join(coverage ?? '.', 'tests'),
    },
    reporters: ['default', './test/kit/skipReporter.ts'],
  },
});
