import { metricValue, reportPathOf, type QuantizationReport } from '@quantsmith/schemas';
import { pathToFileURL } from 'node:url';
import type { CodeLens, Command } from 'vscode-languageserver-types';
import type { ConfigDocument } from '../document/document.js';
import { findEntry } from '../document/tree.js';
import type { Change } from '../context/context.js';

/** The commands that lenses may name; null where neither client nor server can do it. */
export interface LensCommands {
  /** Takes the config's URI. */
  readonly run: string;
  /** Takes the config's URI. */
  readonly sweep: string;
  /** Takes the URI of the report. */
  readonly showReport: string | null;
  /** Takes the URIs of two reports. */
  readonly compare: string | null;
}

export interface LensContext {
  readonly report: QuantizationReport | null;
  readonly changed: Change;
  /** Reports of other configs about the same model. */
  readonly others: readonly QuantizationReport[];
}

/** Other reports that are offered for comparison, the newest first. */
const MAX_OTHERS = 2;

/** Above the config: run it, what its last run gave, the report, and the reports of other configs beside it. */
export function codeLenses(
  document: ConfigDocument,
  commands: LensCommands,
  { report, changed, others }: LensContext,
): CodeLens[] {
  const entry = findEntry(document.tree, ['model']) ?? findEntry(document.tree, ['extends']);
  const sweeps = sweepLens(document, commands.sweep);
  if (entry === undefined) return sweeps;
  const start = document.text.positionAt(entry.start);
  const lens = (title: string, command: string, ...args: string[]): CodeLens => ({
    range: { start, end: start },
    command: { title, command, ...(args.length === 0 ? {} : { arguments: args }) } satisfies Command,
  });

  const run = lens('Run quantization', commands.run, document.text.uri);
  if (report === null) return [run, ...sweeps];
  const file = reportUri(report);
  const compared = [...others]
    .sort((a, b) => Date.parse(b.created) - Date.parse(a.created))
    .slice(0, commands.compare === null ? 0 : MAX_OTHERS);

  return [
    run,
    // A lens without a command is a plain text.
    lens(summary(report, changed), ''),
    ...(commands.showReport === null ? [] : [lens('Open report', commands.showReport, file)]),
    ...compared.map((other) =>
      lens(`Compare with ${nameOf(other)}`, commands.compare!, file, reportUri(other)),
    ),
    ...sweeps,
  ];
}

/** Above a matrix: run all of it. */
function sweepLens(document: ConfigDocument, command: string): CodeLens[] {
  const entry = findEntry(document.tree, ['matrix']);
  if (entry === undefined) return [];
  const start = document.text.positionAt(entry.start);

  return [
    {
      range: { start, end: start },
      command: { title: 'Sweep', command, arguments: [document.text.uri] },
    },
  ];
}

/** Reports lie beside the model that they are of. */
const reportUri = ({ output }: QuantizationReport) => pathToFileURL(reportPathOf(output.path)).href;

const nameOf = ({ output }: QuantizationReport) => output.path.split(/[\\/]/).at(-1) ?? '';

function summary(
  { created, metric, size, latency_ms: latency }: QuantizationReport,
  changed: Change,
): string {
  const accuracy =
    metric === null
      ? []
      : [
          `${metric.name} ${metricValue(metric.name, metric.baseline)} → ${metricValue(metric.name, metric.quantized)}`,
        ];

  const speed = latency === null ? [] : [change(latency.speedup, 'as fast', 'slower')];
  const parts = [...accuracy, change(size.ratio, 'smaller', 'larger'), ...speed];
  const stale =
    changed === null ? '' : changed === 'unknown' ? ' (not checked)' : ` (${changed} changed since)`;

  return `Last run ${created.slice(0, 16).replace('T', ' ')}${stale}: ${parts.join(', ')}`;
}

/** A ratio in words, whichever way it goes. */
const change = (ratio: number, better: string, worse: string) =>
  ratio >= 1 ? `${round(ratio)}× ${better}` : `${round(1 / ratio)}× ${worse}`;

const round = (value: number) => String(Number(value.toPrecision(4)));
