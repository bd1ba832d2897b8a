// Drives the installed extension the way a person does, and takes a screenshot at every step.
import assert from 'node:assert/strict';
import { askUntil, runSteps } from './driver.mjs';

export const runUi = (stage) =>
  runSteps(stage, 'ui', [
    ['a wrong key is underlined', wrongKey],
    ['hover shows the docs of a key', hoverDocs],
    ['completion inserts an enum value', completionInserts],
    ['a run shows progress and ends with diagnostic and report', runShowsReport],
    ['overflow fixes are compared, with progress that can cancel', overflowCompared],
    ['a config is converted', converts],
    ['two reports are compared', comparesReports],
    ['past runs are listed, and a run leads to its report', historyShown],
    ['all runs are charted', runsCharted],
    ['a model is quantized by picking its data', quantizedByPicking],
    ['all of it is readable in a light theme', lightTheme],
  ]);

async function wrongKey({ page, visit, editor, shot }) {
  await visit('mistaken.quant.yaml');
  await editor().locator('.view-line').first().waitFor();
  await editor().locator('.squiggly-error').first().waitFor();
  await page.locator('.part.statusbar').getByText('Quantization Config (YAML)').waitFor();
  await shot('wrong-key');
}

async function hoverDocs({ page, editor, shot }) {
  await showHover({ page, editor }, 'prset', 'Did you mean "preset"');
  await shot('hover-diagnostic');
  await page.keyboard.press('Escape');
  await showHover({ page, editor }, 'target_device', 'Device that the model will run on');
  await shot('hover-key');
  await page.keyboard.press('Escape');
}

/** The hover of the first word of a line, by the keyboard: where a word lies on the screen depends on the grammar. */
function showHover({ page, editor }, word, expected) {
  const ask = async () => {
    await editor().locator('.view-line', { hasText: word }).click();
    await page.keyboard.press('Home');
    await page.keyboard.press('Control+K');
    await page.keyboard.press('Control+I');
  };

  return askUntil(page, ask, page.locator('.monaco-hover:visible').getByText(expected).first());
}

async function completionInserts({ page, editor, shot }) {
  await editor().locator('.view-line', { hasText: 'target_device' }).click();
  await page.keyboard.press('End');
  for (let i = 0; i < 3; i++) await page.keyboard.press('Backspace');
  await askUntil(
    page,
    () => page.keyboard.press('Control+Space'),
    page.locator('.suggest-widget.visible .monaco-list-row', { hasText: 'NPU' }).first(),
  );
  await shot('completion');
  await page.keyboard.type('CPU_S', { delay: 40 });
  await page.locator('.suggest-widget.visible .monaco-list-row.focused', { hasText: 'CPU_SPR' }).waitFor();
  await page.keyboard.press('Enter');
  await editor()
    .locator('.view-line', { hasText: /target_device:\s*CPU_SPR/ })
    .waitFor();
  // The fix of the wrong key, from the keyboard.
  const askForFixes = async () => {
    await editor().locator('.squiggly-error').first().waitFor();
    await editor().locator('.view-line', { hasText: 'prset' }).click();
    await page.keyboard.press('Control+.');
  };

  await askUntil(page, askForFixes, page.locator('.action-widget').getByText('Change to preset').first());
  await shot('quick-fix');
  await page.keyboard.press('Enter');
  await editor()
    .locator('.view-line', { hasText: /preset:\s*mixed/ })
    .waitFor();
  await editor().locator('.squiggly-error').first().waitFor({ state: 'detached' });
  await page.keyboard.press('Control+S');
  await page.locator('.tab.dirty').waitFor({ state: 'detached' });
}

async function runShowsReport({ page, openHere, command, toast, report, shot }) {
  await openHere('digits.quant.yaml');
  await command('Quantsmith: Run Quantization');
  await toast('Quantizing digits.quant.yaml').waitFor();
  await shot('progress');
  await report();
  await shot('report');
  await command('Problems: Focus on Problems View');
  await page.locator('.markers-panel').getByText('Accuracy restored').first().waitFor();
  await shot('problems');
}

/** The config in the first editor group, whatever panels stand beside it. */
const focusLine = ({ editor }, text) => editor().locator('.view-line', { hasText: text }).first().click();

