import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MISTAKEN } from '../e2e/mistaken.mjs';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The program and arguments that start the language server, built if need be. */
export function serverCommand(): string[] {
  if (!existsSync(join(root, 'dist/cli.cjs')))
    execFileSync(process.execPath, [join(root, 'scripts/build.mjs')]);
  return [process.execPath, join(root, 'cli/bin/quantsmith.mjs'), 'lsp', '--stdio'];
}

/** A new folder with the example and a config that has a mistake in it, `mistaken.quant.yaml`. */
export function editorFolder(editor: string): string {
  const folder = mkdtempSync(join(tmpdir(), `quantsmith-${editor}-`));
  cpSync(join(root, 'examples/digits'), folder, {
    recursive: true,
    filter: (path) => !/\.int8\.onnx/.test(path),
  });
  writeFileSync(join(folder, 'mistaken.quant.yaml'), MISTAKEN);
  return folder;
}

/** Two configs about one model that name the same layer, one of them with a mistake in it. */
export function writeLayerConfigs(folder: string): void {
  const scope = '  ignored_scope:\n    names: [/old/Conv]\n';
  const data = 'data: {calibration: {arrays: data/calibration.npy}}\n';
  const config = (first: string) => `model: digits.onnx\n${data}quantization:\n${scope}${first}`;
  writeFileSync(join(folder, 'quantization.yaml'), config('  prset: mixed\n'));
  writeFileSync(join(folder, 'second.quant.yaml'), config('  preset: mixed\n'));
}
