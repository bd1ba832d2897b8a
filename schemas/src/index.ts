import configSchemaJson from '../quantization-config.schema.json' with { type: 'json' };
import reportSchemaJson from '../quantization-report.schema.json' with { type: 'json' };
import type { SchemaNode } from './walk.js';

export const configSchema = configSchemaJson as unknown as SchemaNode;
export const reportSchema = reportSchemaJson as unknown as SchemaNode;

export type { QuantizationConfig } from './generated/config.js';
export type { QuantizationReport } from './generated/report.js';
export * from './change.js';
export * from './dataKinds.js';
export * from './drop.js';
export * from './imageTypes.js';
export * from './isas.js';
export * from './measured.js';
export * from './metricText.js';
export * from './metrics.js';
export * from './paths.js';
export * from './problem.js';
export * from './protocol.js';
export * from './remedies.js';
export * from './reportVersions.js';
export * from './resolve.js';
export * from './stages.js';
export * from './tableOf.js';
export * from './tool.js';
export * from './trust.js';
export * from './validate.js';
export * from './walk.js';
