import type { QuantizationConfig } from './generated/config.js';
import { settingsLeftOpen } from './measured.js';
import { resolveConfig } from './resolve.js';

/**
 * What a valid config asks for, as text: two configs that differ in comments, quotes, the order of keys, stated defaults or
 * `extends` have the same. Where the output goes and what is kept of runs is no part of it.
 */
export function resolvedConfigText(config: QuantizationConfig): string {
  const effective = { ...resolveConfig(config), output: undefined, history: undefined };
  return JSON.stringify([sorted(effective), [...settingsLeftOpen(config)].sort()]);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, child]) => child !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, child]) => [key, sorted(child)]),
  );
}
