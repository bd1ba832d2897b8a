import { readFileSync } from 'node:fs';
import { Ajv, type AnySchema } from 'ajv';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { writtenConfigs } from '../../test/configs/written.js';
import { validateConfig } from '../src/generated/validate.js';

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../schemastore/${name}`, import.meta.url), 'utf8')) as AnySchema;

const ajv = new Ajv({ strict: true, allowUnionTypes: true, strictTypes: false, allErrors: true });
// The one keyword beside draft 7: SchemaStore's list of known ones has it.
ajv.addVocabulary(['enumDescriptions']);
const validate = ajv.compile(read('quantsmith.json'));

const values = ['sound-seen', 'sound-unseen', 'unsound-seen', 'unsound-unseen']
  .flatMap(writtenConfigs)
  .flatMap(({ name, text }) => {
    try {
      return [{ name, value: parse(text, { merge: true }) as unknown }];
    } catch {
      return [];
    }
  });

/** Whether the schema of the product takes a value, what an extended base may hold left aside. */
const isTaken = (value: unknown) => {
  validateConfig(value);
  const errors = (validateConfig.errors ?? []) as readonly { keyword: string; instancePath: string }[];
  return errors.every(({ keyword, instancePath }) => keyword === 'required' && instancePath === '');
};

it('has configs of both kinds to judge', () => {
  const taken = values.filter(({ value }) => isTaken(value));
  expect(taken.length).toBeGreaterThan(60);
  expect(values.length - taken.length).toBeGreaterThan(8);
});

it.each(values)('judges $name as the product does', ({ value }) => {
  expect(validate(value)).toBe(isTaken(value));
});

it('is offered for the file names that the extension takes', () => {
  expect(read('catalog-entry.json')).toMatchObject({
    fileMatch: ['*.quant.yaml', '*.quant.yml', '*.quant.json', '*.quant.jsonc'],
  });
});
