// Drives the installed extension the way a person does, and takes a screenshot at every step.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  installExtension,
  launchBrowser,
  makeSandbox,
  remote,
  ROOT,
  startServer,
  workbenchUrl,
} from './harness.mjs';
import { fillWorkspace } from './workspace.mjs';

const shots = join(ROOT, '.tools/shots');

export async function runUi(vsix) {
  mkdirSync(shots, { recursive: true });
  const sandbox = makeSandbox();
  fillWorkspace(sandbox.workspace);
  installExtension(sandbox, vsix);
  const server = await startServer(sandbox);
  const { context, page } = await launchBrowser(sandbox);
  page.setDefaultTimeout(60_000);
  const open = (file) =>
    page.goto(
      workbenchUrl(server, sandbox.workspace, [['openFile', remote(server, join(sandbox.workspace, file))]]),
    );
  let passed = 0;
  try {
    for (const [name, step] of [
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
    ]) {
      await step({
        page,
        open,
        shot: (title) => page.screenshot({ path: join(shots, `${title}.png`) }),
      });
      console.log(`  ok: ${name}`);
      passed++;
    }
    return { passed, failed: 0 };
  } catch (error) {
    console.error(error);
    await page.screenshot({ path: join(shots, 'ui-failure.png') }).catch(() => undefined);
    return { passed, failed: 1 };
  } finally {
    await context.close().catch(() => undefined);
    await server.stop();
    writeFileSync(join(shots, 'server.log'), server.output());
    sandbox.dispose();
  }
}

const editorOf = (page) => page.locator('.editor-instance .monaco-editor').first();

async function wrongKey({ page, open, shot }) {
  await open('mistaken.quant.yaml');
  const editor = editorOf(page);
  await editor.locator('.view-line').first().waitFor();
  await editor.locator('.squiggly-error').first().waitFor();
  await page.locator('.part.statusbar').getByText('Quantization Config (YAML)').waitFor();
  await shot('1-wrong-key');
}

async function hoverDocs({ page, shot }) {
  await showHover(page, 'prset', 'Did you mean "preset"');
  await shot('2-hover-diagnostic');
  await page.keyboard.press('Escape');
  await showHover(page, 'target_device', 'Device that the model will run on');
  await shot('3-hover-key');
  await page.keyboard.press('Escape');
}

/**
 * Asks until the answer is on the screen. An editor that is still busy with something else (a save, findings on their way)
 * drops a question from the keyboard or answers it from before the findings came, and nothing but asking again helps.
 */
async function askUntil(page, ask, answer, attempts = 6) {
  for (let attempt = 1; ; attempt++) {
    await ask();
    try {
      return await answer.waitFor({ timeout: 10_000 });
    } catch (error) {
      if (attempt === attempts) throw error;
      await page.keyboard.press('Escape');
    }
  }
}

/** The hover of the first word of a line, by the keyboard: where a word lies on the screen depends on the grammar. */
function showHover(page, word, expected) {
  const ask = async () => {
    await editorOf(page).locator('.view-line', { hasText: word }).click();
    await page.keyboard.press('Home');
    await page.keyboard.press('Control+K');
    await page.keyboard.press('Control+I');
  };
  return askUntil(page, ask, page.locator('.monaco-hover:visible').getByText(expected).first());
}

