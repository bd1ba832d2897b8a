import { inspectModel } from '@quantsmith/model/onnx';
import { QuantsmithError } from '@quantsmith/schemas';
import { dataNear } from '@quantsmith/server';
import { configFor } from '@quantsmith/service';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { EXIT } from '../exit.js';

/** `quantsmith init`: a commented config that fits the model, beside it. */
export async function initCommand(
  path: string,
  options: { readonly output?: string; readonly force?: boolean },
): Promise<number> {
  const output = resolve(options.output ?? `${resolve(path).replace(/\.onnx$/i, '')}.quant.yaml`);
  if (existsSync(output) && options.force !== true) {
    console.error(`error: ${output} exists; --force overwrites it.`);
    return EXIT.usage;
  }
  try {
    const model = await inspectModel(path);
    const text = configFor(
      model,
      relative(dirname(output), resolve(path)).split('\\').join('/'),
      await dataNear(dirname(output)),
    );
    await writeFile(output, text);
    console.log(`Wrote ${output}`);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof QuantsmithError)) throw error;
    console.error(`error: ${error.message} [${error.problem.code}]`);
    return EXIT.input;
  }
}
