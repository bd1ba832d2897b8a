/* global document, window */
// The living report: what a person reads first, finds, and writes into the config from its panel.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { inEachTheme, isAccessible } from './accessible.mjs';
import { frameOf, runSteps, until } from './driver.mjs';
import { keepsRules } from './page.mjs';

const REPORT = 'digits.int8.onnx.report';

export const runLiving = (stage) =>
  runSteps(stage, 'living', [
    ['the verdict comes first, and nothing is cut off where the report opens', verdictFirst],
    ['nothing is cut off at any width, nor zoomed', fitsEveryWidth],
    ['layers start with the worst, sort, filter and are searched; a new run keeps that', findsLayers],
    ['a layer leads to its line, is excluded, and is given 16 bits', changesLayers],
    ['a layer leads to the model', revealsLayer],
    ['a state is taken from the curve, by the keyboard alone', takesState],
    ['it is exported as HTML, Markdown, SARIF and PNG', exports],
    ['it can be read and used in four themes, with what axe-core asks for', accessible],
  ]);

async function showReport({ openHere, command, report }) {
  await openHere('digits.quant.yaml');
  await command('Quantsmith: Show Quantization Report');
  return report();
}

/** In the page: marks and texts of charts that reach over their figure or the page. */
function cutParts() {
  return [...document.querySelectorAll('svg.chart :is(rect, circle, text)')]
    .filter((part) => window.getComputedStyle(part).display !== 'none')
    .filter((part) => {
      const inner = part.getBoundingClientRect();
      const outer = part.closest('figure').getBoundingClientRect();
      return inner.left < outer.left - 1 || inner.right > outer.right + 1 || inner.right > window.innerWidth;
    })
    .map((part) => part.outerHTML.slice(0, 120));
}

/** Waits until nothing is cut off; fails with what still is. */
async function wholeWithin(what, cut) {
  let parts = [];
  await until(
    `a page of ${what} with nothing cut off`,
    async () => (parts = await cut()).length === 0,
    10_000,
  ).catch(() => assert.deepEqual(parts, [], what));
}

async function verdictFirst({ openHere, command, report, shot }) {
  await openHere('digits.quant.yaml');
  await command('Quantsmith: Run Quantization');
  const panel = await report();
  await panel.getByText(/^Target (met|missed)$/).waitFor();
  const verdict = await panel.locator('dl.verdict').innerText();
  for (const fact of [
    /95 % interval/,
    /times (smaller|larger)/,
    /(times|as) (slower|faster|fast)/,
    /restored/,
  ])
    assert.match(verdict, fact);
  // Settings that were chosen stand there with what was measured of them and of what they were chosen over.
  await panel.getByRole('columnheader', { name: 'Instead of' }).waitFor();
  for (const name of ['Chosen settings', 'Restoration', 'Layers'])
    await panel.getByRole('heading', { name, exact: true }).waitFor();
  await panel.getByText('Time of each stage').waitFor({ state: 'attached' });
  const frame = await frameOf(panel);
  const isFirst = await frame.evaluate(() => {
    const bottom = document.querySelector('dl.verdict').getBoundingClientRect().bottom;
    return bottom < window.innerHeight && document.querySelector('p.verdict').getBoundingClientRect().top > 0;
  });
  assert.ok(isFirst, 'the verdict is in view');
  await keepsRules(frame);
  assert.deepEqual(await frame.evaluate(cutParts), []);
  assert.ok(
    await frame.evaluate(() => {
      const head = [...document.querySelectorAll('th')].find(({ textContent }) => textContent === 'SQNR');
      return head.getBoundingClientRect().right <= window.innerWidth;
    }),
    'the column with the SQNR is in view',
  );
  await shot('verdict');
  await panel.getByRole('heading', { name: 'Layers' }).scrollIntoViewIfNeeded();
  await shot('layers');
}

async function fitsEveryWidth({ page, panel, shot }) {
  const frame = await frameOf(panel());
  // The window tells its pages of another size a moment later, and they draw themselves once more.
  const nothingIsCut = (what) => wholeWithin(what, () => frame.evaluate(cutParts));
  // Beside the editor, the report gets about a third: 450 and 320 pixels.
  for (const width of [1250, 1000]) {
    await page.setViewportSize({ width, height: 900 });
    await until(`a page of ${width} pixels that does not scroll sideways`, () =>
      frame.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth),
    );
    await nothingIsCut(`${width} pixels`);
    await shot(`width-${await frame.evaluate(() => window.innerWidth)}`);
  }

  // Of a wide window the report gets enough to be read at twice the size.
  await page.setViewportSize({ width: 1900, height: 900 });
  await frame.evaluate(() => (document.body.style.zoom = '2'));
  await nothingIsCut('twice the size');
  await shot('zoomed');
  await frame.evaluate(() => (document.body.style.zoom = ''));
  await page.setViewportSize({ width: 1400, height: 900 });
}

const layerRows = (panel) => panel.locator('tr[data-layer]:visible');
const layerNames = (panel) => layerRows(panel).locator('th').allInnerTexts();
const noises = async (panel) => {
  const texts = await layerRows(panel).locator('td:nth-child(2)').allInnerTexts();
  return texts.map((text) => (text.includes('dB') ? Number.parseFloat(text) : Infinity));
};

