// Programs that a config names: blocked where nobody trusts the workspace, and a way to what is missing.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askUntil, runSteps } from './driver.mjs';
import { fillWorkspace } from './workspace.mjs';

const CONFIG = `model: digits.onnx
data:
  calibration:
    loader: ./load.mjs
`;

export const runTrust = (stage) =>
  runSteps(
    stage,
    'trust',
    [['a loader that may not run is a finding, with a fix that manages trust', managed]],
    {
      fill(folder) {
        fillWorkspace(folder);
        writeFileSync(join(folder, 'loaded.quant.yaml'), CONFIG);
        writeFileSync(join(folder, 'load.mjs'), 'export default function* () {}\n');
      },
    },
  );

async function managed({ page, open, editor, shot }) {
  await open('loaded.quant.yaml');
  await editor().locator('.squiggly-warning').first().waitFor();
  await editor().locator('.view-line', { hasText: 'load.mjs' }).click();
  const action = page.locator('.action-widget').getByText('Manage trust').first();
  await askUntil(page, () => page.keyboard.press('Control+.'), action);
  await shot('blocked');
  await page.keyboard.press('Enter');
  // The workspace is trusted here: the setting is what is missing.
  await page.locator('.settings-editor').getByText('Allow Modules').first().waitFor();
  await shot('setting');
}
