// Runs that speak: progress, queue, stop, messages, tasks, tests.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runSteps, until } from './driver.mjs';
import { haltAt, haltedEngine, letGo, prepareHalts, signal } from './halt.mjs';
import { fillWorkspace } from './workspace.mjs';

export const runRuns = (stage) =>
  runSteps(
    stage,
    'runs',
    [
      ['a run says how far it is everywhere, another waits, and both say how they ended', speaks],
      ['restoration is stopped and the best model kept', keepsBest],
      ['configs are tests: green where the target is met, a message on its line where it is missed', asTests],
      ['a task runs a config and its problems are matched', asTask],
    ],
    { fill, prepare: prepareHalts, settings: { 'terminal.integrated.gpuAcceleration': 'off' } },
  );

/** Two bits do not suffice for this network, and no more than one operator may go back to float. */
const MISSED = `model: digits.onnx
output: missed.int8.onnx
data:
  calibration: { arrays: data/calibration.npy, preprocess: &digits { scale: 16 } }
  validation: { arrays: data/validation.npy, labels: data/validation-labels.npy, preprocess: *digits }
quantization:
  advanced_parameters:
    weights_quantization_params: { num_bits: 2, per_channel: false }
accuracy_control:
  metric: top1
  max_drop: 0
  advanced_accuracy_restorer_params: { max_num_iterations: 1 }
`;

function fill(folder) {
  fillWorkspace(folder);
  for (const name of ['mistaken', 'digits-default']) rmSync(join(folder, `${name}.quant.yaml`));
  writeFileSync(join(folder, 'missed.quant.yaml'), MISSED);
}

const status = (page) => page.locator('.part.statusbar');

/** So old a run has to be before it says how long it will still take. */
const EARLY_MS = 3000;

async function speaks(workbench) {
  const { sandbox, openHere, command, toast, shot, panel } = workbench;
  await openHere('digits.quant.yaml');
  haltAt(sandbox, 'calibrate');
  try {
    await command('Quantsmith: Run Quantization');
    const engine = await haltedEngine(sandbox);
    const begun = performance.now();
    await whileCalibrating(workbench);
    await until('a run that estimates its end', () => performance.now() - begun > EARLY_MS);
    haltAt(sandbox, 'best drop');
    signal(engine, 'SIGCONT');
    await whileRestoring(workbench);
  } finally {
    letGo(sandbox);
  }

  const first = toast('digits.quant.yaml: target met');
  await first.waitFor();
  for (const name of ['Report', 'Problems', 'Log']) await first.getByRole('button', { name }).waitFor();
  await toast('wide.quant.yaml: quantized').waitFor();
  await shot('ended');
  await first.getByRole('button', { name: 'Log' }).click();
  await showsLog(workbench, /wide\.quant\.yaml:\s+write/);
  await shot('log');
  await toast('wide.quant.yaml: quantized').getByRole('button', { name: 'Report' }).click();
  await panel().getByRole('heading', { name: 'Quantization report' }).waitFor();
}

/** The log's view shows what its file holds. A workbench without its native logger (`install.mjs`) has no file, and an empty view. */
async function showsLog({ page, sandbox }, text) {
  assert.match(logOf(sandbox), text);
  await page.locator('.part.panel .output-view .view-line', { hasText: text }).first().waitFor();
}

/** What the log's file holds. */
function logOf({ user }) {
  const name = readdirSync(join(user, 'logs'), { recursive: true }).find((entry) =>
    /Quantsmith\.log$/.test(entry),
  );
  assert.ok(name !== undefined, 'the workbench writes no logs: was its native logger built?');
  return readFileSync(join(user, 'logs', name), 'utf8');
}

