import type { QuantizationConfig } from '@quantsmith/schemas';
import { checkConfigFile, checkConfigText, withoutFindings, type CheckedConfig } from '@quantsmith/server';
import { basename, extname, join, resolve } from 'node:path';

/** A config: the path of its file, or the config itself. */
export type ConfigSource = string | QuantizationConfig;

export interface ConfigOptions {
  /** The folder that relative paths in a config object start at; default: the working folder. A file has its own. */
  readonly baseDir?: string;
}

/** Reads and checks a config; an object counts as a file of JSON in `baseDir`. Never throws. */
export async function checkedConfig(
  source: ConfigSource,
  { baseDir = '.' }: ConfigOptions,
): Promise<CheckedConfig> {
  if (typeof source === 'string') return checkConfigFile(source);
  const path = join(resolve(baseDir), nameOf(source));
  // An object is no second file beside those that lie in the folder: it may have the output of one of them.
  return withoutFindings(await checkConfigText(JSON.stringify(source, null, 2), path), ['output-shared']);
}

/** The name of a config object, as if it were a file: after its model, and so is the default output. */
function nameOf({ model }: QuantizationConfig): string {
  const stem = typeof model === 'string' ? basename(model, extname(model)) : '';
  return `${stem === '' ? 'config' : stem}.quant.json`;
}
