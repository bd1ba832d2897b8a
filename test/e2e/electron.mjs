// The same mocha suite in desktop VS Code, where one can be downloaded: npm run test:electron.
import * as esbuild from 'esbuild';
import { runTests } from '@vscode/test-electron';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './harness.mjs';
import { bundleSuite } from './bundle.mjs';
import { fillWorkspace } from './workspace.mjs';

await bundleSuite(esbuild);
const workspace = mkdtempSync(join(tmpdir(), 'quantsmith-electron-'));
fillWorkspace(workspace);
await runTests({
  extensionDevelopmentPath: ROOT,
  extensionTestsPath: join(ROOT, 'test/e2e/out/index.cjs'),
  launchArgs: [workspace, '--disable-extensions', '--disable-workspace-trust'],
});
