import { removeKey } from '../document/edit.js';
import type { ConfigDocument } from '../document/document.js';
import type { Finding } from '../findings/finding.js';
import { extendsOf, type Inherited } from '../extends/inherit.js';
import type { FileFacts } from '../facts/facts.js';
import { fix, type FixTable } from '../findings/fix.js';
import { notExpanded, similarFiles } from './files.js';
import { placeOf } from './place.js';
import { defineRule } from './rule.js';
import { causeOf } from './syntaxCauses.js';

/** `extends-missing`, `extends-cycle`, `extends-invalid`: what this config extends cannot be followed. */
function extendsFindings(
  document: ConfigDocument,
  { problem, layers }: Inherited,
  baseDir: string,
  facts: FileFacts,
): Finding[] {
  if (problem === null) return [];
  const named = extendsOf(document.tree) ?? '';
  const isOwn = problem.code === 'extends-missing' && layers.length === 0;

  return [
    {
      code: problem.code,
      severity: 'error',
      message: isOwn
        ? `${problem.message}${notExpanded(named)}`
        : (unreadable(problem, layers) ?? problem.message),
      ...placeOf(document, []),
      path: ['extends'],
      data: { file: problem.file, ...(isOwn ? { suggestions: similarFiles(baseDir, named, facts) } : {}) },
      ...(isOwn ? {} : { related: [{ file: problem.file, message: 'The config that is extended' }] }),
    },
  ];
}

/** Why a base cannot be read, in the words that it is told with there; null: for another reason than its syntax. */
function unreadable(problem: NonNullable<Inherited['problem']>, layers: Inherited['layers']): string | null {
  const document = layers.find(({ file }) => file === problem.file)?.document;
  const [first] = document?.tree.problems ?? [];
  if (document === undefined || first === undefined || !problem.message.endsWith(first.message)) return null;
  const cause = causeOf(document);

  return cause === null ? null : problem.message.slice(0, -first.message.length) + cause.message;
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
  sections: {
    'extends-missing':
      'Severity: error.\n\n[`extends`](extends.md) names a file that does not exist, here or in a config that this one extends. Similar names in the same folder are offered.',
    'extends-cycle': 'Severity: error.\n\nConfigs extend each other in a cycle; the message lists them.',
    'extends-invalid':
      'Severity: error.\n\nThe config named by `extends` cannot be read, or has a value that is not allowed. Errors in the other file are reported here only where they change what this config means: a value that this config replaces is not reported. A base that is not a complete config by itself should not be called `*.quant.yaml`, so that it is not checked as one.',
  },
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