async function overflowCompared(workbench) {
  const { page, openHere, command, toast, report, shot } = workbench;
  await openHere('wide.quant.yaml');
  await command('Quantsmith: Run Quantization');
  await report();
  await focusLine(workbench, 'overflow_fix');
  await command('Quantsmith: Compare Overflow Fixes');
  await toast('Comparing overflow fixes of wide.quant.yaml')
    .getByRole('button', { name: 'Cancel' })
    .first()
    .waitFor();
  await shot('overflow-progress');
  const shown = await report();
  await shown.getByText('auto', { exact: true }).first().waitFor();
  await shown.getByText('auto', { exact: true }).first().scrollIntoViewIfNeeded();
  await shot('overflow-report');
  await focusLine(workbench, 'overflow_fix');
  await command('Problems: Focus on Problems View');
  await page.locator('.markers-panel').getByText('before restoration: disable').first().waitFor();
  await shot('overflow-line');
}

async function converts({ page, openHere, command, shot }) {
  await openHere('digits.quant.yaml');
  await command('Quantsmith: Convert Quantization Config to YAML or JSON');
  await page.locator('.part.statusbar').getByText('Quantization Config (JSON)').waitFor();
  await page.locator('.view-line', { hasText: '"model": "digits.onnx"' }).first().waitFor();
  await shot('converted');
  await command('View: Revert and Close Editor');
}

async function comparesReports(workbench) {
  const { openHere, command, row, panel, shot } = workbench;
  await openHere('wide.quant.yaml');
  await command('Quantsmith: Compare Quantization Reports');
  await row('digits.int8.onnx').click();
  await panel().getByRole('heading', { name: 'Comparison' }).waitFor();
  // The history has kept the configs of both runs: what was asked for stands before what came of it.
  assert.equal(await panel().locator('h2').first().innerText(), 'Settings');
  await panel().getByText('Paired test of top1').waitFor();
  await shot('compared');
}

async function historyShown({ openHere, command, historyRow, report, shot }) {
  await openHere('digits.quant.yaml');
  await command('View: Show Quantsmith');
  await historyRow('digits.quant.yaml').first().waitFor();
  const run = historyRow('smaller').first();
  await run.waitFor();
  await shot('history');
  await run.click();
  await report();
  await shot('past-report');
}

async function runsCharted({ openHere, command, panel, shot }) {
  await openHere('digits.quant.yaml');
  await command('Quantsmith: Chart Accuracy against Latency and Size');
  await panel().getByRole('heading', { name: 'Runs' }).waitFor();
  await panel().locator('svg circle').first().waitFor();
  await shot('runs');
}

/** From the palette to a config, with folders whose names are not the usual ones. */
async function quantizedByPicking({ page, openHere, command, row, shot }) {
  await openHere('digits.quant.yaml');
  await command('Quantsmith: Quantize with Quantsmith…');
  // By the keyboard: the hint of a row that the mouse rests on covers its neighbours.
  const input = page.locator('.quick-input-widget:visible input').first();
  const focused = (text) => page.locator('.quick-input-list .monaco-list-row.focused', { hasText: text });
  const pick = async (text) => {
    await row(text).waitFor();
    await input.fill(text);
    await focused(text).first().waitFor();
    await page.keyboard.press('Enter');
  };

  await pick('walk.onnx');
  await row('eingaben').waitFor();
  await shot('pick-calibration');
  await pick('eingaben');
  // Both questions list folders: a key must not meet the first one's list.
  await page.getByText('Quantize 2/3').first().waitFor();
  await pick('pruefung');
  await page.getByText('Quantize 3/3').first().waitFor();
  await shot('pick-target');
  await pick('0.02');
  await page.locator('.tab', { hasText: 'walk.quant.yaml' }).first().waitFor();
  await page.locator('.view-line', { hasText: 'eingaben/' }).first().waitFor();
  await shot('picked');
  // The editor holds only the lines that are seen.
  await askUntil(
    page,
    () => page.keyboard.press('Control+End'),
    page.locator('.view-line', { hasText: 'max_drop: 0.02' }).first(),
  );
}

async function lightTheme(workbench) {
  const { page, openHere, command, report, shot } = workbench;
  await openHere('wide.quant.yaml');
  await command('Preferences: Toggle between Light/Dark Themes');
  await page.locator('.monaco-workbench.vs').waitFor();
  await focusLine(workbench, 'overflow_fix');
  await command('Quantsmith: Show Quantization Report');
  await report();
  await shot('light');
}