async function whileCalibrating({ page, command, toast, shot, row }) {
  await status(page)
    .getByText(/digits\.quant\.yaml \d+ %/)
    .waitFor();
  // The run button has turned into one that cancels.
  const actions = page.locator('.editor-actions');
  await actions.getByRole('button', { name: /Cancel Quantization/ }).waitFor();
  assert.equal(await actions.getByRole('button', { name: /Run Quantization/ }).count(), 0);
  await shot('progress');
  await command('Quantsmith: Stop or Cancel Quantization');
  await row('Stop and Keep Best').waitFor();
  await shot('run-menu');
  await page.keyboard.press('Escape');
  // Its language status tells the same.
  await page.locator('#status\\.languageStatus').click();
  await page
    .getByText(/Quantsmith: digits\.quant\.yaml \d+ %/)
    .first()
    .waitFor();
  await shot('language-status');
  await page.keyboard.press('Escape');
  // A second one waits.
  await command('Go to File');
  await page.keyboard.type('wide.quant.yaml');
  await row('wide.quant.yaml').waitFor();
  await page.keyboard.press('Enter');
  await page.locator('.tab.active', { hasText: 'wide.quant.yaml' }).waitFor();
  await command('Quantsmith: Run Quantization');
  await toast('Quantizing wide.quant.yaml').getByText('queued').waitFor();
  await status(page).getByText('(+1)').waitFor();
  await shot('queue');
  await command('View: Close All Editors');
}

/** How far restoration is, and how long the whole run will still take. */
async function whileRestoring({ page, historyRow, command, shot }) {
  const said =
    /digits\.quant\.yaml \d+ %: restore.* best drop [\d.]+ with \d+ operators? in float, about \d+ \w+ left/;
  await status(page).getByText(said).waitFor();
  await command('View: Show Quantsmith');
  await historyRow('digits.quant.yaml').getByText('running').waitFor();
  await historyRow('wide.quant.yaml').getByText('waits for another run').waitFor();
  await shot('restoring');
}

async function keepsBest(workbench) {
  const { sandbox, page, openHere, command, panel, shot, row } = workbench;
  await openHere('digits.quant.yaml');
  haltAt(sandbox, 'calibrate');
  try {
    await command('Quantsmith: Run Quantization');
    await haltedEngine(sandbox);
    await command('Quantsmith: Stop or Cancel Quantization');
    await row('Stop and Keep Best').waitFor();
    await page.keyboard.press('Enter');
    await row('Stop and Keep Best').waitFor({ state: 'hidden' });
  } finally {
    letGo(sandbox);
  }

  await panel().getByText('Stopped on request; this is the best model so far.').first().waitFor();
  await shot('kept');
}

async function asTests({ page, openHere, command, shot }) {
  await openHere('missed.quant.yaml');
  await command('View: Close Other Editors in Group');
  await command('Testing: Focus on Test Explorer View');
  const test = (name) => page.locator('.test-explorer .monaco-list-row', { hasText: name });
  await test('missed.quant.yaml').waitFor();
  await command('Test: Run All Tests');
  await page
    .locator('.test-explorer .monaco-list-row[aria-label*="missed.quant.yaml"][aria-label*="Failed"]')
    .waitFor();
  await page
    .locator('.test-explorer .monaco-list-row[aria-label*="digits.quant.yaml"][aria-label*="Passed"]')
    .waitFor();
  await page
    .locator('.test-error-content-widget', { hasText: /dropped|damaged/ })
    .first()
    .waitFor();
  await shot('tests');
}

async function asTask({ page, openHere, command, row, shot }) {
  await openHere('digits.quant.yaml');
  await command('Tasks: Run Task');
  await row('quantsmith').click();
  await row('quantize digits.quant.yaml').click();
  const terminal = page.locator('.terminal-wrapper.active .xterm-rows');
  await terminal.getByText('Report: ').first().waitFor();
  await shot('task');
  await command('View: Close All Editors');
  await command('Problems: Focus on Problems View');
  await page.locator('.markers-panel').getByText('digits.quant.yaml').first().waitFor();
  await shot('task-problems');
}
