import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Mocha from 'mocha';

interface Result {
  readonly title: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly ms?: number | undefined;
  readonly error?: string;
}

/** What an extension host calls: VS Code's own (through @vscode/test-electron) and code-server's alike. */
export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: 'tdd', timeout: 120_000 });
  mocha.addFile(join(__dirname, 'extension.cjs'));
  const results: Result[] = [];
  const failures = await new Promise<number>((resolve) => {
    const runner = mocha.run(resolve);
    runner.on('pass', (test) =>
      results.push({ title: test.fullTitle(), state: 'passed', ms: test.duration }),
    );
    runner.on('pending', (test) => results.push({ title: test.fullTitle(), state: 'skipped' }));
    runner.on('fail', (test, error: Error) =>
      results.push({
        title: test.fullTitle(),
        state: 'failed',
        ms: test.duration,
        error: error.stack ?? error.message,
      }),
    );
  });
  writeFileSync(
    process.env['QUANTSMITH_TEST_RESULTS'] ?? join(__dirname, 'results.json'),
    JSON.stringify({ results }),
  );
  if (failures > 0) throw new Error(`${failures} tests failed`);
}
