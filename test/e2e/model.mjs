/* global document, requestAnimationFrame */
// The editor of .onnx files: what it shows of a model, what the last run adds, and the ways from there to a config and back.
import assert from 'node:assert/strict';
import { cpSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { residual } from '../../bench/modelView/models.mjs';
import { inEachTheme, isAccessible } from './accessible.mjs';
import { askUntil, frameOf, runSteps, until } from './driver.mjs';
import { keepsRules } from './page.mjs';
import { fillWorkspace } from './workspace.mjs';

const CONFIG = 'digits.quant.yaml';

export const runModel = (stage) =>
  runSteps(
    stage,
    'model',
    [
      ['a click on an .onnx file shows what the model is and its layers', opens],
      ['layers are sorted, searched and walked through by keyboard', walks],
      ['what is no model is a page that says why', refuses],
      ['the weights of a layer are shown on their int8 grid', weights],
      ['the graph of 2,000 nodes is drawn, searched, and leads to a row', draws],
      ['blocks of it collapse and open', folds],
      ['the last run is shown, and a layer is changed in its config', changes],
      ['a page that was hidden comes back as it was left', comesBack],
      ['an int8 model lies beside its float model', compares],
      ['a layer in a config is revealed in the model', reveals],
      ['all of it is readable in four themes, with what axe-core asks for', accessible],
    ],
    { fill },
  );

function fill(folder) {
  fillWorkspace(folder);
  writeFileSync(join(folder, 'residual.onnx'), residual(2000));
  writeFileSync(join(folder, 'text.onnx'), 'This is a text.');
  cpSync(join(folder, 'digits.onnx'), join(folder, 'cut.onnx'));
  truncateSync(join(folder, 'cut.onnx'), 500);
}

/** The page of a model that is in view. */
async function pageOf({ page }, name) {
  const views = page.locator('iframe.webview.ready');
  return until(`the page of ${name}`, async () => {
    for (let index = (await views.count()) - 1; index >= 0; index--) {
      const shown = views.nth(index).contentFrame().frameLocator('#active-frame');
      if (await shown.getByRole('heading', { name, level: 1 }).isVisible()) return shown;
    }

    return false;
  });
}

/** Opens a model by a click in the explorer. */
async function open(workbench, name) {
  const { page, command } = workbench;
  await command('View: Show Explorer');
  await page.locator(`.explorer-folders-view .monaco-list-row[aria-label^="${name}"]`).first().click();
  const shown = await pageOf(workbench, name);
  await shown.locator('#layers [data-index]').first().waitFor();
  return shown;
}

const firstRow = (shown) => shown.locator('#layers tr[data-index="0"]');
const count = (shown) => shown.locator('#shown').innerText();

async function opens(workbench) {
  await workbench.visit();
  const shown = await open(workbench, 'digits.onnx');
  for (const title of ['Summary', 'Inputs and outputs', 'Operators', 'Layers', 'Graph'])
    await shown.getByRole('heading', { name: title, level: 2 }).waitFor();
  await shown.getByRole('rowheader', { name: 'Conv', exact: true }).waitFor();
  assert.match(await count(shown), /^(\d+) of \1 layers$/);
  const cut = await shown
    .locator('.overview .scroll')
    .evaluateAll((parts) => parts.filter((part) => part.scrollWidth > part.clientWidth + 1).length);
  assert.equal(cut, 0, 'no table of the overview is cut off');
  await workbench.shot('opens');
}

async function walks(workbench) {
  const shown = await open(workbench, 'residual.onnx');
  assert.equal(await count(shown), '2,000 of 2,000 layers');
  await shown.locator('#search').fill('stage3 add');
  assert.equal(await count(shown), '25 of 2,000 layers');
  await shown.getByRole('button', { name: 'Layer', exact: true }).click();
  await shown.locator('th[aria-sort=ascending]').waitFor();
  await shown.getByRole('grid').focus();
  await workbench.page.keyboard.press('End');
  const name = await shown.locator('tr[aria-selected=true] td').first().innerText();
  assert.equal(await shown.locator('#details h3').innerText(), name);
  await workbench.page.keyboard.press('ArrowUp');
  assert.notEqual(await shown.locator('#details h3').innerText(), name);
  await workbench.shot('walks');
}

async function refuses(workbench) {
  const { page, command } = workbench;
  await command('View: Show Explorer');
  for (const [name, why] of [
    ['text.onnx', 'is not an ONNX model'],
    ['cut.onnx', /is truncated or damaged/],
  ]) {
    await page.locator(`.explorer-folders-view .monaco-list-row[aria-label^="${name}"]`).first().click();
    await (await pageOf(workbench, name)).getByText(why).waitFor();
    await workbench.shot(`refuses-${name}`);
  }
}

async function weights(workbench) {
  const shown = await open(workbench, 'digits.onnx');
  await shown.locator('#filters').getByLabel('Show').selectOption('With constants');
  await firstRow(shown).click();
  await shown.getByRole('button', { name: 'Weights on their int8 grid' }).click();
  await shown.locator('#weights figcaption', { hasText: 'codes used' }).waitFor();
  await workbench.shot('weights');
}

async function draws(workbench) {
  const shown = await open(workbench, 'residual.onnx');
  const frame = await frameOf(shown);
  const begun = performance.now();
  await shown.getByRole('button', { name: 'Draw graph' }).click();
  await shown.locator('canvas[data-nodes="2000"]').waitFor();
  await frame.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
  console.log(`    first paint of 2,000 nodes: ${Math.round(performance.now() - begun)} ms`);
  await shown.locator('#graph-search').fill('Add_1999');
  await shown.locator('#graph-search').press('Enter');
  await shown.locator('#details h3', { hasText: 'Add_1999' }).waitFor();
  assert.match(await shown.locator('tr[aria-selected=true] td').first().innerText(), /Add_1999$/);
  await shown.locator('canvas').focus();
  await workbench.page.keyboard.press('ArrowUp');
  await shown.locator('#details h3', { hasText: 'Conv_1998' }).waitFor();
  await workbench.shot('draws');
  // What was searched for lies in the middle.
  await shown.locator('canvas').click();
  await shown.locator('#details h3', { hasText: 'Add_1999' }).waitFor();
}

async function folds(workbench) {
  const shown = await pageOf(workbench, 'residual.onnx');
  await shown.getByLabel('Blocks by name').selectOption('Collapsed from level 1');
  await shown.locator('canvas[data-nodes="20"]').waitFor();
  await shown.locator('canvas').focus();
  await workbench.page.keyboard.press('ArrowDown');
  await shown.getByText('Block /stage0, 100 nodes').waitFor();
  await workbench.shot('folds');
  await workbench.page.keyboard.press('Enter');
  await shown.locator('canvas[data-nodes="119"]').waitFor();
  await shown.getByRole('button', { name: 'Collapse block of this node' }).click();
  await until(
    'a smaller graph',
    async () => Number(await shown.locator('canvas').getAttribute('data-nodes')) < 119,
  );
}

async function changes(workbench) {
  const { open: openConfig, command, panel, editor, page, read } = workbench;
  await openConfig(CONFIG);
  await command('Quantsmith: Run Quantization');
  await panel().getByRole('heading', { name: 'Quantization report' }).waitFor();
  await command('View: Close All Editors');
  const shown = await open(workbench, 'digits.onnx');
  await shown.getByText('Layers show the run of').waitFor();
  await shown.getByRole('button', { name: 'SQNR' }).click();
  await shown.locator('#layers td', { hasText: 'dB' }).first().waitFor();
  await firstRow(shown).click();
  await shown.locator('#details dt', { hasText: 'Quantizer' }).first().waitFor();
  await workbench.shot('run');
  const layer = await shown.locator('#details h3').innerText();
  await shown.getByRole('button', { name: '16 bits' }).click();
  await editor().locator('.view-line', { hasText: 'num_bits: 16' }).waitFor();
  await workbench.shot('changed');
  await command('File: Save');
  await until('the saved change', () => read(CONFIG).includes(`{names: [${layer}], num_bits: 16}`));
  await page.keyboard.press('Control+z');
  await command('File: Save');
}

async function comesBack(workbench) {
  const { page } = workbench;
  const shown = await open(workbench, 'digits.onnx');
  await shown.getByLabel('Search').fill('conv');
  await shown.getByRole('button', { name: 'Parameters' }).click();
  await firstRow(shown).click();
  const layer = await shown.locator('#details h3').innerText();
  await shown.getByRole('button', { name: 'Draw graph' }).click();
  await shown.locator('canvas[data-nodes]').waitFor();
  // An editor that was looked at only gives way to the next.
  const tab = page.locator('.tab', { hasText: 'digits.onnx' }).first();
  await tab.dblclick();
  await open(workbench, 'residual.onnx');
  await tab.click();
  const again = await pageOf(workbench, 'digits.onnx');
  await again.locator('#details h3', { hasText: layer }).waitFor();
  assert.equal(await again.getByLabel('Search').inputValue(), 'conv');
  assert.equal(await again.locator('tr[aria-selected=true] td').first().innerText(), layer);
  await again.getByRole('columnheader', { name: 'Parameters' }).and(again.locator('[aria-sort]')).waitFor();
  await again.locator('canvas[data-nodes]').waitFor();
  await workbench.shot('comes-back');
  await again.getByLabel('Search').fill('');
}

async function compares(workbench) {
  const shown = await open(workbench, 'digits.int8.onnx');
  await shown.getByText('int8 model beside its float model').waitFor();
  await shown.getByRole('columnheader', { name: 'Difference' }).first().waitFor();
  await shown.locator('#filters').getByLabel('Show').selectOption('Different');
  await shown.locator('#layers td', { hasText: 'float32 → int8' }).first().waitFor();
  await workbench.shot('compares');
}

async function reveals(workbench) {
  const { open: openConfig, write, read, editor, page, command } = workbench;
  const { layers } = JSON.parse(read('digits.int8.onnx.report.json'));
  const layer = layers.at(-1).name;
  write(
    'reveal.quant.yaml',
    `${read(CONFIG).replace('digits.int8', 'reveal.int8')}`.replace(
      /^quantization:\n/m,
      `quantization:\n  ignored_scope:\n    names: [${layer}]\n`,
    ),
  );
  await openConfig('reveal.quant.yaml');
  await editor().locator('.view-line', { hasText: 'names: [' }).getByText(layer).click();
  const action = page.locator('.action-widget .monaco-list-row', { hasText: `Reveal ${layer} in model` });
  await askUntil(page, () => command('Refactor...'), action);
  await action.click();
  const shown = await pageOf(workbench, 'digits.onnx');
  await shown.locator('#details h3', { hasText: layer }).waitFor();
  await workbench.shot('reveals');
}

/** At the default place and at twice the size; the graph is drawn, and follows the themes like all else. */
async function accessible(workbench) {
  const { page, visit, command } = workbench;
  await visit();
  await command('View: Close All Editors');
  const shown = await open(workbench, 'digits.int8.onnx');
  await firstRow(shown).click();
  await shown.getByRole('button', { name: 'Draw graph' }).click();
  await shown.locator('canvas[data-nodes]').waitFor();
  const frame = await frameOf(shown);
  await keepsRules(frame);
  await inEachTheme(workbench, frame, async (kind) => {
    await shown.locator('canvas').scrollIntoViewIfNeeded();
    await isAccessible(frame);
    await workbench.shot(`${kind}-graph`);
    await frame.evaluate(() => document.querySelector('h1').scrollIntoView());
    await workbench.shot(kind);
    await page.setViewportSize({ width: 1900, height: 900 });
    await frame.evaluate(() => (document.body.style.zoom = '2'));
    assert.deepEqual(await frame.evaluate(cutParts), [], `${kind}, zoomed`);
    await isAccessible(frame);
    await workbench.shot(`${kind}-zoomed`);
    await shown.getByRole('heading', { name: 'Layers' }).scrollIntoViewIfNeeded();
    await workbench.shot(`${kind}-zoomed-layers`);
    await frame.evaluate(() => (document.body.style.zoom = ''));
    await page.setViewportSize({ width: 1400, height: 900 });
  });
}

/** In the page: what reaches over its right edge, but for what scrolls by itself. */
function cutParts() {
  const width = document.documentElement.clientWidth;
  return [...document.querySelectorAll('main *')]
    .filter((part) => part.closest('.grid, .scroll, [hidden]') === null)
    .filter((part) => part.getBoundingClientRect().right > width + 1)
    .map((part) => part.outerHTML.slice(0, 100));
}
