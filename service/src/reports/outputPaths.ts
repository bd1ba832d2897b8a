import { configuredOutput, outputFiles, type OutputFiles } from '@quantsmith/schemas';

/** Where the output of a config at `file`, and what belongs to it, go; null: it names no model yet. */
export function outputPaths(
  config: { readonly model?: unknown; readonly output?: unknown },
  file: string,
): OutputFiles | null {
  if (typeof config.model !== 'string' || config.model === '') return null;
  return outputFiles(configuredOutput(config, file));
}
