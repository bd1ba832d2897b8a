import type { ConfigPath, Problem } from '@quantsmith/schemas';
import type { CheckedConfig } from '@quantsmith/server';
import { checkedConfig, type ConfigOptions, type ConfigSource } from './config.js';

export type { ConfigSource } from './config.js';
export type CheckOptions = ConfigOptions;

/** Something that a check found in a config. */
export interface ConfigFinding {
  /** Stable; `explain(code)` says what it means. */
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'info' | 'hint';
  /** One sentence. */
  readonly message: string;
  /** The keys and indexes that it is about, from the root. */
  readonly configPath: ConfigPath;
  /** Zero-based lines and UTF-16 columns in the file; null: the config is an object. */
  readonly range: {
    readonly start: { readonly line: number; readonly character: number };
    readonly end: { readonly line: number; readonly character: number };
  } | null;
}

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

function findingsOf({ findings }: CheckedConfig, inFile: boolean): ConfigFinding[] {
  return findings.map(({ code, severity, message, path, range }) => ({
    code,
    severity,
    message,
    configPath: path,
    range: inFile ? range : null,
  }));
}

/** Why a config cannot be run, its findings in `data`; null: it can. */
export function invalidity(checked: CheckedConfig, inFile = true): Problem | null {
  const errors = checked.findings.filter(({ severity }) => severity === 'error');
  if (checked.config !== null && errors.length === 0) return null;
  const [first] = errors;
  const more = errors.length > 1 ? ` ${errors.length - 1} more in data.findings.` : '';

  return {
    code: 'config-invalid',
    severity: 'error',
    message: `The config is not valid: ${first?.message ?? checked.path}${more}`,
    ...(inFile ? { file: checked.path } : {}),
    ...(first === undefined ? {} : { configPath: first.path }),
    data: { findings: findingsOf(checked, inFile) },
  };
}
