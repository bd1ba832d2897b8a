import { DATA_SECTIONS } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { setValue } from '../document/edit.js';
import { isMapping } from '../extends/merge.js';
import type { Finding } from '../findings/finding.js';
import { fix } from '../findings/fix.js';
import { placeOf } from './place.js';
import { defineRule } from './rule.js';

/** `tokenizer-missing`: texts without what makes tokens of them. `value`: the config with what it inherits. */
function tokenizerFindings(document: ConfigDocument, value: unknown): Finding[] {
  const data = isMapping(value) ? value['data'] : null;
  return DATA_SECTIONS.flatMap((name): Finding[] => {
    const section = isMapping(data) ? data[name] : null;
    if (!isMapping(section) || typeof section['texts'] !== 'string') return [];
    if (typeof section['tokenizer'] === 'string') return [];
    const path = ['data', name, 'texts'] as const;

    return [
      {
        code: 'tokenizer-missing',
        severity: 'error',
        message: `data.${name} has texts and no tokenizer: name the model's tokenizer.json.`,
        ...placeOf(document, path),
        path,
      },
    ];
  });
}

export const rule = defineRule({
  codes: ['tokenizer-missing'],
  needs: 'value',
  check: ({ document, value }) => tokenizerFindings(document, value),
  fixes: {
    'tokenizer-missing': (document, { path }) =>
      fix(
        'Name tokenizer.json',
        setValue(
          document,
          ['data', path[1] === 'validation' ? 'validation' : 'calibration', 'tokenizer'],
          './tokenizer.json',
        ),
      ),
  },
  suppressible: true,
  sections: {
    'tokenizer-missing':
      "Severity: error.\n\nA data section has `texts`, and nothing that makes tokens of them. `tokenizer` names the model's `tokenizer.json`.",
  },
  examples: [
    {
      code: 'tokenizer-missing',
      before: 'model: model.onnx\ndata:\n  calibration: {texts: ./train.txt}\n',
      after: 'model: model.onnx\ndata:\n  calibration: {texts: ./train.txt, tokenizer: ./tokenizer.json}\n',
    },
  ],
});
