import cacheJson from '../cache-report.schema.json' with { type: 'json' };
import checkJson from '../check-report.schema.json' with { type: 'json' };
import compareJson from '../compare-report.schema.json' with { type: 'json' };
import debugJson from '../debug-report.schema.json' with { type: 'json' };
import doctorJson from '../doctor-report.schema.json' with { type: 'json' };
import explainJson from '../explain-report.schema.json' with { type: 'json' };
import inspectJson from '../inspect-report.schema.json' with { type: 'json' };
import overflowJson from '../overflow-report.schema.json' with { type: 'json' };
import problemsJson from '../problems.schema.json' with { type: 'json' };
import configJson from '../quantization-config.schema.json' with { type: 'json' };
import reportJson from '../quantization-report.schema.json' with { type: 'json' };
import sensitivityJson from '../sensitivity-report.schema.json' with { type: 'json' };
import type { SchemaNode } from './walk.js';

const schema = (json: object) => json as SchemaNode;

/** The schemas of a config, of the report that a run writes, and of what commands print when they are asked for JSON. */
export const configSchema = schema(configJson);
export const reportSchema = schema(reportJson);
export const cacheSchema = schema(cacheJson);
export const checkSchema = schema(checkJson);
export const compareSchema = schema(compareJson);
export const debugSchema = schema(debugJson);
export const doctorSchema = schema(doctorJson);
export const explainSchema = schema(explainJson);
export const inspectSchema = schema(inspectJson);
export const overflowSchema = schema(overflowJson);
export const sensitivitySchema = schema(sensitivityJson);
/** What a command prints instead of its result when it fails. */
export const problemsSchema = schema(problemsJson);
