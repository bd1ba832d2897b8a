/* global document, getComputedStyle */
// The HTML report of a real run in a real browser, light and dark; screenshots lie beside those of the workbench.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isAccessible } from './accessible.mjs';
import { launchBrowser, makeSandbox, ROOT } from './harness.mjs';
import { fillWorkspace, runInTerminal } from './workspace.mjs';

const shots = join(ROOT, '.tools/shots');

export async function runReportPage() {
  mkdirSync(shots, { recursive: true });
  const sandbox = makeSandbox();
  fillWorkspace(sandbox.workspace);
  const file = makeReport(sandbox.workspace);
  const { context, page } = await launchBrowser(sandbox);
  // The harness lets local servers through only; this page is a file, and must ask for nothing else.
  await context.unrouteAll();
  const problems = [];
  const requests = [];
  page.on('console', (message) => problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('request', (request) => requests.push(request.url()));
  let passed = 0;
  try {
    for (const [colorScheme, background] of [
      ['light', 'rgb(255, 255, 255)'],
      ['dark', 'rgb(13, 17, 23)'],
    ]) {
      await page.emulateMedia({ colorScheme });
      await page.goto(pathToFileURL(file).href);
      const body = page.locator('body');
      assert.equal(await body.evaluate((element) => getComputedStyle(element).backgroundColor), background);
      await page.getByRole('heading', { name: 'Quantization report' }).waitFor();
      await page.getByRole('group', { name: 'Drop of top1 against operators in float' }).waitFor();
      await page.getByRole('img', { name: 'SQNR of each layer' }).waitFor();
      await page.getByRole('rowheader', { name: 'top1, float', exact: true }).waitFor();
      assert.deepEqual(await page.evaluate(clippedTexts), [], 'texts of the charts are cut off');
      await isAccessible(page);
      await page.screenshot({ path: join(shots, `report-${colorScheme}.png`), fullPage: true });
      console.log(`  ok: ${colorScheme}`);
      passed++;
    }

    const long = makeLongReport(sandbox.workspace);
    await page.goto(pathToFileURL(long).href);
    await showsInParts(page);
    console.log('  ok: many layers are shown in parts');
    passed++;
    // The policy of the page forbids what it would have to fetch; a violation would be a message.
    assert.deepEqual(problems, []);
    assert.deepEqual(
      [...new Set(requests)],
      [file, long].map((path) => pathToFileURL(path).href),
    );
    return { passed, failed: 0 };
  } catch (error) {
    console.error(error);
    return { passed, failed: 1 };
  } finally {
    await context.close().catch(() => undefined);
    sandbox.dispose();
  }
}

/** Runs the example in a folder and makes the page of its report. */
function makeReport(folder) {
  const file = join(folder, 'report.html');
  runInTerminal(folder, ['run', 'digits.quant.yaml']);
  runInTerminal(folder, ['report', 'digits.int8.onnx', '--output', file]);
  return file;
}

const MANY = 700;

/** The page of the same report with many more layers. */
function makeLongReport(folder) {
  const report = JSON.parse(readFileSync(join(folder, 'digits.int8.onnx.report.json'), 'utf8'));
  const { layers } = report;
  const many = Array.from({ length: MANY }, (_, index) => {
    const layer = layers[index % layers.length];
    return { ...layer, name: `${layer.name}/${index}` };
  });
  writeFileSync(join(folder, 'long.int8.onnx.report.json'), JSON.stringify({ ...report, layers: many }));
  const file = join(folder, 'long.html');
  runInTerminal(folder, ['report', 'long.int8.onnx.report.json', '--output', file]);
  return file;
}

/** Of many rows the first are laid out; all are searched, sorted and printed. */
async function showsInParts(page) {
  const rows = page.locator('tr[data-layer]:visible');
  assert.equal(await rows.count(), 300);
  await page.getByText(`The first 300 of ${MANY} are shown.`).waitFor();
  await page.getByRole('button', { name: 'Show 300 More' }).click();
  assert.equal(await rows.count(), 600);
  await page.locator('button.sort', { hasText: 'Layer' }).click();
  assert.equal(await rows.first().getAttribute('data-layer'), '0');
  await page.getByLabel('Search').fill(`/${MANY - 1}`);
  assert.deepEqual(await rows.locator('th').allInnerTexts(), [`/residual/first/Conv/${MANY - 1}`]);
  await page.getByLabel('Search').fill('');
  await page.emulateMedia({ media: 'print' });
  assert.equal(await rows.count(), MANY);
  await page.emulateMedia({ media: 'screen' });
  await page.getByRole('button', { name: 'Show All' }).click();
  assert.equal(await rows.count(), MANY);
}

/** In the page: texts of charts that reach over the chart's edge. */
function clippedTexts() {
  return [...document.querySelectorAll('svg.chart text')]
    .filter((text) => getComputedStyle(text).display !== 'none')
    .filter((text) => {
      const inner = text.getBoundingClientRect();
      const outer = text.closest('figure').getBoundingClientRect();
      return (
        inner.left < outer.left ||
        inner.right > outer.right ||
        inner.top < outer.top ||
        inner.bottom > outer.bottom
      );
    })
    .map((text) => text.textContent);
}
