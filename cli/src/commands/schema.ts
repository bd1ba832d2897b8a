import * as schemas from '@quantsmith/schemas';
import { EXIT } from '../output/exitCodes.js';
import { printOrWrite } from './report.js';

const BY_NAME = {
  config: schemas.configSchema,
  report: schemas.reportSchema,
  cache: schemas.cacheSchema,
  check: schemas.checkSchema,
  compare: schemas.compareSchema,
  'compare-runs': schemas.compareRunsSchema,
  debug: schemas.debugSchema,
  doctor: schemas.doctorSchema,
  explain: schemas.explainSchema,
  inspect: schemas.inspectSchema,
  overflow: schemas.overflowSchema,
  problems: schemas.problemsSchema,
  sensitivity: schemas.sensitivitySchema,
  sweep: schemas.sweepSchema,
} as const;
export type SchemaName = keyof typeof BY_NAME;
export const SCHEMAS = Object.keys(BY_NAME) as SchemaName[];

/** `quantsmith schema`: the JSON Schema of configs, of reports, or of what a command prints as JSON. */
export async function schemaCommand(
  name: SchemaName,
  { output }: { readonly output?: string },
): Promise<number> {
  await printOrWrite(JSON.stringify(BY_NAME[name], null, 2), output, 'json');

  return EXIT.ok;
}