async function completionInserts({ page, shot }) {
  const editor = editorOf(page);
  await editor.locator('.view-line', { hasText: 'target_device' }).click();
  await page.keyboard.press('End');
  for (let i = 0; i < 3; i++) await page.keyboard.press('Backspace');
  await askUntil(
    page,
    () => page.keyboard.press('Control+Space'),
    page.locator('.suggest-widget.visible .monaco-list-row', { hasText: 'NPU' }).first(),
  );
  await shot('4-completion');
  await page.keyboard.type('CPU_S', { delay: 40 });
  await page.locator('.suggest-widget.visible .monaco-list-row.focused', { hasText: 'CPU_SPR' }).waitFor();
  await page.keyboard.press('Enter');
  await editor.locator('.view-line', { hasText: /target_device:\s*CPU_SPR/ }).waitFor();
  // The fix of the wrong key, from the keyboard.
  const askForFixes = async () => {
    await editor.locator('.squiggly-error').first().waitFor();
    await editor.locator('.view-line', { hasText: 'prset' }).click();
    await page.keyboard.press('Control+.');
  };
  await askUntil(page, askForFixes, page.locator('.action-widget').getByText('Change to preset').first());
  await shot('5-quick-fix');
  await page.keyboard.press('Enter');
  await editor.locator('.view-line', { hasText: /preset:\s*mixed/ }).waitFor();
  await editor.locator('.squiggly-error').first().waitFor({ state: 'detached' });
  await page.keyboard.press('Control+S');
  await page.locator('.tab.dirty').waitFor({ state: 'detached' });
}

async function runCommand(page, title) {
  const input = page.locator('.quick-input-widget:visible input').first();
  await askUntil(page, () => page.keyboard.press('F1'), input);
  await input.fill(`>${title}`);
  await page.locator('.quick-input-list .monaco-list-row.focused', { hasText: title }).waitFor();
  await page.keyboard.press('Enter');
  // A command may ask something at once, in the same place.
  const palette = page.locator('.quick-input-widget:visible input[aria-label^="Type the name of a command"]');
  await palette.waitFor({ state: 'hidden' });
}

async function runShowsReport({ page, open, shot }) {
  await open('digits.quant.yaml');
  const editor = editorOf(page);
  await editor.locator('.view-line').first().waitFor();
  await page.locator('.part.statusbar').getByText('Quantization Config (YAML)').waitFor();
  await editor.locator('.view-line').first().click();
  await runCommand(page, 'Quantsmith: Run Quantization');
  await page.locator('.notifications-toasts').getByText('Quantizing digits.quant.yaml').first().waitFor();
  await shot('6-progress');
  const report = page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
  await report.getByRole('heading', { name: 'Quantization report' }).waitFor();
  assert.match(await report.locator('table').first().innerText(), /top1, float/);
  await shot('7-report');
  await runCommand(page, 'Problems: Focus on Problems View');
  await page.locator('.markers-panel').getByText('Accuracy restored').first().waitFor();
  await shot('8-problems');
}

/** The config in the first editor group, whatever panels stand beside it. */
async function focusEditor(page, text) {
  await editorOf(page).locator('.view-line', { hasText: text }).first().click();
}

async function overflowCompared({ page, open, shot }) {
  await open('wide.quant.yaml');
  await focusEditor(page, 'overflow_fix');
  await runCommand(page, 'Quantsmith: Run Quantization');
  const report = page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
  await report.getByRole('heading', { name: 'Quantization report' }).waitFor();
  await focusEditor(page, 'overflow_fix');
  await runCommand(page, 'Quantsmith: Compare Overflow Fixes');
  const toast = page.locator('.notifications-toasts .notification-toast', {
    hasText: 'Comparing overflow fixes of wide.quant.yaml',
  });
  await toast.getByRole('button', { name: 'Cancel' }).first().waitFor();
  await shot('9-overflow-progress');
  await report.getByText('auto', { exact: true }).first().waitFor();
  await report.getByText('auto', { exact: true }).first().scrollIntoViewIfNeeded();
  await shot('10-overflow-report');
  await focusEditor(page, 'overflow_fix');
  await runCommand(page, 'Problems: Focus on Problems View');
  await page.locator('.markers-panel').getByText('before restoration: disable').first().waitFor();
  await shot('11-overflow-line');
}

async function converts({ page, open, shot }) {
  await open('digits.quant.yaml');
  await focusEditor(page, 'model:');
  await runCommand(page, 'Quantsmith: Convert Quantization Config to YAML or JSON');
  await page.locator('.part.statusbar').getByText('Quantization Config (JSON)').waitFor();
  await page.locator('.view-line', { hasText: '"model": "digits.onnx"' }).first().waitFor();
  await shot('12-converted');
}

