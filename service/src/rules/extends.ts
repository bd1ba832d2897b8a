import { removeKey } from '../document/edit.js';
import type { ConfigDocument } from '../document/document.js';
import type { Finding } from '../findings/finding.js';
import { extendsOf, type Inherited } from '../extends/inherit.js';
import type { FileFacts } from '../facts/facts.js';
import { fix, type FixTable } from '../findings/fix.js';
import { similarFiles } from './files.js';
import { placeOf } from './place.js';
import { defineRule } from './rule.js';

/** `extends-missing`, `extends-cycle`, `extends-invalid`: what this config extends cannot be followed. */
function extendsFindings(
  document: ConfigDocument,
  { problem, layers }: Inherited,
  baseDir: string,
  facts: FileFacts,
): Finding[] {
  if (problem === null) return [];
  const named = extendsOf(document.tree) ?? '';
  const own = problem.code === 'extends-missing' && layers.length === 0;

  return [
    {
      code: problem.code,
      severity: 'error',
      message: problem.message,
      ...placeOf(document, []),
      path: ['extends'],
      data: { file: problem.file, ...(own ? { suggestions: similarFiles(baseDir, named, facts) } : {}) },
      ...(own ? {} : { related: [{ file: problem.file, message: 'The config that is extended' }] }),
    },
  ];
}

const extendsFixes: FixTable = {
  'extends-cycle': (document) => fix('Remove extends', removeKey(document, ['extends'])),
};

export const rule = defineRule({
  codes: ['extends-missing', 'extends-cycle', 'extends-invalid'],
  needs: 'data',
  check: ({ document, inherited, baseDir, facts }) => extendsFindings(document, inherited, baseDir, facts),
  fixes: extendsFixes,
  suppressible: false,
  examples: [
    { code: 'extends-missing', before: 'extends: bse.yaml\n', after: 'extends: base.yaml\n' },
    {
      code: 'extends-cycle',
      before: 'extends: itself.quant.yaml\nmodel: model.onnx\ndata: {calibration: {images: ./train}}\n',
      after: 'model: model.onnx\ndata: {calibration: {images: ./train}}\n',
    },
    {
      code: 'extends-invalid',
      before: 'extends: notes.txt\nmodel: model.onnx\ndata: {calibration: {images: ./train}}\n',
      after: null,
    },
  ],
});