async function findsLayers({ panel, command, shot }) {
  const shown = panel();
  const all = await noises(shown);
  assert.ok(all.length > 2);
  assert.deepEqual(
    all,
    [...all].sort((a, b) => a - b),
    'the worst first',
  );
  const head = shown.locator('button.sort', { hasText: 'SQNR' });
  await head.click();
  await head.click();
  const measured = (await noises(shown)).filter(Number.isFinite);
  assert.deepEqual(
    measured,
    [...measured].sort((a, b) => b - a),
    'the best first',
  );
  await shown
    .getByRole('columnheader', { name: 'SQNR' })
    .and(shown.locator('[aria-sort=descending]'))
    .waitFor();
  await head.click();
  assert.deepEqual(await noises(shown), all);
  const [first] = await layerNames(shown);
  await shown.getByLabel('Search').fill(first.trim());
  await until('one layer', async () => (await layerRows(shown).count()) === 1);
  await shot('searched');
  // The page that shows the next run has the same search.
  await command('Quantsmith: Run Quantization');
  await until('the search again', async () => {
    const search = panel().getByLabel('Search');
    return (await search.count()) === 1 && (await search.inputValue()) === first.trim();
  });
  const again = panel();
  await again.getByLabel('Search').fill('');
  // What was restored to float is marked, and says why its codes are not used.
  await again.getByRole('combobox', { name: /^Show/ }).selectOption({ label: 'restored to float' });
  assert.equal(await layerRows(again).count(), 2);
  assert.match(await layerRows(again).first().innerText(), /float \(restored\)/);
  await again.getByRole('combobox', { name: /^Show/ }).selectOption({ label: 'integer kernels' });
  const kinds = await layerRows(again).evaluateAll((rows) => rows.map(({ dataset }) => dataset.marks));
  assert.ok(kinds.every((marks) => marks.includes('integer')));
  await again.getByRole('combobox', { name: /^Show/ }).selectOption({ label: 'all layers' });
}

/** Opens what a layer offers; returns its name. */
async function openLayer(panel) {
  const row = panel.locator('tr[data-marks~=quantized]').first();
  const name = (await row.locator('th').innerText()).trim();
  const button = row.getByRole('button');
  if ((await button.getAttribute('aria-expanded')) === 'false') await button.click();
  return name;
}

async function changesLayers({ openHere, command, report, panel, editor, shot }) {
  await showReport({ openHere, command, report });
  const name = await openLayer(panel());
  await shot('layer-open');
  const act = (title) => panel().locator('tr.detail').getByRole('button', { name: title }).click();
  const line = (text) => editor().locator('.view-line', { hasText: text }).first().waitFor();
  await act('Exclude');
  await line(new RegExp(`-\\s${name.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&')}`));
  await act('Show in Config');
  await shot('layer-excluded');
  // The weights of digits have 4 bits: half range is offered for those of 8 only.
  await act('16 Bits');
  await line('num_bits: 16');
  await shot('layer-changed');
  await command('File: Revert File');
}

async function revealsLayer({ page, panel, shot, command }) {
  await openLayer(panel());
  await panel().locator('tr.detail').getByRole('button', { name: 'Show in Model' }).click();
  await page.locator('.tab', { hasText: 'digits.onnx' }).first().waitFor();
  await shot('model');
  await command('View: Close Editor');
}

async function takesState({ openHere, command, report, panel, page, editor, shot }) {
  await showReport({ openHere, command, report });
  // A mouse reads the states, too.
  await panel().locator('circle[data-state="-1"]').first().hover();
  await panel().locator('.readout', { hasText: 'points' }).waitFor();
  const point = panel().locator('circle[data-state="0"]');
  await point.focus();
  const take = panel().locator('.readout').getByRole('button', { name: 'Take this state' });
  await take.waitFor();
  await shot('state');
  // The first goes to the button, the second presses it, and the third must not write it once more.
  for (let count = 0; count < 3; count++) await page.keyboard.press('Enter');
  const scope = editor().locator('.view-line', { hasText: 'ignored_scope' });
  await scope.first().waitFor();
  assert.equal(await scope.count(), 1);
  await shot('state-taken');
  await command('File: Revert File');
}

async function exports({ openHere, command, report, panel, page, inWorkspace, shot }) {
  await showReport({ openHere, command, report });
  for (const [button, extension, part] of [
    ['Export as HTML', 'html', '<!DOCTYPE html>'],
    ['Markdown', 'md', '## Quantization report'],
    ['SARIF', 'sarif', '"2.1.0"'],
    ['Save as PNG: SQNR', 'png', 'PNG'],
  ]) {
    const file = inWorkspace(`${REPORT}.${extension}`);
    await panel().getByRole('button', { name: button }).first().click();
    const input = page.locator('.quick-input-widget:visible input').first();
    await until('the proposed name', async () =>
      (await input.inputValue()).endsWith(`${REPORT}.${extension}`),
    );
    await page.keyboard.press('Enter');
    await until(`${extension} on the disk`, () => existsSync(file) && readFileSync(file).length > 0);
    assert.ok(readFileSync(file, 'latin1').includes(part), `${extension} holds ${part}`);
  }

  await shot('exported');
}

async function accessible(workbench) {
  const { openHere, command, report, panel, shot } = workbench;
  await showReport({ openHere, command, report });
  await openLayer(panel());
  const frame = await frameOf(panel());
  await inEachTheme(workbench, frame, async (name) => {
    await panel().locator('circle[data-state="0"]').focus();
    await isAccessible(frame);
    await shot(`theme-${name}`);
    await panel().getByLabel('Search').scrollIntoViewIfNeeded();
    await shot(`theme-${name}-layers`);
  });
}
