import {
  type ConfigPath,
  type DataKind,
  DATA_KIND_NAMES,
  IMAGE_TYPES,
  isAudioPath,
  isImagePath,
  isModulePath,
} from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { findEntry, findNode } from '../document/tree.js';
import { isMapping } from '../extends/merge.js';
import { kindOf } from '../facts/facts.js';
import { namedPaths } from '../facts/namedPaths.js';
import type { Code, Finding } from '../findings/finding.js';
import { fix, type FixTable } from '../findings/fix.js';
import { placeOf } from './place.js';
import { defineRule, type RuleInput } from './rule.js';

const ARRAY = /\.(npy|npz)$/i;
/** Files that no image decoder opens. */
const NO_IMAGE = /\.(csv|tsv|txt|json|jsonl|ya?ml|md|npy|npz|wav|pb|onnx|zip|gz|tar|py|[cm]?[jt]s)$/i;

/**
 * `data-empty`: a folder that holds nothing of what its key names. `source-kind`: a file that another key is for, or a
 * program in a language that is not run.
 */
function sourceFindings({ document, value, facts, baseDir }: RuleInput & { baseDir: string }): Finding[] {
  const paths = namedPaths(value, baseDir).filter(({ path }) => path[0] === 'data');
  const findings = paths.flatMap(({ path, written, file }): Finding[] => {
    const section = path[1] === 'validation' ? 'validation' : 'calibration';
    const key = path.at(-1);
    const kind = kindOf(facts, file);
    const { total } = facts[section];
    const isEmpty = kind === 'folder' && total === 0;
    if (key === 'images' && isEmpty)
      return findingAt(document, path, 'data-empty', `"${written}" contains no ${IMAGE_TYPES} image.`);
    if (key === 'audio' && isEmpty)
      return findingAt(document, path, 'data-empty', `"${written}" contains no .wav file.`);
    if (key === 'audio' && kind === 'file' && !isAudioPath(written))
      return wrongKey(document, path, `"${written}" is not a .wav file.`, keyFor(written));
    if (key === 'tensors' && isEmpty)
      return findingAt(
        document,
        path,
        'data-empty',
        `"${written}" contains no ONNX test data, such as test_data_set_0/input_0.pb.`,
      );
    if ((key === 'arrays' || key === 'texts') && kind === 'file' && total === 0)
      return findingAt(document, path, 'data-empty', `"${written}" contains no samples.`);
    if (key === 'images' && kind === 'file' && NO_IMAGE.test(written))
      return wrongKey(document, path, `"${written}" is not an image.`, keyFor(written));
    if (key === 'tensors' && kind === 'file')
      return wrongKey(document, path, `"${written}" is a file; tensors names a folder.`, null);
    if (key === 'arrays' && kind === 'file' && !ARRAY.test(written) && isImagePath(written))
      return wrongKey(document, path, `"${written}" is an image, not an array.`, 'images');
    if (key === 'loader' && kind !== 'folder' && !isModulePath(written))
      return findingAt(
        document,
        path,
        'source-kind',
        notRun(written, 'Save the samples as a .npz and name it as arrays'),
      );

    return [];
  });

  return [...findings, ...metricModule(document, value)];
}

/** The source that a file is for, by its name; null: not known. */
function keyFor(file: string): DataKind | null {
  if (ARRAY.test(file)) return 'arrays';
  return isAudioPath(file) ? 'audio' : isImagePath(file) ? 'images' : null;
}

/** A metric in another language; any other name that is none is the schema's to tell. */
function metricModule(document: ConfigDocument, value: unknown): Finding[] {
  const path = ['accuracy_control', 'metric'] as const;
  const control = isMapping(value) ? value['accuracy_control'] : null;
  const metric = isMapping(control) ? control['metric'] : null;
  if (typeof metric !== 'string' || !/\.(py|ipynb|sh|r|jl)$/i.test(metric)) return [];
  return findingAt(
    document,
    path,
    'source-kind',
    notRun(metric, 'Write it as a module, or use a metric by its name'),
  );
}

const notRun = (file: string, instead: string) =>
  `"${file}" is not a JavaScript or TypeScript module, and nothing else is run. ${instead}.`;

function findingAt(
  document: ConfigDocument,
  path: ConfigPath,
  code: Code,
  message: string,
  data: Record<string, unknown> = {},
): Finding[] {
  const { start, end } = findNode(document.tree, path) ?? placeOf(document, path);
  return [{ code, severity: 'error', message, start, end, path, data }];
}

function wrongKey(
  document: ConfigDocument,
  path: ConfigPath,
  message: string,
  key: string | null,
): Finding[] {
  return findingAt(document, path, 'source-kind', message, key === null ? {} : { key });
}

const sourceFixes: FixTable = {
  'source-kind'(document, { path, data }) {
    const entry = findEntry(document.tree, path);
    const key = DATA_KIND_NAMES.find((name) => name === data['key']);
    if (entry === undefined || key === undefined) return [];
    const { start, end } = entry.keySpan;
    const range = { start: document.text.positionAt(start), end: document.text.positionAt(end) };
    const newText = document.text.getText(range).replace(entry.key, key);

    return fix(`Change to ${key}`, [{ range, newText }], true);
  },
};

export const rule = defineRule({
  codes: ['data-empty', 'source-kind'],
  needs: 'data',
  check: sourceFindings,
  fixes: sourceFixes,
  suppressible: true,
  sections: {
    'data-empty':
      'Severity: error.\n\nA folder that contains no image, no .wav file, or no test data of ONNX (`test_data_set_0/input_0.pb` and so on); an array or a file of texts without a sample.',
    'source-kind':
      'Severity: error.\n\nA file that belongs under another key, or a loader or metric that is not a JavaScript or TypeScript module: Python is not run.',
  },
  examples: [
    {
      code: 'data-empty',
      before: 'model: model.onnx\ndata: {calibration: {images: ./empty}}\n',
      after: 'model: model.onnx\ndata: {calibration: {images: ./train}}\n',
    },
    {
      code: 'source-kind',
      before: 'model: model.onnx\ndata: {calibration: {images: ./train.npy}}\n',
      after: 'model: model.onnx\ndata: {calibration: {arrays: ./train.npy}}\n',
    },
  ],
});
