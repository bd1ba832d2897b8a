// The end-to-end tests: builds the VSIX and runs the suites in the real workbench.
import * as esbuild from 'esbuild';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { bundleSuite } from './bundle.mjs';
import { checkContents } from './contents.mjs';
import { runExtensionHost } from './exthost.mjs';
import { missingParts, ROOT } from './harness.mjs';
import { runReportPage } from './reportPage.mjs';
import { runUi } from './ui.mjs';

const missing = missingParts();
if (missing !== null) {
  // On a user's machine that is fine; in CI it must not pass unnoticed.
  console.log(`The workbench tests need ${missing}.`);
  process.exit(process.env.CI === 'true' ? 1 : 0);
}
const vsix = join(
  ROOT,
  execFileSync(process.execPath, [join(ROOT, 'scripts/package.mjs')], { encoding: 'utf8' }).trim(),
);
await bundleSuite(esbuild);
const totals = { passed: 0, failed: 0 };
for (const [name, suite] of [
  ['in the package', checkContents],
  ['in the extension host', runExtensionHost],
  ['in the workbench', runUi],
  ['the HTML report in a browser', runReportPage],
]) {
  console.log(name);
  let { passed, failed } = await suite(vsix);
  if (failed > 0) {
    // A browser and an editor on a busy machine lose a key now and then; what is broken fails again in a fresh sandbox.
    console.log(`${name}, once more (the first time ${failed} failed)`);
    ({ passed, failed } = await suite(vsix));
  }
  totals.passed += passed;
  totals.failed += failed;
}
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exit(totals.failed === 0 && totals.passed > 0 ? 0 : 1);
