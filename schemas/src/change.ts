import type { QuantizationConfig } from './generated/config.js';
import { isRecord } from './record.js';

/** A change of quantization settings: only the keys that it sets, as a config would write them below `quantization`. */
export type QuantizationChange = NonNullable<QuantizationConfig['quantization']>;

/** Both changes, the second over the first, key by key; lists and named estimators are replaced as a whole. */
export function combineChanges(first: QuantizationChange, second: QuantizationChange): QuantizationChange {
  return overlay(first, second);
}

/** The config with a change of its quantization settings. */
export function withChange(config: QuantizationConfig, change: QuantizationChange): QuantizationConfig {
  return { ...config, quantization: combineChanges(config.quantization ?? {}, change) };
}

function overlay<T extends object>(base: T, over: T): T {
  const entries = Object.entries(over).map(([key, value]: [string, unknown]) => {
    const below = (base as Record<string, unknown>)[key];
    return [key, isRecord(below) && isRecord(value) ? overlay(below, value) : value];
  });

  return { ...base, ...Object.fromEntries(entries) } as T;
}
