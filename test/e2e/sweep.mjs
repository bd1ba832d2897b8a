// The sweep of a matrix in the workbench: its lens, its page, and what a point of it leads to.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askUntil, frameTitled, runSteps, until } from './driver.mjs';
import { fillWorkspace } from './workspace.mjs';

const CONFIG = 'digits-default.quant.yaml';
const MATRIX = `
accuracy_control:
  metric: top1
  max_drop: 0.01
matrix:
  quantization.preset: [performance, mixed]
  quantization.advanced_parameters.weights_quantization_params.num_bits: [4, 8]
`;

export const runSweep = (stage) =>
  runSteps(
    stage,
    'sweep',
    [
      ['the lens above a matrix runs it and shows its points', sweeps],
      ['a point of a sweep opens its report', pointLeadsToReport],
      ['a point of a sweep is written into the config, and undone', usesPoint],
      ['the page of a sweep can be read in a light window and a narrow one', lightAndNarrow],
    ],
    { fill },
  );

function fill(folder) {
  fillWorkspace(folder);
  const file = join(folder, CONFIG);
  writeFileSync(file, readFileSync(file, 'utf8') + MATRIX);
}

async function sweeps({ page, open, editor, panel, shot, toast }) {
  await open(CONFIG);
  const lens = editor().locator('.codelens-decoration').getByText('Sweep', { exact: true }).first();
  const shown = panel().getByRole('heading', { name: 'Sweep', level: 1 });
  await askUntil(page, () => lens.click(), toast(`Sweeping ${CONFIG}`));
  await shown.waitFor();
  for (const axis of ['latency', 'size']) await panel().getByText(`top1 against ${axis}.`).first().waitFor();
  assert.equal(await panel().getByRole('link', { name: 'Use this point' }).count(), 4);
  await shot('page');
  // The last lies above all others.
  const points = panel().locator('svg').first().locator('a');
  assert.equal(await points.count(), 4);
  await points.last().hover();
  await shot('hover');
  assert.ok(await page.locator('.tab', { hasText: 'Sweep: ' }).isVisible());
}

async function pointLeadsToReport({ page, panel, shot }) {
  await panel().locator('svg').first().locator('a').last().click();
  await page.locator('.tab', { hasText: 'Report: ' }).first().waitFor();
  await panel().getByRole('heading', { name: 'Quantization report' }).waitFor();
  await shot('report');
}

async function usesPoint({ page, editor, read, command, shot }) {
  const before = read(CONFIG);
  await page.locator('.tab', { hasText: 'Sweep: ' }).click();
  const shown = await frameTitled(page, 'Sweep');
  const row = shown.getByRole('row', { name: /preset=mixed.*num_bits=4/ });
  await row.getByRole('link', { name: 'Use this point' }).click();
  const written = editor().locator('.view-line', { hasText: /num_bits:\s*4/ });
  await written.first().waitFor();
  await shot('used');
  await command('File: Save');
  await until('the point on the disk', () => /preset:\s*mixed/.test(read(CONFIG)));
  assert.ok(read(CONFIG).startsWith(before), 'matrix and comments stay');
  await askUntil(
    page,
    () => page.keyboard.press('Control+z'),
    page.locator('.tab.dirty', { hasText: CONFIG }),
  );
  await command('File: Save');
  await until('the config as it was', () => read(CONFIG) === before);
}

async function lightAndNarrow({ page, command, shot }) {
  const { width, height } = page.viewportSize();
  await command('Preferences: Toggle between Light/Dark Themes');
  await page.locator('.monaco-workbench.vs').waitFor();
  await page.locator('.tab', { hasText: 'Sweep: ' }).click();
  const shown = await frameTitled(page, 'Sweep');
  await shot('light');
  await page.setViewportSize({ width: 480, height });
  await shot('narrow');
  const isCut = () => shown.evaluate('document.documentElement.scrollWidth > innerWidth');
  assert.equal(await isCut(), false);
  await page.setViewportSize({ width, height });
  await command('Preferences: Toggle between Light/Dark Themes');
  await page.locator('.monaco-workbench.vs-dark').waitFor();
}
