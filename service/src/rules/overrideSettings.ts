import type { ConfigPath, QuantizationConfig } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { findEntry, findNode } from '../document/tree.js';
import type { Finding } from '../findings/finding.js';
import { idleOverrides } from './idleOverrides.js';
import type { RuleInput } from './rule.js';

/** Entries of `overrides` that name nothing, set nothing or change nothing of the model, and settings of theirs that another one makes void. */
export function overrideFindings(
  document: ConfigDocument,
  config: QuantizationConfig,
  { model, index }: Pick<RuleInput, 'model' | 'index'>,
): Finding[] {
  const idle =
    model === null || index === null ? null : idleOverrides(config.quantization ?? {}, model, index);
  return (config.quantization?.overrides ?? []).flatMap((entry, nth) => {
    const { names = [], patterns = [], types = [], ...settings } = entry;
    const place = ['quantization', 'overrides', nth] as const;
    const dead = (message: string, key?: keyof typeof entry): Finding[] => {
      const path = key === undefined ? place : ([...place, key] as const);
      const span =
        key === undefined ? findNode(document.tree, path) : findEntry(document.tree, path)?.keySpan;
      if (span === null || span === undefined) return [];
      const { start, end } = span;
      return [{ code: 'dead-setting', severity: 'warning', message, start, end, path, data: {} }];
    };

    if (names.length + patterns.length + types.length === 0)
      return dead('This entry selects no operators: set names, patterns or types.');
    if (Object.keys(settings).length === 0)
      return dead('This entry changes nothing: set float, num_bits, mode, per_channel or half_range.');
    const { reason = null, settings: without = new Map<string, string>() } = idle?.get(nth) ?? {};
    if (reason !== null) return dead(`This entry has no effect: its operators ${reason}.`);
    const stated = Object.keys(settings) as (keyof typeof settings)[];
    const single = stated.flatMap((key) =>
      without.has(key) ? dead(`${key} has no effect: its operators ${without.get(key)}.`, key) : [],
    );
    if (settings.float === true && !without.has('float'))
      return stated
        .filter((key) => key !== 'float')
        .flatMap((key) => dead(`${key} has no effect: these operators stay in float.`, key));
    const bits = without.has('num_bits') ? 8 : (settings.num_bits ?? 8);
    const half = settings.half_range === true && !without.has('half_range') && bits !== 8;

    return [
      ...single,
      ...(half ? dead('half_range has no effect: only 8-bit codes have a half range.', 'half_range') : []),
      ...(bits > 8 ? wideFindings(document, config, [...place, 'num_bits']) : []),
    ];
  });
}

function wideFindings(document: ConfigDocument, config: QuantizationConfig, path: ConfigPath): Finding[] {
  const span = findEntry(document.tree, path)?.keySpan;
  const runtime = config.quantization?.advanced_parameters?.backend_params?.runtime ?? 'onnxruntime';
  if (span === undefined || runtime !== 'onnxruntime') return [];
  const message =
    "ONNX Runtime's CPU provider has no integer kernels for more than 8 bits: these operators run in float on quantized-dequantized values.";

  return [{ code: 'no-integer-kernel', severity: 'warning', message, ...span, path, data: {} }];
}
