/** The JSON Schemas (draft 2020-12) of the config, of the report, and of what commands print as JSON. */
export {
  cacheSchema,
  checkSchema,
  compareSchema,
  configSchema,
  debugSchema,
  doctorSchema,
  explainSchema,
  inspectSchema,
  overflowSchema,
  problemsSchema,
  reportSchema,
  sensitivitySchema,
  type SchemaNode,
} from '@quantsmith/schemas';
