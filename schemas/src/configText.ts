import { canonicalJson } from './canonicalJson.js';
import type { QuantizationConfig } from './generated/config.js';
import { settingsLeftOpen } from './measured.js';
import { resolveConfig } from './resolve.js';

/**
 * What a valid config asks for, as text: two configs that differ in comments, quotes, the order of keys, stated defaults or
 * `extends` have the same. Where the output goes and what is kept of runs is no part of it.
 */
export function resolvedConfigText(config: QuantizationConfig): string {
  const effective = { ...resolveConfig(config), output: undefined, history: undefined };
  return canonicalJson([effective, [...settingsLeftOpen(config)].sort()]);
}
