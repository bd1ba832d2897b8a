// Runs the mocha suite inside the real extension host, with the extension installed from its VSIX.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  installExtension,
  launchBrowser,
  makeSandbox,
  remote,
  ROOT,
  startServer,
  workbenchUrl,
} from './harness.mjs';
import { fillWorkspace } from './workspace.mjs';

const TIMEOUT_MS = 180_000;

/** Returns {passed, failed}; a suite that never reports counts as one failure. */
export async function runExtensionHost({ vsix }) {
  const sandbox = makeSandbox();
  fillWorkspace(sandbox.workspace);
  installExtension(sandbox, vsix);
  // An empty extension is the one "under development": the real one comes from the VSIX.
  const helper = join(sandbox.root, 'helper');
  mkdirSync(helper);
  writeFileSync(
    join(helper, 'package.json'),
    JSON.stringify({
      name: 'test-runner',
      publisher: 'quantsmith',
      version: '0.0.0',
      engines: { vscode: '*' },
    }),
  );
  const resultsFile = join(sandbox.root, 'results.json');
  const server = await startServer(sandbox, { driver: true, env: { QUANTSMITH_TEST_RESULTS: resultsFile } });
  const { context, page } = await launchBrowser(sandbox);
  let code = null;
  try {
    const ended = new Promise(
      (resolve) => void context.exposeFunction('codeAutomationExit', (status) => resolve(status)),
    );
    await context.exposeFunction('codeAutomationLog', () => undefined);
    await page.goto(
      workbenchUrl(server, sandbox.workspace, [
        ['extensionDevelopmentPath', remote(server, helper)],
        ['extensionTestsPath', remote(server, join(ROOT, 'test/e2e/out/index.cjs'))],
      ]),
    );
    let timer;
    const late = new Promise(
      (_, reject) =>
        (timer = setTimeout(() => reject(new Error('the suite did not end in time')), TIMEOUT_MS)),
    );
    code = await Promise.race([ended, late]).finally(() => clearTimeout(timer));
  } catch (error) {
    console.error(error);
    await page.screenshot({ path: join(ROOT, '.tools/shots/exthost-failure.png') }).catch(() => undefined);
  } finally {
    await context.close().catch(() => undefined);
    await server.stop();
  }

  // The exit code alone says nothing: a host that crashed ends with 0.
  const results = existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, 'utf8')).results : [];
  for (const { title, state, ms, error } of results)
    console.log(`  ${state === 'passed' ? 'ok' : state}: ${title} (${ms} ms)${error ? `\n${error}` : ''}`);
  sandbox.dispose();
  const passed = results.filter(({ state }) => state === 'passed').length;
  const failed = results.filter(({ state }) => state === 'failed').length;
  return { passed, failed: failed + (results.length === 0 || (code !== 0 && failed === 0) ? 1 : 0) };
}
