import { EQUAL_SQNR_DB, metricFacts, resolveConfig, type QuantizationConfig } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { findEntry, type Span } from '../document/tree.js';
import type { Finding } from '../findings/finding.js';
import { placeOf } from './place.js';

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
  if ((metricFacts(metric)?.labels ?? null) !== null && bare) {
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
  return [...findings, ...sqnrFindings(document, config), ...dropFindings(document, config)];
}

/** More than any model with 8-bit activations reaches, in dB. */
const LARGEST_SQNR_DB = 70;
/** What a good 8-bit model has, in dB. */
const COMMON_SQNR_DB = 30;

/** `target-unreachable`: the float model's SQNR is that of equal outputs, so that a small drop asks for nearly that. */
function sqnrFindings(document: ConfigDocument, config: QuantizationConfig): Finding[] {
  const { accuracy_control: control, quantization } = resolveConfig(config);
  const { activations_quantization_params: activations, weights_quantization_params: weights } =
    quantization.advanced_parameters;
  if (control === null || control.metric !== 'sqnr' || activations.num_bits > 8 || weights.num_bits > 8)
    return [];
  const relative = control.drop_type === 'relative';
  const wanted = EQUAL_SQNR_DB - control.max_drop * (relative ? EQUAL_SQNR_DB : 1);
  if (wanted <= LARGEST_SQNR_DB) return [];
  const path = ['accuracy_control', 'max_drop'];
  const value = findEntry(document.tree, path)?.value;
  const suggestion = relative ? 1 - COMMON_SQNR_DB / EQUAL_SQNR_DB : EQUAL_SQNR_DB - COMMON_SQNR_DB;
  return [
    {
      code: 'target-unreachable',
      severity: 'warning',
      message: `The float model counts as ${EQUAL_SQNR_DB} dB, so that this drop asks for ${Number(wanted.toPrecision(6))} dB, which no 8-bit model has. For ${COMMON_SQNR_DB} dB write max_drop: ${suggestion}.`,
      ...spanOf(value ?? placeOf(document, ['accuracy_control', 'metric'])),
      path,
      data: value === undefined || value === null ? {} : { suggestions: [String(suggestion)] },
    },
  ];
}

/** A drop that is in no unit of its metric: relative to nothing, or more than there is to lose. */
function dropFindings(document: ConfigDocument, config: QuantizationConfig): Finding[] {
  const { accuracy_control: control } = resolveConfig(config);
  if (control === null) return [];
  const { metric, max_drop: drop, drop_type: type } = control;
  const at = (key: string, code: Finding['code'], message: string, suggestion: string): Finding[] => {
    const path = ['accuracy_control', key];
    const value = findEntry(document.tree, path)?.value;
    if (value === undefined || value === null) return [];
    const data = { suggestions: [suggestion] };
    return [{ code, severity: 'warning', message, ...spanOf(value), path, data }];
  };
  if (metricFacts(metric)?.perfect === 0 && type === 'relative') {
    const message = `The float model's ${metric} is 0, so a drop relative to it is undefined: use an absolute one.`;
    return at('drop_type', 'target-unreachable', message, 'absolute');
  }
  if (metricFacts(metric)?.share !== true || drop < 1) return [];
  const message = `${metric} is a share from 0 to 1: a drop of ${drop} allows any loss. One point is 0.01.`;
  return at('max_drop', 'out-of-range', message, String(Number((drop / 100).toPrecision(6))));
}

const spanOf = ({ start, end }: Span): Span => ({ start, end });
