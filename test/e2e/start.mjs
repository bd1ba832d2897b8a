// How a new user comes in: palette, menus, welcome view, walkthrough, example, and from a model and two folders to "met".
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { processesOf, runSteps, until } from './driver.mjs';
import { ROOT } from './harness.mjs';

const SHARED = join(ROOT, '../../shared/data');
const MODEL = join(SHARED, 'models/imagenet/squeezenet1.1.onnx');
const IMAGES = join(SHARED, 'datasets/imagenet');

export async function runStart(vsix) {
  const hasData = existsSync(MODEL);
  const walk = ['SqueezeNet and two folders: at most six clicks to "met"', newUser];
  if (!hasData) console.log(`  not tried: ${walk[0]} (there is no ${MODEL})`);
  return runSteps(
    vsix,
    'start',
    [
      ['a folder with a model starts nothing; its welcome view offers to quantize', welcome],
      ['the palette finds what people type', palette],
      ['an .onnx file offers to be quantized, in the explorer and above its editor', menus],
      ['the walkthrough has four steps', walkthrough],
      ['the example opens as a workspace of its own', example],
      ...(hasData ? [walk] : []),
    ],
    { fill },
  );
}

function fill(folder) {
  mkdirSync(folder, { recursive: true });
  cpSync(join(ROOT, 'examples/digits/digits.onnx'), join(folder, 'netz.onnx'));
  if (!existsSync(MODEL)) return;
  cpSync(MODEL, join(folder, 'squeeze.onnx'));
  for (const [from, to] of [
    ['calibration', 'bilder_a'],
    ['validation', 'bilder_b'],
  ])
    cpSync(join(IMAGES, from), join(folder, to), { recursive: true });
}

const explorerRow = (page, name) =>
  page.locator('.explorer-folders-view .monaco-list-row', { hasText: name }).first();

async function welcome({ page, visit, command, sandbox, shot }) {
  await visit();
  await explorerRow(page, 'netz.onnx').waitFor();
  assert.deepEqual(processesOf(sandbox, 'server.cjs'), []);
  await command('View: Show Quantsmith');
  const view = page.locator('.pane-body.welcome, .welcome-view').last();
  await view.getByRole('button', { name: 'Quantize with Quantsmith…' }).waitFor();
  await view.getByRole('button', { name: 'Open the Example' }).waitFor();
  await until('the server', () => processesOf(sandbox, 'server.cjs').length > 0);
  await shot('welcome');
}

async function palette({ page, row, shot }) {
  await page.locator('.part.statusbar').waitFor();
  await page.keyboard.press('F1');
  const input = page.locator('.quick-input-widget:visible input').first();
  await input.waitFor();
  for (const word of ['quantize', 'onnx', 'int8', 'report']) {
    await input.fill(`>${word}`);
    await row('Quantsmith: ').waitFor();
    await shot(`palette-${word}`);
  }
  await page.keyboard.press('Escape');
}

async function menus({ page, command, shot }) {
  await command('View: Show Explorer');
  await explorerRow(page, 'netz.onnx').click({ button: 'right' });
  await page.locator('.monaco-menu').getByText('Quantize with Quantsmith…').waitFor();
  await shot('explorer-menu');
  await page.keyboard.press('Escape');
  await explorerRow(page, 'netz.onnx').dblclick();
  await page
    .locator('.editor-actions')
    .getByRole('button', { name: /Quantize with Quantsmith…/ })
    .waitFor();
  await shot('editor-title');
}

async function walkthrough({ page, command, row, shot }) {
  await command('Welcome: Open Walkthrough...');
  await row('Your first int8 model').click();
  const steps = page.locator('.getting-started-step');
  await until('four steps', async () => (await steps.count()) === 4);
  await page.getByText('Pick a model').first().waitFor();
  await shot('walkthrough');
}

async function example({ page, command, context, sandbox, shot }) {
  await command('Quantsmith: Open int8 Quantization Example');
  const accept = page.getByRole('button', { name: 'Copy Example Here' }).first();
  await accept.waitFor();
  const input = page.locator('.quick-input-widget:visible input').first();
  await input.fill(`${sandbox.workspace}/`);
  const opened = context.waitForEvent('page');
  await accept.click();
  const other = await opened;
  const copied = join(sandbox.workspace, 'quantsmith-example');
  await until('the example', () => existsSync(join(copied, 'digits.quant.yaml')));
  assert.ok(readdirSync(join(copied, 'data')).length > 0);
  await other.locator('.explorer-folders-view .monaco-list-row', { hasText: 'digits.quant.yaml' }).waitFor();
  await shot('example');
  await other.close();
}

/** Nothing is typed but the target. */
async function newUser({ page, visit, choose, row, read, shot, panel, editor }) {
  let clicks = 0;
  const click = async (locator) => {
    await locator.click();
    clicks++;
  };
  await visit();
  await choose(explorerRow(page, 'squeeze.onnx'), 'Quantize with Quantsmith…');
  clicks += 2;
  await row('100 images').waitFor();
  await row('600 images').waitFor();
  await shot('walk-calibration');
  await click(row('bilder_a'));
  await page.getByText('Quantize 2/3').first().waitFor();
  await click(row('bilder_b'));
  await page.getByText('Largest acceptable drop of accuracy').first().waitFor();
  await page.locator('.quick-input-widget:visible input').first().fill('0.01');
  await page.keyboard.press('Enter');
  const lens = editor().locator('.codelens-decoration').getByText('Run quantization').first();
  await lens.waitFor({ timeout: 300_000 });
  await shot('walk-config');
  const config = read('squeeze.quant.yaml');
  assert.match(config, /bilder_a/);
  assert.match(config, /bilder_b/);
  assert.match(config, /imagenet|0\.485/, config);
  await click(lens);
  await panel().getByText('target met').first().waitFor({ timeout: 600_000 });
  await shot('walk-met');
  console.log(`  ${clicks} clicks`);
  assert.ok(clicks <= 6);
}
