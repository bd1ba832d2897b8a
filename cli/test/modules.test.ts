import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { readArrayFile } from '@quantsmith/model/arrays';
import type { QuantizationReport } from '@quantsmith/schemas';
import { builtCli, root } from '../../test/kit/builtCli.js';
import { isAlive } from '../../test/kit/alive.js';
import { copyDigits } from '../../test/kit/digits.js';

const cli = builtCli();
const folder = mkdtempSync(join(tmpdir(), 'quantsmith-modules-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);

/** The examples of the page, each in the file that its first line names, and the data that they read. */
beforeAll(() => {
  copyDigits(folder);
  const page = readFileSync(join(root, 'docs/modules.md'), 'utf8');
  for (const [, text, name] of page.matchAll(/^```\w+\n((?:\/\/|#) ([\w.]+).*?)^```/gms)) write(name!, text!);
  const images = readArrayFile(join(folder, 'data/validation.npy'), []);
  const labels = readArrayFile(join(folder, 'data/validation-labels.npy'), []);
  const lines = Array.from({ length: 200 }, (_, i) =>
    [...Array.from(images.rows(i, i + 1) as Uint8Array), Number(labels.rows(i, i + 1)[0])].join(),
  );
  write('digits.csv', `${lines.join('\n')}\n`);
});

const quantsmith = (...args: string[]) =>
  spawnSync(process.execPath, [cli, ...args], { cwd: folder, encoding: 'utf8' });
const report = () =>
  JSON.parse(readFileSync(join(folder, 'points.int8.onnx.report.json'), 'utf8')) as QuantizationReport;

it("runs the page's loader and metric", () => {
  expect(quantsmith('check', 'points.quant.yaml').status).toBe(0);
  const { status, stderr } = quantsmith('run', 'points.quant.yaml', '--allow-modules');
  expect([status, stderr]).toEqual([0, expect.any(String)]);
  const { metric } = report();
  expect(metric).toMatchObject({ name: 'points', satisfied: true });
  expect(metric!.baseline).toBeGreaterThan(0.9);
});

it('what a module prints is shown with its name and escaped; what it throws is placed in the config', async () => {
  write(
    'loud.mjs',
    `import { spawn } from 'node:child_process';\nconsole.log('read \\x1b[1m red', spawn('sleep', ['600']).pid);\nexport default () => {\n  throw new Error('no \\x1b[1m data');\n};\n`,
  );
  write('loud.quant.yaml', 'model: digits.onnx\ndata:\n  calibration:\n    loader: ./loud.mjs\n');
  const { status, stderr } = quantsmith('run', 'loud.quant.yaml', '--allow-modules');
  expect(status).not.toBe(0);
  const [, started] = /^loud\.mjs: read \\u\{1b\}\[1m red (\d+)$/m.exec(stderr) ?? [];
  // What the module has started ends with the run.
  await vi.waitFor(() => expect(isAlive(Number(started))).toBe(false));
  expect(stderr).toMatch(
    /loud\.quant\.yaml:4:.*loud\.mjs failed to start, line 4: no \\u\{1b\}\[1m data\. \[loader-failed\]/,
  );
});
