import { portablePath } from '@quantsmith/schemas';
import type { OutputContext } from '../context/context.js';
import type { ConfigDocument } from '../document/document.js';
import { removeKey, setValue } from '../document/edit.js';
import { findNode } from '../document/tree.js';
import type { Finding } from '../findings/finding.js';
import { fix } from '../findings/fix.js';
import { placeOf } from './place.js';
import { defineRule } from './rule.js';

/**
 * `output-unusable`: the model would replace what this tool has not written, or has no place to go. `output-shared`: another
 * config of the folder writes the same file.
 */
function outputFindings(
  document: ConfigDocument,
  baseDir: string,
  { file, obstacle, sharedWith }: OutputContext,
): Finding[] {
  const path = ['output'] as const;
  const { start, end } = findNode(document.tree, path) ?? placeOf(document, path);
  const output = portablePath(baseDir, file);
  const finding = (code: Finding['code'], message: string): Finding => ({
    ...{ code, severity: 'error', message, start, end, path },
  });

  const written = findNode(document.tree, path);
  const isFolder =
    written?.kind === 'scalar' && typeof written.value === 'string' && /[\\/]$/.test(written.value);

  return [
    ...(isFolder && obstacle === null
      ? [finding('output-unusable', `"${written.value}" names a folder, not a file.`)]
      : []),
    ...(obstacle === null ? [] : [finding('output-unusable', `The output ${output} ${obstacle}.`)]),
    ...(sharedWith.length === 0
      ? []
      : [finding('output-shared', `The output ${output} is also that of ${listed(sharedWith)}.`)]),
  ];
}

const MAX_LISTED = 3;

function listed(names: readonly string[]): string {
  const more = names.length - MAX_LISTED;
  return names.slice(0, MAX_LISTED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

export const rule = defineRule({
  codes: ['output-unusable', 'output-shared'],
  needs: 'data',
  check: ({ document, baseDir, output }) =>
    output === null ? [] : outputFindings(document, baseDir, output),
  fixes: {
    'output-unusable'(document, { path }) {
      const written = findNode(document.tree, path);
      if (written?.kind !== 'scalar' || typeof written.value !== 'string') return [];
      const name = /[^\\/]+\.onnx$/.exec(written.value)?.[0];
      const besides = name === undefined || name === written.value.replace(/^\.\//, '') ? null : name;
      return [
        ...(besides === null
          ? []
          : fix(`Write ${besides} beside the config`, setValue(document, path, besides))),
        ...fix('Name it after the config', removeKey(document, path)),
      ];
    },
  },
  suppressible: true,
  sections: {
    'output-unusable':
      'Severity: error.\n\nThe quantized model, or the report beside it, would replace a file that Quantsmith did not write (`quantsmith run --force` replaces it), or cannot be written: its folder does not exist or is not writable, the name is too long, or a folder, a device, a FIFO or a socket has it. What the run reads is never replaced: the model, its external data, samples, labels and the config.',
    'output-shared':
      'Severity: error.\n\nAnother config in the same folder writes the same file: each run would replace the result of the other. Give one of them another `output`, or leave `output` out: the model is then named after the config.',
  },
  examples: [
    {
      code: 'output-unusable',
      before: 'model: model.onnx\ndata: {calibration: {images: ./train}}\noutput: model.onnx\n',
      after: 'model: model.onnx\ndata: {calibration: {images: ./train}}\n',
    },
    {
      code: 'output-shared',
      before: 'model: model.onnx\ndata: {calibration: {images: ./train}}\noutput: both.onnx\n',
      after: 'model: model.onnx\ndata: {calibration: {images: ./train}}\n',
    },
  ],
});
