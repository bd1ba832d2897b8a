import {
  type ConfigPath,
  configuredOutput,
  resolveConfig,
  type QuantizationConfig,
  type ResolvedConfig,
} from '@quantsmith/schemas';
import { basename } from 'node:path';
import type { ConfigDocument } from '../document/document.js';
import { findEntry, resolved, type Span } from '../document/tree.js';
import { isMapping } from '../extends/merge.js';
import type { FileFacts } from '../facts/facts.js';
import type { Inherited } from '../extends/inherit.js';
import { halfRangeCount, type EffectContext } from './effects.js';

export interface HintContext extends EffectContext {
  readonly config: QuantizationConfig | null;
  readonly inherited?: Inherited;
  readonly facts?: FileFacts;
}

/** A setting that is written, and what it comes to; empty where there is nothing to add. */
interface Rule {
  readonly path: ConfigPath;
  readonly text: (value: unknown, config: ResolvedConfig, context: HintContext, file: string) => string;
}

const ADVANCED = ['quantization', 'advanced_parameters'] as const;
const RESTORER = ['accuracy_control', 'advanced_accuracy_restorer_params'] as const;
const whenNull = (text: (config: ResolvedConfig) => string) => (value: unknown, config: ResolvedConfig) =>
  value === null ? text(config) : '';

const RULES: readonly Rule[] = [
  {
    path: ['extends'],
    text: (_, __, { inherited }) => {
      const settings = inherited === undefined ? 0 : countScalars(inherited.value);
      return settings === 0 ? '' : `${settings} ${settings === 1 ? 'setting' : 'settings'}`;
    },
  },
  {
    path: ['output'],
    text: (value, _, __, file) => (value === null ? basename(configuredOutput({}, file)) : ''),
  },
  {
    path: ['quantization', 'preset'],
    text: (_, { quantization: { advanced_parameters: advanced } }) =>
      `${advanced.activations_quantization_params.mode} activations`,
  },
  { path: [...ADVANCED, 'weights_quantization_params', 'num_bits'], text: (_, config) => codes(config) },
  { path: [...ADVANCED, 'overflow_fix'], text: (_, __, context) => halfCodes(context) },
  {
    path: [...ADVANCED, 'activations_quantization_params', 'mode'],
    text: whenNull(
      ({ quantization }) => quantization.advanced_parameters.activations_quantization_params.mode,
    ),
  },
  { path: [...ADVANCED, 'activations_range_estimator_params'], text: estimator('activations') },
  { path: [...ADVANCED, 'weights_range_estimator_params'], text: estimator('weights') },
  {
    path: [...RESTORER, 'ranking_subset_size'],
    text: whenNull(({ quantization }) => `${quantization.subset_size} samples`),
  },
  { path: [...RESTORER, 'max_num_iterations'], text: whenNull(() => 'no limit') },
];

/** What written settings come to, where that is not what they say. */
export function resolvedHints(
  document: ConfigDocument,
  context: HintContext,
): { span: Span; text: string }[] {
  if (context.config === null) return [];
  const complete = resolveConfig(context.config);
  return RULES.flatMap(({ path, text }) => {
    const value = findEntry(document.tree, path)?.value;
    const node = resolved(value);
    if (value === undefined || value === null || node?.kind !== 'scalar') return [];
    const label = text(node.value, complete, context, fileName(document.text.uri));
    return label === '' ? [] : [{ span: value, text: label }];
  });
}

/** The name of a document's file; not decoded where its URI is none. */
function fileName(uri: string): string {
  const last = uri.split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/** The codes that weights take. */
function codes({ quantization: { advanced_parameters: advanced } }: ResolvedConfig): string {
  const { num_bits: bits, narrow_range: narrow, mode } = advanced.weights_quantization_params;
  const half = 2 ** (bits - 1);
  return mode === 'asymmetric' ? `[0, ${2 * half - 1}]` : `[${narrow ? 1 - half : -half}, ${half - 1}]`;
}

/** Half of an 8-bit range, and how many layers take it. */
function halfCodes(context: HintContext): string {
  const halved = halfRangeCount(context);
  return halved === null || halved.layers === 0
    ? ''
    : `[-64, 64] for ${halved.layers} of ${halved.of} ${halved.of === 1 ? 'layer' : 'layers'}`;
}

/** The statistics that a named estimator stands for. */
function estimator(kind: 'activations' | 'weights') {
  return (value: unknown, { quantization: { advanced_parameters: advanced } }: ResolvedConfig): string => {
    if (typeof value !== 'string') return '';
    const { min, max } = advanced[`${kind}_range_estimator_params`];
    const side = ({ statistics_type: statistic, aggregator_type: aggregator }: typeof min) =>
      `${statistic}/${aggregator}`;

    return `min ${side(min)}, max ${side(max)}`;
  };
}

function countScalars(value: unknown): number {
  if (!isMapping(value)) return 1;
  return Object.values(value).reduce<number>((sum, child) => sum + countScalars(child), 0);
}
