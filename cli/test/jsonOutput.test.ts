import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { afterAll, describe, expect, it } from 'vitest';
import { builtCli } from '../../test/kit/builtCli.js';
import { copyDigits } from '../../test/kit/digits.js';
import { SCHEMAS } from '../src/commands/schema.js';

const cli = builtCli();
const folder = mkdtempSync(join(tmpdir(), 'quantsmith-json-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
copyDigits(folder, { configs: false });

const DATA = (set: string, limit: number) =>
  `{arrays: data/${set}.npy, preprocess: {scale: 16}, limit: ${limit}`;
writeFileSync(
  join(folder, 'case.quant.yaml'),
  `model: digits.onnx
data:
  calibration: ${DATA('calibration', 8)}}
  validation: ${DATA('validation', 40)}, labels: data/validation-labels.npy}
`,
);
writeFileSync(join(folder, 'typo.quant.yaml'), 'model: digits.onnx\nquantisation: {}\n');

const env = { ...process.env, QUANTSMITH_CACHE: join(folder, 'cache') };
function quantsmith(...args: string[]) {
  return spawnSync(process.execPath, [cli, ...args], { cwd: folder, env, encoding: 'utf8' });
}

const compiled = (name: string): ValidateFunction =>
  new Ajv2020({ strict: true, strictTypes: false, allowUnionTypes: true, allErrors: true }).compile(
    JSON.parse(quantsmith('schema', name).stdout) as object,
  );

/** The keys of objects, but where they are names that a user or a format gave. */
function keysOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(keysOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    ['by_op', 'settings', 'counts', 'opsets', 'attributes', 'constants', 'data'].includes(key)
      ? [key]
      : [key, ...keysOf(inner)],
  );
}

describe('what a command prints as JSON is what its schema says, in snake_case', () => {
  it.each<[schema: string, status: number, ...args: string[]]>([
    ['report', 0, 'run', 'case.quant.yaml', '--json'],
    ['sensitivity', 0, 'sensitivity', 'case.quant.yaml', '--json'],
    ['sweep', 0, 'sweep', 'case.quant.yaml', '--json'],
    ['sweep', 3, 'sweep', 'case.quant.yaml', 'typo.quant.yaml', '--json'],
    ['overflow', 0, 'overflow', 'case.quant.yaml', '--json'],
    ['overflow', 0, 'overflow', 'case.int8.onnx', '--json'],
    ['debug', 0, 'debug', 'case.quant.yaml', '--json'],
    ['inspect', 0, 'inspect', 'digits.onnx', '--json'],
    ['inspect', 0, 'inspect', 'case.int8.onnx', '--json'],
    ['check', 1, 'check', 'case.quant.yaml', 'typo.quant.yaml', '--format', 'json'],
    ['compare', 5, 'compare', 'digits.onnx', 'case.int8.onnx', '--max-size', '1KB', '--format', 'json'],
    [
      'compare-runs',
      0,
      ...['compare', 'case.int8.onnx', 'case.int8.onnx', 'case.int8.onnx.report.json', '--format', 'json'],
    ],
    ['explain', 0, 'explain', 'unknown-key', '--json'],
    ['explain', 0, 'explain', '--json'],
    ['cache', 0, 'cache', 'info', '--json'],
    ['doctor', 0, 'doctor', '--json'],
    ['problems', 3, 'run', 'typo.quant.yaml', '--json'],
    ['problems', 4, 'inspect', 'none.onnx', '--json'],
  ])('%s, exit code %i: quantsmith %s %s', (schema, status, ...args) => {
    const result = quantsmith(...args);
    expect(result.status, result.stderr).toBe(status);
    const printed: unknown = JSON.parse(result.stdout);
    const validate = compiled(schema);
    expect(validate(printed), JSON.stringify(validate.errors)).toBe(true);
    expect(keysOf(printed).filter((key) => !/^[a-z][a-z0-9_]*$/.test(key))).toEqual([]);
  });

  it('every schema file can be printed by its name', () => {
    const files = readdirSync(new URL('../../schemas', import.meta.url))
      .filter((name) => name.endsWith('.schema.json'))
      .map((name) => name.replace(/^quantization-|(-report)?\.schema\.json$/g, ''));
    expect([...SCHEMAS].sort()).toEqual(files.sort());
  });
});
