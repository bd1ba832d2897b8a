import { outputObstacle } from '@quantsmith/engine';
import { configuredInputs, type OutputFiles } from '@quantsmith/schemas';
import { effectiveValue, inherit, isMapping, outputPaths, type OutputContext } from '@quantsmith/service';
import { basename, dirname, join } from 'node:path';
import type { Sources } from './sources.js';

/** Configs of a folder that are compared; what lies beyond is not known. */
const MAX_CONFIGS = 200;

/** What lies where a config's output goes, and which other configs of its folder write there. */
export async function outputContext(
  files: OutputFiles,
  config: string,
  value: unknown,
  sources: Sources,
): Promise<OutputContext> {
  const [facts, sharedWith] = await Promise.all([
    sources.output(files, configuredInputs(value, config)),
    configsWithOutput(files.output, config, sources),
  ]);

  return { file: files.output, obstacle: outputObstacle(facts, false), sharedWith };
}

async function configsWithOutput(output: string, config: string, sources: Sources): Promise<string[]> {
  const folder = dirname(config);
  const names = (await sources.configNames(folder)).filter((name) => name !== basename(config));
  const shared = await Promise.all(
    names.slice(0, MAX_CONFIGS).map(async (name) => {
      const file = join(folder, name);
      const document = await Promise.resolve(sources.config(file)).catch(() => null);
      if (document === null) return [];
      const value = effectiveValue(document, await inherit(document, file, sources.config));
      return isMapping(value) && outputPaths(value, file)?.output === output ? [name] : [];
    }),
  );

  return shared.flat();
}
