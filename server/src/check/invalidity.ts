import type { ConfigPath, Problem } from '@quantsmith/schemas';
import type { CheckedConfig } from './check.js';

/** Something that a check found in a config. */
export interface ConfigFinding {
  /** Stable; `explain(code)` says what it means. */
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'info' | 'hint';
  /** One sentence. */
  readonly message: string;
  /** Keys and indexes of the value concerned, from the root. */
  readonly configPath: ConfigPath;
  /** Zero-based lines and UTF-16 columns in the file; null: the config is an object. */
  readonly range: {
    readonly start: { readonly line: number; readonly character: number };
    readonly end: { readonly line: number; readonly character: number };
  } | null;
}

/** What a check found, as programs take it. `inFile`: whether it has places in a file. */
export function findingsOf({ findings }: CheckedConfig, inFile: boolean): ConfigFinding[] {
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
