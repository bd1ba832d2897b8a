import type { QuantizationReport } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { findEntry, type Path, type Span } from '../document/tree.js';
import type { Finding } from '../diagnostics.js';

const percent = (metric: string, value: number) =>
  /^(top1|top5|f1)$/.test(metric) ? `${(100 * value).toFixed(2)} %` : value.toPrecision(5);
const points = (metric: string, value: number) =>
  /^(top1|top5|f1)$/.test(metric) ? `${(100 * value).toFixed(2)} points` : value.toPrecision(4);

/**
 * `accuracy-drop`, `accuracy-restored`, `accuracy-kept`: what the last run measured, on the lines that decide it. Only
 * for a report whose config is this very text; `report-stale` (a hint, once) otherwise.
 */
export function accuracyFindings(
  document: ConfigDocument,
  report: QuantizationReport,
  current: { readonly configSha256: string },
): Finding[] {
  if (report.config.sha256 !== current.configSha256) {
    return [
      at(
        document,
        [['accuracy_control'], ['model']],
        'report-stale',
        'hint',
        `The last run (${day(report)}) was made with another version of this config.`,
      ),
    ];
  }
  const { metric, restoration } = report;
  if (metric === null) return [];
  const interval = `[${points(metric.name, metric.ci95[0])}, ${points(metric.name, metric.ci95[1])}]`;
  const measured = `${metric.name} ${percent(metric.name, metric.baseline)} → ${percent(metric.name, metric.quantized)} on ${metric.samples} samples, drop ${points(metric.name, metric.drop)}, 95 % interval ${interval}`;
  const target: Path[] = [
    ['accuracy_control', 'max_drop'],
    ['accuracy_control'],
    ['quantization'],
    ['model'],
  ];
  const findings: Finding[] = [];
  if (metric.satisfied === false) {
    // The interval contains the allowed drop: the samples cannot tell the two apart.
    const noise = metric.max_drop !== null && metric.ci95[0] <= metric.max_drop;
    findings.push(
      at(
        document,
        target,
        'accuracy-drop',
        noise ? 'warning' : 'error',
        `Accuracy target missed: ${measured}; allowed ${points(metric.name, metric.max_drop ?? 0)}.${noise ? ' The difference is within the noise of the samples.' : ''}`,
        related(report),
      ),
    );
  } else if (restoration !== null && restoration.reverted.length > 0) {
    findings.push(
      at(
        document,
        target,
        'accuracy-restored',
        'info',
        `Accuracy restored: ${measured}. ${restoration.reverted.length} operators are in float.`,
        related(report),
      ),
    );
  } else
    findings.push(at(document, target, 'accuracy-kept', 'info', `Last run: ${measured}.`, related(report)));
  if (metric.quantized_initial !== metric.quantized) {
    const cost = Math.abs(metric.baseline - metric.quantized_initial);
    findings.push(
      at(
        document,
        responsible(document),
        'setting-cost',
        'warning',
        `Before restoration these settings cost ${points(metric.name, cost)} of ${metric.name} (${percent(metric.name, metric.baseline)} → ${percent(metric.name, metric.quantized_initial)}); ${restoration?.reverted.join(', ') ?? 'no operator'} had to go back to float.`,
        related(report),
      ),
    );
  }
  return findings;
}

/** The settings that make quantization coarse, the likeliest cause first. */
function responsible(document: ConfigDocument): Path[] {
  const advanced = ['quantization', 'advanced_parameters'];
  const candidates: Path[] = [
    [...advanced, 'weights_quantization_params', 'num_bits'],
    [...advanced, 'weights_quantization_params', 'per_channel'],
    [...advanced, 'activations_quantization_params', 'num_bits'],
    [...advanced, 'weights_quantization_params'],
    [...advanced, 'activations_quantization_params'],
    ['quantization', 'preset'],
    ['quantization'],
    ['model'],
  ];
  return candidates.filter((path) => findEntry(document.tree, path) !== undefined);
}

function related(report: QuantizationReport): Finding['related'] {
  return [{ file: `${report.output.path}.report.json`, message: `Report of ${day(report)}` }];
}

const day = (report: QuantizationReport) => report.created.slice(0, 16).replace('T', ' ');

function at(
  document: ConfigDocument,
  paths: readonly Path[],
  code: string,
  severity: Finding['severity'],
  message: string,
  relatedFiles?: Finding['related'],
): Finding {
  for (const path of paths) {
    const entry = findEntry(document.tree, path);
    if (entry === undefined) continue;
    const scalar = entry.value?.kind === 'scalar' ? entry.value : null;
    const span: Span = scalar === null ? entry.keySpan : { start: entry.keySpan.start, end: scalar.end };
    return {
      code,
      severity,
      message,
      start: span.start,
      end: span.end,
      path,
      ...(relatedFiles === undefined ? {} : { related: relatedFiles }),
    };
  }
  return { code, severity, message, start: 0, end: 1, path: [] };
}
