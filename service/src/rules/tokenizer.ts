import { posix } from 'node:path';
import { DATA_SECTIONS } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { setValue } from '../document/edit.js';
import { findNode } from '../document/tree.js';
import { isMapping } from '../extends/merge.js';
import type { FileFacts } from '../facts/facts.js';
import type { Finding } from '../findings/finding.js';
import { fix } from '../findings/fix.js';
import { placeOf } from './place.js';
import { defineRule } from './rule.js';

/** `tokenizer-missing`, `tokenizer-invalid`: texts without what makes tokens of them. `value`: the config with what it inherits. */
function tokenizerFindings(document: ConfigDocument, value: unknown, facts: FileFacts): Finding[] {
  const data = isMapping(value) ? value['data'] : null;
  return DATA_SECTIONS.flatMap((name): Finding[] => {
    const section = isMapping(data) ? data[name] : null;
    if (!isMapping(section) || typeof section['texts'] !== 'string') return [];
    if (typeof section['tokenizer'] === 'string')
      return invalidTokenizer(document, name, section['tokenizer'], facts[name].tokenizerProblem);
    const path = ['data', name, 'texts'] as const;

    return [
      {
        code: 'tokenizer-missing',
        severity: 'error',
        message: `data.${name} has texts but no tokenizer: name the model's tokenizer.json.`,
        ...placeOf(document, path),
        path,
        data: { tokenizer: `${posix.dirname(section['texts'])}/tokenizer.json` },
      },
    ];
  });
}

function invalidTokenizer(
  document: ConfigDocument,
  name: (typeof DATA_SECTIONS)[number],
  written: string,
  problem: string | null,
): Finding[] {
  if (problem === null) return [];
  const path = ['data', name, 'tokenizer'] as const;
  const { start, end } = findNode(document.tree, path) ?? placeOf(document, path);
  const message = `"${written}" is not a readable tokenizer: ${problem}.`;
  return [{ code: 'tokenizer-invalid', severity: 'error', message, start, end, path }];
}

export const rule = defineRule({
  codes: ['tokenizer-missing', 'tokenizer-invalid'],
  needs: 'value',
  check: ({ document, value, facts }) => tokenizerFindings(document, value, facts),
  fixes: {
    'tokenizer-missing': (document, { path, data }) =>
      fix(
        'Name tokenizer.json',
        setValue(
          document,
          ['data', path[1] === 'validation' ? 'validation' : 'calibration', 'tokenizer'],
          typeof data['tokenizer'] === 'string' ? data['tokenizer'] : './tokenizer.json',
        ),
      ),
  },
  suppressible: true,
  sections: {
    'tokenizer-invalid':
      'Severity: error.\n\nThe file that `tokenizer` names is not a Hugging Face `tokenizer.json`, or is of an unsupported kind.',
    'tokenizer-missing':
      "Severity: error.\n\nA data section has `texts` but no tokenizer. `tokenizer` names the model's `tokenizer.json`.",
  },
  examples: [
    {
      code: 'tokenizer-invalid',
      before: 'model: model.onnx\ndata:\n  calibration: {texts: ./train.txt, tokenizer: ./config.json}\n',
      after: null,
    },
    {
      code: 'tokenizer-missing',
      before: 'model: model.onnx\ndata:\n  calibration: {texts: ./train.txt}\n',
      after: 'model: model.onnx\ndata:\n  calibration: {texts: ./train.txt, tokenizer: ./tokenizer.json}\n',
    },
  ],
});
