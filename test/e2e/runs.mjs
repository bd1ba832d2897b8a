// Runs that speak, and what is kept of them: progress, queue, stop, messages, tests, history.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askUntil, leftovers, processesOf, runSteps, until } from './driver.mjs';
import { fillWorkspace } from './workspace.mjs';

export const runRuns = (vsix) =>
  runSteps(
    vsix,
    'runs',
    [
      ['a run says how far it is everywhere, another waits, and both say how they ended', speaks],
      ['restoration is stopped and the best model kept', keepsBest],
      ['configs are tests: green where the target is met, a message on its line where it is missed', asTests],
      ['a task runs a config and its problems are matched', asTask],
      ['runs of a config are compared, two and many, with their settings first', compares],
      ['the config of a run is restored, and runs are deleted', restoresAndDeletes],
      ['a point of the chart opens its report', chartLeadsToReport],
      ['configs of several folders are told apart', severalFolders],
    ],
    { fill, settings: { 'terminal.integrated.gpuAcceleration': 'off' } },
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

async function paused({ sandbox }) {
  const [engine] = await until('an engine', () => {
    const found = processesOf(sandbox, 'engine.cjs');
    return found.length > 0 && leftovers(sandbox.workspace).length > 0 && found;
  });
  process.kill(engine, 'SIGSTOP');
  return () => process.kill(engine, 'SIGCONT');
}

async function speaks(workbench) {
  const { page, open, command, toast, shot, panel } = workbench;
  await open('digits.quant.yaml');
  await command('Quantsmith: Run Quantization');
  const goOn = await paused(workbench);
  try {
    await whilePaused(workbench);
  } finally {
    goOn();
  }

  const first = toast('digits.quant.yaml: target met');
  await first.waitFor();
  for (const name of ['Report', 'Problems', 'Log']) await first.getByRole('button', { name }).waitFor();
  await toast('wide.quant.yaml: quantized').waitFor();
  await shot('ended');
  await first.getByRole('button', { name: 'Log' }).click();
  await page
    .locator('.part.panel .view-line', { hasText: /wide\.quant\.yaml:\s+write/ })
    .first()
    .waitFor();
  await shot('log');
  await toast('wide.quant.yaml: quantized').getByRole('button', { name: 'Report' }).click();
  await panel().getByRole('heading', { name: 'Quantization report' }).waitFor();
}

async function whilePaused({ page, command, toast, shot, row }) {
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

async function keepsBest(workbench) {
  const { page, open, command, panel, shot, row } = workbench;
  await open('digits.quant.yaml');
  await command('Quantsmith: Run Quantization');
  const goOn = await paused(workbench);
  try {
    await command('Quantsmith: Stop or Cancel Quantization');
    await row('Stop and Keep Best').waitFor();
    await page.keyboard.press('Enter');
    await row('Stop and Keep Best').waitFor({ state: 'hidden' });
  } finally {
    goOn();
  }

  await panel().getByText('Stopped on request; this is the best model so far.').first().waitFor();
  await shot('kept');
}

async function asTests({ page, open, command, shot }) {
  await open('missed.quant.yaml');
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

async function asTask({ page, open, command, row, shot }) {
  await open('digits.quant.yaml');
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

/** The rows of runs in the view, below their configs. */
async function showRuns({ open, command, historyRow }) {
  await open('digits.quant.yaml');
  await command('View: Show Quantsmith');
  await historyRow('smaller').first().waitFor();
  return historyRow('smaller');
}

async function compares(workbench) {
  const { page, panel, shot, command, choose } = workbench;
  const runs = await showRuns(workbench);
  const count = await runs.count();
  assert.ok(count >= 3, `${count} runs`);
  await shot('history');
  // The first is of digits, the last of another config.
  await runs.first().click();
  await runs.last().click({ modifiers: ['Control'] });
  await choose(runs.last(), 'Compare Selected Runs');
  await panel().getByRole('heading', { name: 'Settings' }).waitFor();
  await panel().getByRole('heading', { name: 'Comparison' }).waitFor();
  await shot('two-runs');
  await command('View: Close All Editors');
  await runs.first().click();
  await runs.nth(1).click({ modifiers: ['Control'] });
  await runs.last().click({ modifiers: ['Control'] });
  await choose(runs.last(), 'Compare Selected Runs');
  await panel().getByRole('heading', { name: 'Runs' }).waitFor();
  await panel().getByRole('columnheader', { name: 'Paired test' }).waitFor();
  await shot('many-runs');
  // The same by the keyboard.
  await command('View: Close All Editors');
  await runs.first().click();
  await page.keyboard.press('Shift+ArrowDown');
  await command('Quantsmith: Compare Selected Runs');
  await panel().getByRole('heading', { name: 'Comparison' }).waitFor();
}

async function restoresAndDeletes(workbench) {
  const { page, command, editor, write, read, shot, choose } = workbench;
  const before = read('digits.quant.yaml');
  write('digits.quant.yaml', before.replace('max_drop: 0.01', 'max_drop: 0.05'));
  const runs = await showRuns(workbench);
  const drop = (value) => editor().locator('.view-line', { hasText: new RegExp(`max_drop:\\s*${value}`) });
  // The editor holds only the lines that are seen.
  const toTheEnd = async () => {
    await editor().click({ position: { x: 300, y: 60 } });
    await page.keyboard.press('Control+End');
  };
  await askUntil(page, toTheEnd, drop('0\\.05'));
  await choose(runs.first(), 'Restore Config of This Run');
  await askUntil(page, toTheEnd, drop('0\\.01'));
  await shot('restored');
  await command('File: Save');
  assert.equal(read('digits.quant.yaml'), before);
  const count = await runs.count();
  await runs.first().click();
  const confirm = page.locator('.monaco-dialog-box').getByRole('button', { name: 'Delete' });
  await askUntil(page, () => page.keyboard.press('Delete'), confirm);
  await confirm.click();
  await until('one run less', async () => (await runs.count()) === count - 1);
  write('digits.quant.yaml', before);
  // The next window opens the config where this one leaves it: at its lens.
  await editor().click({ position: { x: 300, y: 60 } });
  await page.keyboard.press('Control+Home');
}

async function chartLeadsToReport({ page, open, command, panel, shot }) {
  await open('digits.quant.yaml');
  await command('View: Close All Editors');
  await command('Quantsmith: Chart Accuracy against Latency and Size');
  await panel().getByRole('heading', { name: 'Runs' }).waitFor();
  await panel().locator('svg a').first().focus();
  await shot('chart');
  await page.keyboard.press('Enter');
  await page.locator('.tab', { hasText: 'Report: ' }).first().waitFor();
}

async function severalFolders({ page, sandbox, server, command, historyRow, shot }) {
  const other = join(sandbox.root, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'second.quant.yaml'), 'model: second.onnx\n');
  const file = join(sandbox.root, 'both.code-workspace');
  writeFileSync(file, JSON.stringify({ folders: [{ path: sandbox.workspace }, { path: other }] }));
  await page.goto(`http://${server.authority}/?workspace=${file}`);
  await page.locator('.part.statusbar').waitFor();
  await command('View: Show Quantsmith');
  await historyRow('workspace/digits.quant.yaml').waitFor();
  await historyRow('other/second.quant.yaml').waitFor();
  await shot('several-folders');
}
