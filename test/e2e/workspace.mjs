// The folder that the workbench tests open: the digits example and a config with a mistake.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './harness.mjs';
import { MISTAKEN } from './mistaken.mjs';

const WIDE = '\nquantization:\n  advanced_parameters:\n    overflow_fix: disable\n';

export function fillWorkspace(folder) {
  cpSync(join(ROOT, 'examples/digits'), folder, {
    recursive: true,
    filter: (path) => !/\.int8\.onnx|\.report\.json$/.test(path),
  });
  writeFileSync(join(folder, 'mistaken.quant.yaml'), MISTAKEN);
  // Full 8-bit weights, for which 16-bit sums can saturate.
  const text = readFileSync(join(folder, 'digits-default.quant.yaml'), 'utf8');
  writeFileSync(join(folder, 'wide.quant.yaml'), `${text.replace('digits-default', 'wide')}${WIDE}`);
  // A model and two folders that somebody brings along.
  cpSync(join(folder, 'digits.onnx'), join(folder, 'walk.onnx'));
  for (const [name, file] of [
    ['eingaben', 'calibration.npy'],
    ['pruefung', 'validation.npy'],
    ['pruefung', 'validation-labels.npy'],
  ])
    cpSync(join(folder, 'data', file), join(folder, name, file));
}

/** Runs the built command line in a folder, as somebody did before the workbench was opened. */
export function runInTerminal(folder, args) {
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'dist/cli.cjs'), ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
}
