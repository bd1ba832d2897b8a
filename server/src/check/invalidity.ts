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
  /** The config; null: it is an object. */
  readonly file: string | null;
  /** Zero-based lines and UTF-16 columns in the file; null: the config is an object. */
  readonly range: {
    readonly start: { readonly line: number; readonly character: number };
    readonly end: { readonly line: number; readonly character: number };
  } | null;
}

/** What a check found, as programs take it. `inFile`: whether it has places in a file. */
export function findingsOf({ findings, path: file }: CheckedConfig, inFile: boolean): ConfigFinding[] {
  return findings.map(({ code, severity, message, path, range }) => ({
    code,
    severity,
    message,
    configPath: path,
    file: inFile ? file : null,
    range: inFile ? range : null,
  }));
}

/** Findings that a message tells; all are in the data. */
const MAX_TOLD = 3;

/** Why a config cannot be run, its findings in `data`; null: it can. */
export function invalidity(checked: CheckedConfig, inFile = true): Problem | null {
  const errors = checked.findings.filter(({ severity }) => severity === 'error');
  if (checked.config !== null && errors.length === 0) return null;
  const [first] = errors;
  const firstMessages = errors.slice(0, MAX_TOLD).map(({ message }) => message);
  const more = errors.length - firstMessages.length;
  const reasons = [...firstMessages, ...(more > 0 ? [`${more} more in data.findings.`] : [])].join(' ');

  return {
    code: 'config-invalid',
    severity: 'error',
    message: `The config is not valid: ${first === undefined ? checked.path : reasons}`,
    ...(inFile ? { file: checked.path } : {}),
    ...(first === undefined ? {} : { configPath: first.path }),
    data: { findings: findingsOf(checked, inFile) },
  };
}
