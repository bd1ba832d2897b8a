import { expect, it } from 'vitest';
import { METRICS, METRIC_NAMES, configSchema, type MetricName } from '@quantsmith/schemas';
import { BUILT_IN } from '../src/metrics/builtIn.js';

const metric = configSchema.properties!['accuracy_control']!.properties!['metric'] as unknown as {
  readonly 'x-stringValues': readonly string[];
  readonly 'x-stringDescriptions': readonly string[];
  readonly pattern: string;
};

it('the schema, the table of facts and the engine name the same metrics', () => {
  expect(metric['x-stringValues']).toEqual(METRIC_NAMES);
  expect(metric['x-stringDescriptions']).toHaveLength(METRIC_NAMES.length);
  expect(Object.keys(BUILT_IN).sort()).toEqual([...METRIC_NAMES].sort());
  for (const name of METRIC_NAMES) expect(name).toMatch(new RegExp(metric.pattern, 'u'));
});

it('the engine agrees with the facts', () => {
  for (const [name, facts] of Object.entries(METRICS)) {
    const built = BUILT_IN[name as MetricName];
    expect([name, built.name, built.higherIsBetter]).toEqual([name, name, facts.higherIsBetter]);
    expect([name, built.needsReference]).toEqual([name, facts.labels === null]);
  }
});

it('a metric has a value of guessing, or says why there is none', () => {
  for (const [name, { guessing }] of Object.entries(METRICS)) {
    const built = BUILT_IN[name as MetricName];
    expect([name, built.guess !== undefined]).toEqual([name, typeof guessing === 'string']);
    if (typeof guessing !== 'string')
      expect([name, guessing.none]).toEqual([name, expect.stringMatching(/^it /)]);
  }
});
