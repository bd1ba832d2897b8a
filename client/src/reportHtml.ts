/** What the panel reads of a report (schemas/quantization-report.schema.json). */
export interface ReportView {
  readonly created: string;
  readonly output: { readonly path: string };
  readonly runtime: {
    readonly name: string;
    readonly version: string;
    readonly threads: number;
    readonly cpu: { readonly model: string; readonly isa: readonly string[] };
  };
  readonly metric: {
    readonly name: string;
    readonly samples: number;
    readonly baseline: number;
    readonly quantized_initial: number;
    readonly quantized: number;
    readonly drop: number;
    readonly max_drop: number | null;
    readonly satisfied: boolean | null;
    readonly ci95: readonly number[];
  } | null;
  readonly size: { readonly float_bytes: number; readonly quantized_bytes: number; readonly ratio: number };
  readonly latency_ms: {
    readonly float_median: number;
    readonly quantized_median: number;
    readonly speedup: number;
  } | null;
  readonly restoration: {
    readonly stop_reason: string;
    readonly steps: readonly {
      readonly iteration: number;
      readonly reverted: readonly string[];
      readonly metric: number;
      readonly drop: number;
    }[];
    readonly reverted: readonly string[];
  } | null;
  readonly layers: readonly {
    readonly name: string;
    readonly op: string;
    readonly quantized: boolean;
    readonly restored: boolean;
    readonly sqnr_db: number | null;
    readonly kernel: string | null;
    readonly weight: {
      readonly bits: number;
      readonly per_channel: boolean;
      readonly half_range: boolean;
    } | null;
  }[];
  readonly warnings: readonly { readonly message: string }[];
}

/** The report as a page for the panel: the editor's own colours, tables that a screen reader can follow, no scripts. */
export function reportHtml(report: ReportView, { nonce }: { readonly nonce: string }): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'nonce-${nonce}'">
<title>Quantization report</title>
<style nonce="${nonce}">${STYLE}${barStyles(report)}</style>
</head>
<body>
<main>
<h1>Quantization report</h1>
<p class="quiet">${escape(report.output.path)}, ${escape(report.created.slice(0, 16).replace('T', ' '))} UTC, ${escape(report.runtime.name)} ${escape(report.runtime.version)} on ${escape(report.runtime.cpu.model)} (${report.runtime.cpu.isa.map(escape).join(', ')}), ${report.runtime.threads} threads</p>
${summary(report)}
${restoration(report)}
${layers(report)}
${warnings(report)}
</main>
</body>
</html>`;
}

const STYLE = `
body { font-family: var(--vscode-font-family); color: var(--vscode-foreground); background: var(--vscode-editor-background); padding: 0 1.5rem 2rem; line-height: 1.5; }
h1 { font-size: 1.5rem; font-weight: 600; } h2 { font-size: 1.1rem; font-weight: 600; margin-top: 2rem; }
.quiet { color: var(--vscode-descriptionForeground); }
table { border-collapse: collapse; } th, td { text-align: left; padding: 0.25rem 1rem 0.25rem 0; border-bottom: 1px solid var(--vscode-panel-border, transparent); vertical-align: top; }
th { font-weight: 600; } td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.met { color: var(--vscode-testing-iconPassed, var(--vscode-foreground)); } .missed { color: var(--vscode-errorForeground); }
.bar { display: inline-block; height: 0.7em; background: var(--vscode-charts-blue, var(--vscode-foreground)); outline: 1px solid var(--vscode-contrastBorder, transparent); }
.bar.float { background: var(--vscode-charts-orange, var(--vscode-descriptionForeground)); }
code { font-family: var(--vscode-editor-font-family); }
`;

const isShare = (metric: string) => /^(top1|top5|f1)$/.test(metric);
const metricValue = (name: string, value: number) =>
  isShare(name) ? `${(100 * value).toFixed(2)} %` : value.toPrecision(5);
const metricDrop = (name: string, value: number) =>
  isShare(name) ? `${(100 * value).toFixed(2)} points` : value.toPrecision(4);

function summary({ metric, size, latency_ms: latency }: ReportView): string {
  const rows: [string, string][] = [];
  if (metric !== null) {
    const verdict =
      metric.satisfied === null
        ? ''
        : metric.satisfied
          ? ' <strong class="met">target met</strong>'
          : ' <strong class="missed">target missed</strong>';
    const allowed = metric.max_drop === null ? '' : ` of ${metricDrop(metric.name, metric.max_drop)} allowed`;
    const interval = metric.ci95.map((end) => metricDrop(metric.name, end)).join(' to ');
    rows.push([
      `${escape(metric.name)}, float`,
      `${metricValue(metric.name, metric.baseline)} on ${metric.samples} samples`,
    ]);
    if (metric.quantized_initial !== metric.quantized)
      rows.push([
        `${escape(metric.name)}, int8 before restoration`,
        metricValue(metric.name, metric.quantized_initial),
      ]);
    rows.push([`${escape(metric.name)}, int8`, metricValue(metric.name, metric.quantized)]);
    rows.push([
      'Drop',
      `${metricDrop(metric.name, metric.drop)}${allowed}${verdict} <span class="quiet">(95 % interval ${interval})</span>`,
    ]);
  }
  rows.push([
    'Size',
    `${kilobytes(size.float_bytes)} → ${kilobytes(size.quantized_bytes)}, ${size.ratio.toFixed(2)} times smaller`,
  ]);
  if (latency !== null)
    rows.push([
      'Latency',
      `${latency.float_median.toFixed(3)} ms → ${latency.quantized_median.toFixed(3)} ms, ${latency.speedup.toFixed(2)} times as fast`,
    ]);
  const body = rows
    .map(([label, value]) => `<tr><th scope="row">${label}</th><td>${value}</td></tr>`)
    .join('');
  return `<table><caption class="quiet">Result</caption><tbody>${body}</tbody></table>`;
}

const kilobytes = (bytes: number) =>
  `${(bytes / 1000).toLocaleString('en', { maximumFractionDigits: 1 })} kB`;

function restoration({ restoration: restored, metric }: ReportView): string {
  if (restored === null || metric === null) return '';
  const rows = restored.steps.map(
    (step) =>
      `<tr><td class="number">${step.iteration}</td><td class="number">${metricValue(metric.name, step.metric)}</td><td class="number">${metricDrop(metric.name, step.drop)}</td><td>${step.reverted.map((name) => `<code>${escape(name)}</code>`).join(', ')}</td></tr>`,
  );
  return `<h2>Restoration</h2><p>${escape(restored.stop_reason)}</p>
