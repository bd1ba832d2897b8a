import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder of the bundled example. */
export const DIGITS = fileURLToPath(new URL('../../examples/digits/', import.meta.url));

/** Copies the bundled example into a folder, without what runs have left beside it; its configs only where wanted. */
export function copyDigits(folder: string, { configs = true } = {}): void {
  const left = configs ? /\.int8\.onnx|\.quantsmith/ : /\.int8\.onnx|\.quantsmith|\.quant\.yaml/;
  cpSync(DIGITS, folder, { recursive: true, filter: (path) => !left.test(path) });
}
