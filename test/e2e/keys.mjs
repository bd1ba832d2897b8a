/* global window */
// From a model to a comparison of its runs without a mouse.
import assert from 'node:assert/strict';
import { askUntil, runSteps, until } from './driver.mjs';

const CONFIG = 'walk.quant.yaml';

export const runKeys = (stage) =>
  runSteps(stage, 'keys', [
    ['a config is made by keys alone', makes],
    ['it is run, and its report read', reads],
    ['two of its runs are picked in the history and compared', compares],
  ]);

/** Runs a command by its name, without a click. */
async function byKeys(page, title) {
  const input = page.locator('.quick-input-widget:visible input').first();
  const focused = page.locator(`.quick-input-list .monaco-list-row.focused[aria-label^="${title}"]`);
  await askUntil(
    page,
    async () => {
      await page.keyboard.press('F1');
      await input.waitFor();
      await page.keyboard.type(title);
    },
    focused,
  );
  await page.keyboard.press('Enter');
}

/** Types until the row that is meant has the focus, and takes it. */
async function pick({ page, row }, text) {
  await row(text).waitFor();
  await page.keyboard.type(text);
  await page.locator('.quick-input-list .monaco-list-row.focused', { hasText: text }).waitFor();
  await page.keyboard.press('Enter');
}

async function makes(workbench) {
  const { page, visit, shot } = workbench;
  await visit();
  await page.locator('.part.statusbar').waitFor();
  await byKeys(page, 'Quantsmith: Quantize with Quantsmith…');
  await pick(workbench, 'walk.onnx');
  await pick(workbench, 'eingaben');
  await page.getByText('Quantize 2/3').first().waitFor();
  await pick(workbench, 'pruefung');
  await page.getByText('Quantize 3/3').first().waitFor();
  await pick(workbench, '0.02');
  await page.locator('.tab', { hasText: CONFIG }).first().waitFor();
  await shot('made');
}

async function reads({ page, panel, shot }) {
  await byKeys(page, 'Quantsmith: Run Quantization');
  await panel().getByRole('heading', { name: 'Quantization report' }).waitFor();
  // Into the page, and on through it: what scrolls can be reached.
  await byKeys(page, 'View: Focus Right Editor Group');
  const reached = panel().locator('[tabindex="0"]:focus, a:focus').first();
  await askUntil(page, () => page.keyboard.press('Tab'), reached);
  await shot('read');
  await byKeys(page, 'View: Focus Left Editor Group');
  await byKeys(page, 'Quantsmith: Run Quantization');
  await page.locator('.part.statusbar').getByText(`${CONFIG} `).waitFor();
  await page.locator('.part.statusbar').getByText(`${CONFIG} `).waitFor({ state: 'hidden' });
}

async function compares({ page, panel, historyRow, shot }) {
  await byKeys(page, 'View: Show Quantsmith');
  await until('two runs', async () => (await historyRow('smaller').count()) === 2);
  await byKeys(page, 'Quantsmith: Focus on Quantization View');
  const focused = page.locator('.part.sidebar .monaco-list-row.focused', { hasText: 'smaller' });
  await until('a run with the focus', async () => {
    if (await focused.isVisible()) return true;
    await page.keyboard.press('ArrowDown');
    // What the key did is on the screen with the next frame.
    await page.evaluate(() => new Promise((resolve) => window.requestAnimationFrame(() => resolve())));
    return false;
  });
  await page.keyboard.press('Enter');
  await page.locator('.tab.active', { hasText: 'Report: walk.int8.onnx' }).waitFor();
  await byKeys(page, 'Quantsmith: Focus on Quantization View');
  await page.keyboard.press('Shift+ArrowDown');
  const selected = page.locator('.part.sidebar .monaco-list-row.selected', { hasText: 'smaller' });
  await until('a selection', async () => (await selected.count()) > 0);
  await byKeys(page, 'Quantsmith: Compare Selected Runs');
  await panel().getByRole('heading', { name: 'Comparison' }).waitFor();
  assert.equal(await panel().locator('h2').first().innerText(), 'Settings');
  await shot('compared');
}
