// What is kept of runs: the view "Quantization", comparisons, configs that are restored, the chart, several folders.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { askUntil, frameTitled, runSteps, until } from './driver.mjs';
import { fillWorkspace, runInTerminal } from './workspace.mjs';

export const runHistory = (stage) =>
  runSteps(
    stage,
    'history',
    [
      ['runs of a config are compared, two and many, with their settings first', compares],
      ['a reloaded window shows comparison and chart again', pagesSurviveReload],
      ['the config of a run is restored, and runs are deleted', restoresAndDeletes],
      ['a point of the chart opens its report', chartLeadsToReport],
      ['configs of several folders are told apart', severalFolders],
    ],
    { fill },
  );

/** A folder in which somebody has worked: three runs of two configs. */
function fill(folder) {
  fillWorkspace(folder);
  for (const name of ['mistaken', 'digits-default']) rmSync(join(folder, `${name}.quant.yaml`));
  for (const config of ['wide', 'digits', 'digits']) runInTerminal(folder, ['run', `${config}.quant.yaml`]);
}

/** The rows of runs in the view, below their configs. */
async function showRuns({ openHere, command, historyRow }) {
  await openHere('digits.quant.yaml');
  await command('View: Show Quantsmith');
  await historyRow('smaller').first().waitFor();
  return historyRow('smaller');
}

async function compares(workbench) {
  const { page, panel, shot, command, choose, historyRow } = workbench;
  const runs = await showRuns(workbench);
  const count = await runs.count();
  assert.ok(count >= 3, `${count} runs`);
  // Date, trend against the run before, metric, size and latency.
  assert.match(
    (await runs.first().innerText()).replaceAll('\n', ' '),
    /\d\d-\d\d \d\d:\d\d:\d\d\s*= top1 [\d.]+ %, [\d.]+× smaller, [\d.]+ ms/,
  );
  await historyRow('digits.quant.yaml').getByText('up to date').waitFor();
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
  for (const name of ['Paired test', 'Size', 'Latency'])
    await panel().getByRole('columnheader', { name }).first().waitFor();
  await panel().getByRole('heading', { name: 'Layers that changed most' }).waitFor();
  await shot('many-runs');
  // The same by the keyboard.
  await command('View: Close All Editors');
  await runs.first().click();
  await page.keyboard.press('Shift+ArrowDown');
  await command('Quantsmith: Compare Selected Runs');
  await panel().getByRole('heading', { name: 'Comparison' }).waitFor();
}

async function pagesSurviveReload(workbench) {
  const { page, visit, command, shot, choose, historyRow } = workbench;
  // Without a file to open: a window that has one shows it in place of what it had.
  await visit();
  await command('View: Show Quantsmith');
  const runs = historyRow('smaller');
  await runs.first().click();
  await runs.last().click({ modifiers: ['Control'] });
  await choose(runs.last(), 'Compare Selected Runs');
  await frameTitled(page, 'Comparison');
  await command('Quantsmith: Chart Accuracy against Latency and Size');
  await frameTitled(page, 'Runs');
  // As a user does it: a window whose page is simply left may lose what it had a moment ago.
  const gone = page.waitForEvent('load');
  await command('Developer: Reload Window').catch(() => undefined);
  await gone;
  await frameTitled(page, 'Runs');
  await shot('reloaded-Runs');
  await page.locator('.tab', { hasText: 'Comparison: ' }).click();
  await frameTitled(page, 'Comparison');
  await shot('reloaded-Comparison');
}

async function restoresAndDeletes(workbench) {
  const { page, command, editor, write, read, shot, choose, historyRow } = workbench;
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
  // The config is another than the one that was run.
  await historyRow('digits.quant.yaml').getByText('changed since the last run').waitFor();
  await choose(runs.first(), 'Restore Config of This Run');
  await askUntil(page, toTheEnd, drop('0\\.01'));
  await shot('restored');
  await command('File: Save');
  await until('the restored config on the disk', () => read('digits.quant.yaml') === before);
  await historyRow('digits.quant.yaml').getByText('up to date').waitFor();
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

async function chartLeadsToReport({ page, openHere, command, panel, shot }) {
  await openHere('digits.quant.yaml');
  await command('View: Close All Editors');
  await command('Quantsmith: Chart Accuracy against Latency and Size');
  await panel().getByRole('heading', { name: 'Runs' }).waitFor();
  for (const axis of ['latency', 'size']) await panel().getByText(`top1 against ${axis}.`).first().waitFor();
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
  await historyRow(`${basename(sandbox.workspace)}/digits.quant.yaml`).waitFor();
  await historyRow('other/second.quant.yaml').waitFor();
  await shot('several-folders');
}
