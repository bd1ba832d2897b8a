// The end-to-end tests: builds the VSIX and runs the suites in the real workbench.
//   node test/e2e/run.mjs [--vsix FILE | --packed] [--once] [--long | SUITE…] [--step TEXT]
// --packed: the package that lies there, of a run just before.
// --step: only the steps whose names hold the text, for the one who is at work on them.
import * as esbuild from 'esbuild';
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { HERE } from '../../scripts/platforms.mjs';
import { bundleSuite } from './bundle.mjs';
import { runCampaign } from './campaign.mjs';
import { checkContents } from './contents.mjs';
import { runExtensionHost } from './exthost.mjs';
import { createStage } from './driver.mjs';
import { missingParts, ROOT } from './harness.mjs';
import { runHistory } from './history.mjs';
import { runInterrupted } from './interrupted.mjs';
import { runKeys } from './keys.mjs';
import { runModel } from './model.mjs';
import { runLiving } from './living.mjs';
import { runPanel } from './panel.mjs';
import { runPictures } from './pictures.mjs';
import { runReportPage } from './reportPage.mjs';
import { runRuns } from './runs.mjs';
import { runStart, runWalk } from './start.mjs';
import { runSweep } from './sweep.mjs';
import { runTrust } from './trust.mjs';
import { runUi } from './ui.mjs';

const checkPackage = ({ vsix }) => checkContents(vsix);

const SUITES = [
  ['package', 'in the package', checkPackage],
  ['host', 'in the extension host', runExtensionHost],
  ['ui', 'in the workbench', runUi],
  ['interrupted', 'runs that end before their time', runInterrupted],
  ['trust', 'programs that a config names', runTrust],
  ['page', 'the HTML report in a browser', runReportPage],
];

/** Of the 27 kills those at validate, rank and restore, one of each victim: all take minutes (`campaign.mjs`). */
const runMiddleKills = (stage) => runCampaign(stage, { from: 4, kills: 3 });

/** Longer ones, that run where they are named, and in CI with `--long`. */
const LONG_SUITES = [
  ['start', 'the ways in', runStart],
  ['campaign', 'kills in the middle of a run', runMiddleKills],
  ['keys', 'a model quantized without a mouse', runKeys],
  ['history', 'what is kept of runs', runHistory],
  ['panel', 'the panel of a report', runPanel],
  ['living', 'the living report', runLiving],
  ['walk', 'a new user with a real network', runWalk],
];

/** What CI has no time left for: by name only. */
const NAMED_SUITES = [
  ['runs', 'runs that speak', runRuns],
  ['model', 'the editor of .onnx files', runModel],
  ['sweep', 'the combinations of a matrix', runSweep],
];

/** What writes into the repository: by name only. */
const MAKING_SUITES = [['pictures', 'the pictures of the docs', runPictures]];

const missing = missingParts();
if (missing !== null) {
  // On a user's machine that is fine, and said (77: skipped); in CI it must not pass unnoticed.
  console.log(`The workbench tests need ${missing}.`);
  process.exit(process.env.CI === 'true' ? 1 : 77);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    vsix: { type: 'string' },
    packed: { type: 'boolean' },
    once: { type: 'boolean' },
    long: { type: 'boolean' },
    step: { type: 'string' },
  },
});
const pack = () =>
  execFileSync(process.execPath, [join(ROOT, 'scripts/package.mjs')], { encoding: 'utf8' }).trim();
const packed = values.packed ? `quantsmith-${HERE}.vsix` : undefined;
const vsix = values.vsix === undefined ? join(ROOT, packed ?? pack()) : resolve(values.vsix);
await bundleSuite(esbuild);
if (values.step !== undefined) process.env.QUANTSMITH_STEP = values.step;
const stage = createStage(vsix);
const totals = { passed: 0, failed: 0 };
const named = [...SUITES, ...LONG_SUITES, ...NAMED_SUITES, ...MAKING_SUITES].filter(([key]) =>
  positionals.includes(key),
);
const chosen = values.long ? LONG_SUITES : positionals.length === 0 ? SUITES : named;
for (const [, name, suite] of chosen) {
  const started = performance.now();
  console.log(name);
  let { passed, failed } = await suite(stage);
  if (failed > 0 && !values.once) {
    // A browser and an editor on a busy machine lose a key now and then; what is broken fails again in a fresh sandbox.
    console.log(`${name}, once more (the first time ${failed} failed)`);
    ({ passed, failed } = await suite(stage));
  }

  totals.passed += passed;
  totals.failed += failed;
  console.log(`  ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

await stage.strike();
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exit(totals.failed === 0 && totals.passed > 0 ? 0 : 1);
