import { configuredOutput, isRecord, outputFiles } from '@quantsmith/schemas';
import { isConfigName } from '@quantsmith/service';
import { checkConfigFile } from './check.js';

/** Where the run of a config writes its report; null: the file is not called as configs are. */
export async function reportOfConfig(file: string): Promise<string | null> {
  if (!isConfigName(file)) return null;
  const { value, path } = await checkConfigFile(file);

  return outputFiles(configuredOutput(isRecord(value) ? value : {}, path)).report;
}
