/** The JSON Schemas (draft 2020-12) of the config and of the report. */
export { configSchema, reportSchema, type SchemaNode } from '@quantsmith/schemas';
