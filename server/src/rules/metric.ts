import type { QuantizationConfig } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { findEntry, type Span } from '../document/tree.js';
import type { Finding } from '../diagnostics.js';
import { placeOf } from './place.js';

const NEEDS_LABELS = /^(top1|top5|f1)$/;

/** `metric-needs-labels`, `validation-missing`: accuracy control and the data that it measures on. */
export function metricFindings(document: ConfigDocument, config: QuantizationConfig): Finding[] {
  if (config.accuracy_control === undefined) return [];
  const control = placeOf(document, ['accuracy_control']);
  const { calibration, validation } = config.data;
  const metric = config.accuracy_control.metric ?? 'top1';
  const entry = findEntry(document.tree, ['accuracy_control', 'metric']);
  // Images have their folders as labels, a loader gives its own; the others have none unless they are named.
  const { arrays, tensors } = validation ?? calibration;
  const bare = (arrays !== undefined || tensors !== undefined) && (validation?.labels ?? null) === null;
  const findings: Finding[] = [];
  if (NEEDS_LABELS.test(metric) && bare) {
    const place = validation === undefined ? 'calibration' : 'validation';
    findings.push({
      code: 'metric-needs-labels',
      severity: 'error',
      message: `The metric ${metric} needs labels, and data.${place} has none: name a label file, or use sqnr, cosine, mse or mae.`,
      ...spanOf(entry?.value ?? control),
      path: ['accuracy_control', 'metric'],
      data: entry === undefined ? {} : { suggestions: ['sqnr', 'cosine', 'mse', 'mae'] },
    });
  }
  if (validation === undefined) {
    findings.push({
      code: 'validation-missing',
      severity: 'warning',
      message: 'Without data.validation, accuracy is measured on the samples of calibration.',
      ...control,
      path: ['accuracy_control'],
    });
  }
  return findings;
}

const spanOf = ({ start, end }: Span): Span => ({ start, end });
