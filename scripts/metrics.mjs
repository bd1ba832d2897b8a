// What the config's schema has from the table of metrics: their names and descriptions.
import { transform } from 'esbuild';
import { readFileSync } from 'node:fs';

/** The schema, with the metrics of schemas/src/metrics.ts. */
export async function withMetrics(root, schema) {
  const { code } = await transform(readFileSync(`${root}schemas/src/metrics.ts`, 'utf8'), { loader: 'ts' });
  const { METRICS } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  const names = Object.keys(METRICS);
  Object.assign(schema.properties.accuracy_control.properties.metric, {
    examples: names,
    'x-stringValues': names,
    'x-stringDescriptions': names.map((name) => METRICS[name].description),
    pattern: `^(${names.join('|')}|.*\\.[cm]?[jt]s)$`,
  });
  return schema;
}
