import { configSchema, reportSchema } from '@quantsmith/schemas';
import { EXIT } from '../exit.js';
import { printOrWrite } from './report.js';

export const SCHEMAS = ['config', 'report'] as const;

/** `quantsmith schema`: the JSON Schema of configs or reports, for editors and validators. */
export async function schemaCommand(
  name: (typeof SCHEMAS)[number],
  { output }: { readonly output?: string },
): Promise<number> {
  await printOrWrite(JSON.stringify(name === 'config' ? configSchema : reportSchema, null, 2), output);
  return EXIT.ok;
}
