import type { QuantizationReport } from '@quantsmith/schemas';
import picocolors from 'picocolors';

/** Colours on a terminal only: a pipe in CI is none, whatever its variables say. */
const pc = picocolors.createColors(process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined);

/** The table that ends a run. */
export function summaryTable(report: QuantizationReport): string {
  const rows = [
    ...metricRows(report),
    ...restorationRows(report),
    ...sizeRows(report),
    ['model', report.output.path],
    ['report', `${report.output.path}.report.json`],
  ];
  const width = Math.max(...rows.map(([label]) => label!.length));
  return rows.map(([label, value]) => `${pc.bold(label!.padEnd(width))}  ${value}`).join('\n');
}

const isShare = (metric: string) => /^(top1|top5|f1)$/.test(metric);
const valueOf = (metric: string, value: number) =>
  isShare(metric) ? `${(100 * value).toFixed(2)} %` : value.toPrecision(5);
const dropText = (metric: string, value: number) =>
  isShare(metric) ? `${(100 * value).toFixed(2)} points` : value.toPrecision(4);

function metricRows({ metric }: QuantizationReport): string[][] {
  if (metric === null) return [];
  const { name } = metric;
  const interval = metric.ci95.map((end) => dropText(name, end)).join(' … ');
  const verdict =
    metric.satisfied === null
      ? ''
      : metric.satisfied
        ? pc.green(' (target met)')
        : pc.red(' (target missed)');
  const allowed = metric.max_drop === null ? '' : `, allowed ${dropText(name, metric.max_drop)}`;
  return [
    [`${name}, float`, `${valueOf(name, metric.baseline)} of ${metric.samples} samples`],
    ...(metric.quantized_initial === metric.quantized
      ? []
      : [[`${name}, int8 before restoration`, valueOf(name, metric.quantized_initial)]]),
    [`${name}, int8`, valueOf(name, metric.quantized)],
    ['drop', `${dropText(name, metric.drop)}${allowed}${verdict}, 95 % interval ${interval}`],
  ];
}

function restorationRows({ restoration, layers }: QuantizationReport): string[][] {
  const quantized = layers.filter((layer) => layer.quantized).length;
  const integer = layers.filter((layer) => layer.kernel !== null).length;
  const counts = [
    [
      'operators',
      `${quantized} quantized, ${integer} of them in integer kernels, ${layers.length - quantized} in float`,
    ],
  ];
  if (restoration === null) return counts;
  const names = restoration.reverted.length === 0 ? 'none' : restoration.reverted.join(', ');
  return [
    ...counts,
    ['restored to float', `${names} (${restoration.iterations} validations)`],
    ['restoration', restoration.stop_reason],
  ];
}

function sizeRows({
  size,
  latency_ms: latency,
  timings_ms: timings,
  peak_rss_bytes: peak,
}: QuantizationReport): string[][] {
  const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;
  return [
    [
      'size',
      `${kilobytes(size.float_bytes)} → ${kilobytes(size.quantized_bytes)} (${size.ratio.toFixed(2)} times smaller)`,
    ],
    ...(latency === null
      ? []
      : [
          [
            'latency',
            `${latency.float_median.toFixed(3)} ms → ${latency.quantized_median.toFixed(3)} ms (${latency.speedup.toFixed(2)} times as fast, median of ${latency.runs})`,
          ],
        ]),
    ['time', `${(timings.total / 1000).toFixed(1)} s, peak memory ${(peak / 1e6).toFixed(0)} MB`],
  ];
}
