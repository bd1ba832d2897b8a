// Checks all types: those of the sources and tests, and of the two parts that a browser runs.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const results = ['.', 'report/page', 'webview'].map((project) =>
  spawnSync(process.execPath, ['node_modules/typescript-native/bin/tsc', '--noEmit', '-p', project], {
    cwd: root,
    stdio: 'inherit',
  }),
);
process.exit(results.every(({ status }) => status === 0) ? 0 : 1);
