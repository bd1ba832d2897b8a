import { findingsOf, invalidity, type ConfigFinding } from '@quantsmith/server';
import { checkedConfig, type ConfigOptions, type ConfigSource } from './config.js';

export type { ConfigFinding } from '@quantsmith/server';
export type { ConfigSource } from './config.js';
export type CheckOptions = ConfigOptions;

export interface Checked {
  /** Whether `quantize` would take it: no finding is an error. */
  readonly valid: boolean;
  readonly findings: readonly ConfigFinding[];
}

/** Checks a config without running it, as the editor does. Never rejects: what is wrong is a finding. */
export async function check(config: ConfigSource, options: CheckOptions = {}): Promise<Checked> {
  const checked = await checkedConfig(config, options);
  return { valid: invalidity(checked) === null, findings: findingsOf(checked, typeof config === 'string') };
}
