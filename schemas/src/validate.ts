import { writtenPath, type WrittenPath } from './configPath.js';
import type { QuantizationConfig } from './generated/config.js';
import * as validators from './generated/validate.js';

/** One violation of a schema: where, which keyword, and that keyword's parameters. */
export interface SchemaIssue {
  readonly path: WrittenPath;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
}

interface AjvError {
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Record<string, unknown>;
}
type Validator = ((value: unknown) => boolean) & { errors?: AjvError[] | null };

/** All violations of the config schema; empty for a valid value. */
export function validateConfig(value: unknown): SchemaIssue[] {
  return issues(validators.validateConfig as unknown as Validator, value);
}

/** All violations of the report schema; empty for a valid value. */
export function validateReport(value: unknown): SchemaIssue[] {
  return issues(validators.validateReport as unknown as Validator, value);
}

/** Whether a value is a valid config. */
export function isConfig(value: unknown): value is QuantizationConfig {
  return validateConfig(value).length === 0;
}

function issues(validate: Validator, value: unknown): SchemaIssue[] {
  if (validate(value)) return [];
  return (validate.errors ?? [])
    .filter((error) => error.keyword !== 'if')
    .map((error) => ({
      path: writtenPath(pathOf(error.instancePath, value)),
      keyword: error.keyword,
      params: error.params,
    }));
}

/** A JSON pointer as keys and indexes, told apart by what the value holds there. */
function pathOf(pointer: string, value: unknown): (string | number)[] {
  const path: (string | number)[] = [];
  let current = value;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    const step = Array.isArray(current) ? Number(key) : key;
    path.push(step);
    current = (current as Record<string | number, unknown> | undefined)?.[step];
  }

  return path;
}
