import { expect, it } from 'vitest';
import {
  configSchema,
  DATA_KIND_NAMES,
  DATA_SECTIONS,
  METRIC_NAMES,
  REPORT_VERSION,
  reportSchema,
  STAGES,
  TARGET_ISAS,
} from '../src/index.js';

/** The node of a schema at a path of property names; references are followed. */
function nodeAt(schema: unknown, ...path: string[]): Record<string, unknown> {
  type Node = Record<string, unknown> & { properties?: Record<string, unknown> };
  const definitions = (schema as { $defs?: Record<string, Node> }).$defs ?? {};
  const resolved = (node: Node): Node => {
    const reference = node['$ref'];
    return typeof reference === 'string' ? definitions[reference.split('/').at(-1)!]! : node;
  };

  return path.reduce<Node>((node, key) => resolved(resolved(node).properties?.[key] as Node), schema as Node);
}

it('the schema lists the metrics of the table, and takes no others but modules', () => {
  const metric = nodeAt(configSchema, 'accuracy_control', 'metric');
  const names = metric['x-stringValues'] as string[];
  expect(METRIC_NAMES).toEqual(expect.arrayContaining(names));
  expect(metric['pattern']).toBe(`^(${names.join('|')}|.*\\.[cm]?[jt]s)$`);
});

it('the schema lists the instruction sets that a config can name', () => {
  const advanced = ['quantization', 'advanced_parameters', 'backend_params', 'target_isa'];
  expect(nodeAt(configSchema, ...advanced)['enum']).toEqual(TARGET_ISAS);
});

it('the sections of the schema have the kinds of data of the table', () => {
  expect(Object.keys(nodeAt(configSchema, 'data')['properties'] as object)).toEqual([...DATA_SECTIONS]);
  for (const section of DATA_SECTIONS) {
    const keys = Object.keys(nodeAt(configSchema, 'data', section)['properties'] as object);
    expect(keys).toEqual(expect.arrayContaining([...DATA_KIND_NAMES]));
  }
});

it('a report has a time for each stage, and says its version', () => {
  const timings = nodeAt(reportSchema, 'timings_ms');
  expect(Object.keys(timings['properties'] as object).sort()).toEqual([...STAGES, 'total'].sort());
  expect(nodeAt(reportSchema, 'schema_version')['const']).toBe(REPORT_VERSION);
});