<table><thead><tr><th scope="col">Step</th><th scope="col">${escape(metric.name)}</th><th scope="col">Drop</th><th scope="col">In float</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

/** The widest bar stands for this many dB. */
const WIDEST_DB = 60;

/** Widths as classes: inline styles would need a looser content security policy. */
function barStyles({ layers: all }: ReportView): string {
  return all
    .map(
      ({ sqnr_db: db }, i) => `.b${i} { width: ${Math.max(0, Math.min(1, (db ?? 0) / WIDEST_DB)) * 12}rem; }`,
    )
    .join('\n');
}

function layers({ layers: all }: ReportView): string {
  const rows = all.map((layer, i) => {
    const noise =
      layer.sqnr_db === null
        ? '–'
        : `${layer.sqnr_db.toFixed(1)} dB <span class="bar b${i}${layer.quantized ? '' : ' float'}" aria-hidden="true"></span>`;
    const state = layer.restored
      ? 'float (restored)'
      : layer.quantized
        ? (layer.kernel ?? 'quantized, computes in float')
        : 'float';
    const weight =
      layer.weight === null
        ? ''
        : `${layer.weight.bits} bits${layer.weight.per_channel ? ' per channel' : ''}${layer.weight.half_range ? ', half range' : ''}`;
    return `<tr><th scope="row"><code>${escape(layer.name)}</code></th><td>${escape(layer.op)}</td><td>${escape(state)}</td><td>${weight}</td><td>${noise}</td></tr>`;
  });
  return `<h2>Layers</h2><p class="quiet">Signal-to-quantization-noise ratio of each output, everything before it included; higher is better.</p>
<table><thead><tr><th scope="col">Layer</th><th scope="col">Operator</th><th scope="col">Kernel</th><th scope="col">Weights</th><th scope="col">SQNR</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function warnings({ warnings: all }: ReportView): string {
  if (all.length === 0) return '';
  return `<h2>Warnings</h2><ul>${all.map(({ message }) => `<li>${escape(message)}</li>`).join('')}</ul>`;
}

/** Text made safe for HTML: names come from models. */
export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
