import { writtenPath, type WrittenPath } from './configPath.js';
import type { QuantizationConfig } from './generated/config.js';
import * as validators from './generated/validate.js';
import { configSchema } from './jsonSchemas.js';
import { schemaAt } from './walk.js';
import { isRecord } from './record.js';

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
  const matrix = isRecord(value) ? value['matrix'] : undefined;
  return [...validatePlainConfig(value), ...(isRecord(matrix) ? matrixIssues(matrix) : [])];
}

const validatePlainConfig = (value: unknown) =>
  issues(validators.validateConfig as unknown as Validator, value);

/** The lists of a matrix and its combinations, each value as if it stood at its own place. */
function matrixIssues(matrix: Readonly<Record<string, unknown>>): SchemaIssue[] {
  if (Object.keys(matrix).length === 0) return [issue([], 'minProperties')];

  return Object.entries(matrix).flatMap(([key, list]) => {
    if (key === 'time_limit') return limitIssues(list);
    const isCombinations = key === 'include' || key === 'exclude';
    if (!isCombinations && schemaAt(configSchema, ['matrix', key]) === undefined)
      return [issue([], 'additionalProperties', { additionalProperty: key })];
    if (!Array.isArray(list)) return [issue([key], 'type')];
    if (list.length === 0 && !isCombinations) return [issue([key], 'minItems', { limit: 1 })];

    return list.flatMap((item: unknown, index) =>
      isCombinations ? combinationIssues([key, index], item) : settingIssues([key, index], key, item),
    );
  });
}

/** Seconds. */
function limitIssues(value: unknown): SchemaIssue[] {
  if (value !== null && typeof value !== 'number') return [issue(['time_limit'], 'type')];
  if (value !== null && value <= 0) return [issue(['time_limit'], 'exclusiveMinimum', { limit: 0 })];

  return [];
}

function combinationIssues(place: Steps, settings: unknown): SchemaIssue[] {
  if (!isRecord(settings)) return [issue(place, 'type')];
  if (Object.keys(settings).length === 0) return [issue(place, 'minProperties')];

  return Object.entries(settings).flatMap(([key, value]) =>
    schemaAt(configSchema, ['matrix', 'include', 0, key]) === undefined
      ? [issue(place, 'additionalProperties', { additionalProperty: key })]
      : settingIssues([...place, key], key, value),
  );
}

function settingIssues(place: Steps, setting: string, value: unknown): SchemaIssue[] {
  const steps = setting.split('.');
  const config = steps.reduceRight<unknown>((inner, step) => ({ [step]: inner }), value);

  return validatePlainConfig(config)
    .filter(({ path }) => steps.every((step, index) => path[index] === step))
    .map((inner) => ({ ...inner, path: inMatrix([...place, ...inner.path.slice(steps.length)]) }));
}

type Steps = readonly (string | number)[];

function inMatrix(place: Steps): WrittenPath {
  const steps: Steps = ['matrix', ...place];
  return writtenPath(steps);
}

const issue = (place: Steps, keyword: string, params: SchemaIssue['params'] = {}): SchemaIssue => ({
  path: inMatrix(place),
  keyword,
  params,
});

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
