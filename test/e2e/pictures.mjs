// The pictures of the docs and of the marketplace's page, of our own example: written to docs/images.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { askUntil, runSteps } from './driver.mjs';
import { ROOT } from './harness.mjs';

const CONFIG = 'digits.quant.yaml';
const WINDOW = { width: 1280, height: 800 };
const imageFile = (name) => join(ROOT, 'docs/images', name);

export const runPictures = (stage) =>
  runSteps(
    stage,
    'pictures',
    [
      ['lens, report and fix are filmed', lensReportFix],
      ['a model with its last run is pictured', model],
      ['completion is pictured', completion],
    ],
    { fill },
  );

/** The example, its config without what is said above it. */
function fill(folder) {
  const example = join(ROOT, 'examples/digits');
  for (const name of ['digits.onnx', 'data'])
    cpSync(join(example, name), join(folder, name), { recursive: true });
  const text = readFileSync(join(example, CONFIG), 'utf8');
  writeFileSync(join(folder, CONFIG), text.replace(/^(#.*\n)+/, ''));
}

/** Colours of the screen in a palette: pictures of a window have few. */
const picture = (name, png) =>
  sharp(png).png({ palette: true, quality: 90, effort: 10 }).toFile(imageFile(name));

async function lensReportFix(workbench) {
  const { page, open, report, command, editor } = workbench;
  const film = createFilm(page);
  await page.setViewportSize(WINDOW);
  await open(CONFIG);
  await command('View: Toggle Primary Side Bar Visibility');
  await film.shot(1200);
  const lens = editor().locator('.codelens-decoration').getByText('Run quantization').first();
  await film.shot(1000, lens);
  await lens.click();
  await workbench.toast(`Quantizing ${CONFIG}`).waitFor();
  await film.shot(1200);
  const shown = await report();
  await shown.getByText(/^Target (met|missed)$/).waitFor();
  await editor().locator('.codelens-decoration').first().waitFor();
  await command('Notifications: Clear All Notifications');
  await film.shot(2600);
  await picture('run.png', await page.screenshot());
  await shown.getByRole('heading', { name: 'Layers' }).scrollIntoViewIfNeeded();
  const opener = shown.locator('tr[data-marks~=quantized]').first().getByRole('button').first();
  await opener.scrollIntoViewIfNeeded();
  await film.shot(2000, opener);
  await opener.click();
  const fix = shown.locator('tr.detail').getByRole('button', { name: 'Exclude' });
  await fix.scrollIntoViewIfNeeded();
  await film.shot(1600, fix);
  await fix.click();
  await editor().locator('.view-line', { hasText: 'ignored_scope' }).first().waitFor();
  await film.shot(3000);
  await film.save('fix.gif');
  await command('File: Revert File');
}

async function model({ page, visit, command }) {
  await page.setViewportSize(WINDOW);
  await visit();
  await command('View: Close All Editors');
  await command('View: Show Explorer');
  await page.locator('.explorer-folders-view .monaco-list-row[aria-label^="digits.onnx"]').first().click();
  const shown = page.frameLocator('iframe.webview.ready').last().frameLocator('#active-frame');
  await shown.locator('#layers [data-index]').nth(3).click();
  await command('View: Toggle Primary Side Bar Visibility');
  await shown.getByRole('heading', { name: 'Layers' }).evaluate((heading) => heading.scrollIntoView());
  await picture('model.png', await page.screenshot());
}

async function completion({ page, open, editor, command }) {
  await page.setViewportSize(WINDOW);
  await open(CONFIG);
  // What a value means stands beside the list, if there is room.
  await command('View: Toggle Primary Side Bar Visibility');
  await editor().locator('.view-line', { hasText: 'preset:' }).click();
  await page.keyboard.press('End');
  for (let count = 0; count < 'performance'.length; count++) await page.keyboard.press('Backspace');
  const row = page.locator('.suggest-widget.visible .monaco-list-row', { hasText: 'mixed' }).first();
  await askUntil(page, () => page.keyboard.press('Control+Space'), row);
  // Once more shows what the value means.
  await page.keyboard.press('Control+Space');
  await page.locator('.suggest-details:visible').waitFor();
  await picture('completion.png', await page.screenshot());
}

const POINTER = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="26"><path d="M1 1v20l5-5 4 9 4-2-4-8h8z" fill="#fff" stroke="#000" stroke-width="1.5"/></svg>',
);

/** Frames, each shown for some milliseconds, with a pointer on what is clicked next. */
function createFilm(page) {
  const frames = [];
  const delays = [];

  return {
    async shot(milliseconds, target) {
      const box = await target?.boundingBox();
      const png = await page.screenshot();
      const place = box && {
        left: Math.round(box.x + box.width / 2),
        top: Math.round(box.y + box.height / 2),
      };
      frames.push(
        place
          ? await sharp(png)
              .composite([{ input: POINTER, ...place }])
              .png()
              .toBuffer()
          : png,
      );
      delays.push(milliseconds);
    },
    async save(name) {
      const options = { delay: delays, loop: 0, effort: 10, colours: 128, dither: 0 };
      await sharp(frames, { join: { animated: true } })
        .gif(options)
        .toFile(imageFile(name));
    },
  };
}
