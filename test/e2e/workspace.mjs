// The folder that the workbench tests open: the digits example and a config with a mistake.
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './harness.mjs';
import { MISTAKEN } from './mistaken.mjs';

export function fillWorkspace(folder) {
  cpSync(join(ROOT, 'examples/digits'), folder, {
    recursive: true,
    filter: (path) => !/\.int8\.onnx|\.report\.json$/.test(path),
  });
  writeFileSync(join(folder, 'mistaken.quant.yaml'), MISTAKEN);
}