async function comparesReports({ page, open, shot }) {
  await open('wide.quant.yaml');
  await focusEditor(page, 'overflow_fix');
  await runCommand(page, 'Quantsmith: Compare Quantization Reports');
  await page.locator('.quick-input-list .monaco-list-row', { hasText: 'digits.int8.onnx' }).first().click();
  const preview = page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
  await preview.getByRole('heading', { name: 'Comparison' }).waitFor();
  await shot('13-compared');
}

async function historyShown({ page, open, shot }) {
  await open('digits.quant.yaml');
  await focusEditor(page, 'model:');
  await runCommand(page, 'View: Show Quantsmith');
  const view = page.locator('.pane-body', { has: page.locator('.monaco-list') }).first();
  await view.getByText('digits.quant.yaml').first().waitFor();
  const run = view.locator('.monaco-list-row', { hasText: 'smaller' }).first();
  await run.waitFor();
  await shot('14-history');
  await run.click();
  const report = page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
  await report.getByRole('heading', { name: 'Quantization report' }).waitFor();
  await shot('15-past-report');
}

async function runsCharted({ page, open, shot }) {
  await open('digits.quant.yaml');
  await focusEditor(page, 'model:');
  await runCommand(page, 'Quantsmith: Chart Accuracy against Latency and Size');
  const chart = page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
  await chart.getByRole('heading', { name: 'Runs' }).waitFor();
  await chart.locator('svg circle').first().waitFor();
  await shot('16-runs');
}

/** From the palette to a config, with folders whose names are not the usual ones. */
async function quantizedByPicking({ page, open, shot }) {
  await open('digits.quant.yaml');
  await focusEditor(page, 'model:');
  await runCommand(page, 'Quantsmith: Quantize with Quantsmith…');
  // By the keyboard: the hint of a row that the mouse rests on covers its neighbours.
  const input = page.locator('.quick-input-widget:visible input').first();
  const focused = (text) => page.locator('.quick-input-list .monaco-list-row.focused', { hasText: text });
  const pick = async (text) => {
    await input.fill(text);
    await focused(text).first().waitFor();
    await page.keyboard.press('Enter');
  };
  await page.locator('.quick-input-list .monaco-list-row', { hasText: 'walk.onnx' }).first().waitFor();
  await pick('walk.onnx');
  await page.locator('.quick-input-list .monaco-list-row', { hasText: 'eingaben' }).first().waitFor();
  await shot('18-pick-calibration');
  await pick('eingaben');
  // Both questions list folders: a key must not meet the first one's list.
  await page.getByText('Quantize 2/3').first().waitFor();
  await pick('pruefung');
  const target = page.locator('.quick-input-widget:visible input').first();
  await page.getByText('Largest acceptable drop of accuracy').first().waitFor();
  await target.fill('0.02');
  await shot('19-pick-target');
  await page.keyboard.press('Enter');
  await page.locator('.tab', { hasText: 'walk.quant.yaml' }).first().waitFor();
  await page.locator('.view-line', { hasText: 'eingaben/' }).first().waitFor();
  await shot('20-picked');
  // The editor holds only the lines that are seen.
  await askUntil(
    page,
    () => page.keyboard.press('Control+End'),
    page.locator('.view-line', { hasText: 'max_drop: 0.02' }).first(),
  );
}

async function lightTheme({ page, open, shot }) {
  await open('wide.quant.yaml');
  await focusEditor(page, 'overflow_fix');
  await runCommand(page, 'Preferences: Toggle between Light/Dark Themes');
  await page.locator('.monaco-workbench.vs').waitFor();
  await focusEditor(page, 'overflow_fix');
  await runCommand(page, 'Quantsmith: Show Quantization Report');
  const report = page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
  await report.getByRole('heading', { name: 'Quantization report' }).waitFor();
  await shot('14-light');
}
