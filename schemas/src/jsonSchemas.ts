import cacheJson from '../cache-report.schema.json' with { type: 'json' };
import checkJson from '../check-report.schema.json' with { type: 'json' };
import compareRunsJson from '../compare-runs-report.schema.json' with { type: 'json' };
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
import sweepJson from '../sweep-report.schema.json' with { type: 'json' };
import type { SchemaNode } from './walk.js';

/** Pure: a bundle has only the schemas that it uses. */
const schema = (json: object) => json as SchemaNode;

/** The schemas of a config, of the report that a run writes, and of what commands print when they are asked for JSON. */
export const configSchema = /* @__PURE__ */ schema(configJson);
export const reportSchema = /* @__PURE__ */ schema(reportJson);
export const cacheSchema = /* @__PURE__ */ schema(cacheJson);
export const checkSchema = /* @__PURE__ */ schema(checkJson);
export const compareSchema = /* @__PURE__ */ schema(compareJson);
export const compareRunsSchema = /* @__PURE__ */ schema(compareRunsJson);
export const debugSchema = /* @__PURE__ */ schema(debugJson);
export const doctorSchema = /* @__PURE__ */ schema(doctorJson);
export const explainSchema = /* @__PURE__ */ schema(explainJson);
export const inspectSchema = /* @__PURE__ */ schema(inspectJson);
export const overflowSchema = /* @__PURE__ */ schema(overflowJson);
export const sensitivitySchema = /* @__PURE__ */ schema(sensitivityJson);
export const sweepSchema = /* @__PURE__ */ schema(sweepJson);
/** What a command prints instead of its result when it fails. */
export const problemsSchema = /* @__PURE__ */ schema(problemsJson);
