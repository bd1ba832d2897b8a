import { inspectModel, writeText } from '@quantsmith/model/onnx';
import { fail } from '@quantsmith/schemas';
import { dataNear } from '@quantsmith/server';
import { configFor } from '@quantsmith/service';
import { existsSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { EXIT } from '../exit.js';

/** `quantsmith init`: a commented config that fits the model, beside it. */
export async function initCommand(
  path: string,
  options: { readonly output?: string; readonly force?: boolean },
): Promise<number> {
  const output = resolve(options.output ?? `${resolve(path).replace(/\.onnx$/i, '')}.quant.yaml`);
  if (existsSync(output) && options.force !== true)
    fail('usage-invalid', `${output} exists; --force overwrites it.`, { file: output });
  const model = await inspectModel(path);
  const from = dirname(output);
  const text = configFor(model, relative(from, resolve(path)).split('\\').join('/'), await dataNear(from));
  await writeText(output, text);
  console.log(`Wrote ${output}\nnext: quantsmith run ${relative(process.cwd(), output)}`);

  return EXIT.ok;
}
