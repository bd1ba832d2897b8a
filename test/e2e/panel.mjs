/* global window, document */
// The report's panel: what it follows, what works in it, and whether everybody can read and use it.
import assert from 'node:assert/strict';
import { inEachTheme, isAccessible } from './accessible.mjs';
import { askUntil, frameOf, frameTitled, runSteps, until } from './driver.mjs';
import { keepsRules } from './page.mjs';

const REPORT = 'digits.int8.onnx.report.json';
export const runPanel = (stage) =>
  runSteps(stage, 'panel', [
    ['a run opens the report, which follows its file and stays where it was scrolled to', follows],
    ['text is found in it', finds],
    ['the code of a warning opens its page of the docs, at its heading', opensDocs],
    ['commands work from it', commandsOfPanel],
    ['a reloaded window shows it again', survivesReload],
    ['commands work from report.json', commandsOfFile],
    ['the comparison of overflow fixes comes first, and one key sets one', setsFix],
    ['report, chart and comparison are readable in four themes, with what axe-core asks for', accessible],
  ]);

/** Shows the report of the config that is open, and waits for it. */
async function showReport({ command, panel }) {
  await command('Quantsmith: Show Quantization Report');
  await heading(panel());
}

const heading = (panel) => panel.getByRole('heading', { name: 'Quantization report' }).waitFor();

async function follows({ openHere, command, panel, read, write, shot }) {
  await openHere('digits.quant.yaml');
  await command('Quantsmith: Run Quantization');
  await heading(panel());
  const frame = await frameOf(panel());
  await frame.evaluate(() => window.scrollTo(0, 500));
  const before = await frame.evaluate(() => window.scrollY);
  const report = JSON.parse(read(REPORT));
  report.runtime.name = 'Another Runtime';
  // A report whose runtime says that it is no integer model: its code leads to the docs.
  report.warnings.push({
    ...{ code: 'slower-than-float', severity: 'warning', message: 'A warning of the test.' },
    config_path: [],
  });
  write(REPORT, JSON.stringify(report));
  await panel().getByText('Another Runtime').first().waitFor();
  const again = await frameOf(panel());
  await until('the same place', async () => (await again.evaluate(() => window.scrollY)) === before);
  await shot('follows');
}

async function finds({ page, panel, shot }) {
  const input = page.locator('.simple-find-part-wrapper input:visible').first();
  const ask = async () => {
    await panel().locator('h1').click();
    await page.keyboard.press('Control+f');
  };

  await askUntil(page, ask, input);
  await input.fill('Another Runtime');
  await page.keyboard.press('Enter');
  const frame = await frameOf(panel());
  await until(
    'the found text',
    async () => (await frame.evaluate(() => window.getSelection().toString())) === 'Another Runtime',
  );
  await shot('found');
  await page.keyboard.press('Escape');
}

async function opensDocs({ page, panel, command, shot }) {
  await panel().getByRole('link', { name: 'slower-than-float' }).first().click();
  await page.locator('.tab', { hasText: 'errors.md' }).first().waitFor();
  const docs = page.frameLocator('iframe.webview.ready').last().frameLocator('#active-frame');
  const title = docs.getByRole('heading', { name: 'slower-than-float' });
  await title.waitFor();
  const frame = await frameOf(docs);
  const isInView = () =>
    frame.evaluate(() => {
      const found = [...document.querySelectorAll('h2')].find(
        ({ textContent }) => textContent === 'slower-than-float',
      );
      const { top } = found.getBoundingClientRect();
      return top > -40 && top < window.innerHeight;
    });
  await until('the heading in view', isInView);
  await shot('docs');
  await command('View: Close Editor');
}

async function commandsOfPanel({ panel, command, toast, shot }) {
  await panel().locator('h1').click();
  await command('Quantsmith: Run Quantization');
  await toast('Quantizing digits.quant.yaml').waitFor();
  await shot('run-from-panel');
  await panel().getByText('Another Runtime').first().waitFor({ state: 'detached' });
}

async function survivesReload({ visit, page, shot }) {
  // Without a file to open: the window comes back with what it had, now and then with a page that was closed right before.
  await visit();
  await frameTitled(page, 'Quantization report');
  await shot('reloaded');
}

async function commandsOfFile({ visit, page, command, panel, row }) {
  await visit(REPORT);
  await page.locator('.view-line').first().click();
  await command('Quantsmith: Show Quantization Report');
  await heading(panel());
  await page.locator('.tab', { hasText: 'report.json' }).first().click();
  await page.locator('.view-line').first().click();
  await page.keyboard.press('F1');
  const input = page.locator('.quick-input-widget:visible input').first();
  for (const title of ['Run Quantization', 'Compare Quantization Reports', 'Compare Overflow Fixes']) {
    await input.fill(`>Quantsmith: ${title}`);
    await row(`Quantsmith: ${title}`).waitFor();
  }

  await page.keyboard.press('Escape');
}

async function setsFix({ page, openHere, command, panel, editor, shot }) {
  await openHere('wide.quant.yaml');
  await command('View: Close Other Editors in Group');
  await command('Quantsmith: Run Quantization');
  await heading(panel());
  // A layer of 8-bit weights is offered half the range.
  await panel().locator('tr[data-marks~=whole]').first().getByRole('button').first().click();
  await panel().locator('tr.detail').getByRole('button', { name: 'Half Range' }).click();
  await editor().locator('.view-line', { hasText: 'half_range: true' }).first().waitFor();
  await command('File: Revert File');
  await editor().locator('.view-line', { hasText: 'overflow_fix' }).click();
  await command('Quantsmith: Compare Overflow Fixes');
  const link = panel().getByRole('link', { name: 'Set enable' });
  await link.waitFor();
  assert.equal(await panel().locator('h2').first().innerText(), 'Overflow of 16-bit sums');
  const isInView = () =>
    link.evaluate((part) => {
      const { top, bottom } = part.getBoundingClientRect();
      return top >= 0 && bottom <= window.innerHeight;
    });
  await until('the answer in view', async () => (await isInView()) || undefined);
  await shot('overflow-first');
  await link.focus();
  await page.keyboard.press('Enter');
  await editor()
    .locator('.view-line', { hasText: /overflow_fix:\s*enable/ })
    .waitFor();
  await shot('overflow-set');
  await command('File: Save');
}

/** Each page stays open, and follows the themes. */
async function accessible(workbench) {
  const { openHere, command, panel, row, page, shot } = workbench;
  const inThemes = async (name, frame) => {
    await keepsRules(frame);
    await inEachTheme(workbench, frame, async (theme) => {
      await isAccessible(frame);
      await shot(`${name}-${theme}`);
    });
  };

  await openHere('digits.quant.yaml');
  await showReport({ command, panel });
  await inThemes('report', await frameOf(panel()));
  await command('Quantsmith: Chart Accuracy against Latency and Size');
  await inThemes('chart', await frameTitled(page, 'Runs'));
  await openHere('digits.quant.yaml');
  await command('Quantsmith: Compare Quantization Reports');
  await row('wide.int8.onnx').click();
  await inThemes('comparison', await frameTitled(page, 'Comparison'));
}
