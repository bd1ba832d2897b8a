import { parseConfig } from '@quantsmith/service';
import { fileURLToPath } from 'node:url';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { expect, it } from 'vitest';
import { gathering } from '../src/sources/context.js';
import { createSources, type Sources } from '../src/sources/sources.js';

const FILE = fileURLToPath(new URL('../../examples/digits/around.quant.yaml', import.meta.url));
const TEXT = `model: digits.onnx
data:
  calibration: {arrays: data/calibration.npy}
  validation: {arrays: data/validation.npy, labels: data/validation-labels.npy}
`;
const document = parseConfig(TextDocument.create('file:///around.quant.yaml', 'quant-yaml', 1, TEXT));

/** Sources that note what they are asked. */
function watched(): { sources: Sources; asked: Set<string> } {
  const asked = new Set<string>();
  const sources = new Proxy(createSources(), {
    get(target, key: keyof Sources) {
      asked.add(key);
      return target[key];
    },
  });

  return { sources, asked };
}

it('what a question about one place needs is found without a look at the data, and is part of the whole', async () => {
  const { sources, asked } = watched();
  const { around, whole } = gathering(document, FILE, sources);
  const known = await around;
  expect(known.model?.nodes.length).toBeGreaterThan(0);
  expect([...asked].sort()).toEqual(['config', 'model', 'report']);

  const context = await whole();
  expect(asked).toContain('array');
  expect(context).toMatchObject(known);
  expect(context.facts.validation.total).toBeGreaterThan(0);
});
