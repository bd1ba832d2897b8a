import { configSchema, debugSchema, reportSchema } from '@quantsmith/schemas';
import { EXIT } from '../exitCodes.js';
import { printOrWrite } from './report.js';

const BY_NAME = { config: configSchema, report: reportSchema, debug: debugSchema } as const;
export const SCHEMAS = ['config', 'report', 'debug'] as const;

/** `quantsmith schema`: the JSON Schema of configs, reports or what `debug --json` prints. */
export async function schemaCommand(
  name: (typeof SCHEMAS)[number],
  { output }: { readonly output?: string },
): Promise<number> {
  await printOrWrite(JSON.stringify(BY_NAME[name], null, 2), output);
  return EXIT.ok;
}
