import type { QuantizationReport } from '@quantsmith/schemas';
import type { CodeLens } from 'vscode-languageserver';
import type { ConfigDocument } from '../document/document.js';
import { findEntry } from '../document/tree.js';
import type { Change } from '../runs/freshness.js';

/** Above the config: run it, and what its last run gave. */
export function codeLenses(
  document: ConfigDocument,
  runCommand: string,
  report: QuantizationReport | null,
  changed: Change,
): CodeLens[] {
  const entry = findEntry(document.tree, ['model']);
  if (entry === undefined) return [];
  const start = document.text.positionAt(entry.start);
  const range = { start, end: start };
  const run = {
    range,
    command: { title: 'Run quantization', command: runCommand, arguments: [document.text.uri] },
  };
  if (report === null) return [run];
  // A lens without a command is a plain text.
  return [run, { range, command: { title: summary(report, changed), command: '' } }];
}

function summary(
  { created, metric, size, latency_ms: latency }: QuantizationReport,
  changed: Change,
): string {
  const accuracy =
    metric === null ? [] : [`${metric.name} ${round(metric.baseline)} → ${round(metric.quantized)}`];
  const speed = latency === null ? [] : [`${round(latency.speedup)}× as fast`];
  const parts = [...accuracy, `${round(size.ratio)}× smaller`, ...speed];
  const stale = changed === null ? '' : ` (${changed} changed since)`;
  return `Last run ${created.slice(0, 16).replace('T', ' ')}${stale}: ${parts.join(', ')}`;
}

const round = (value: number) => String(Number(value.toPrecision(4)));
