import { audioInput, textInputsText, textRoles } from '@quantsmith/model/tasks';
import type { ModelSummary, TensorSignature } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { findNode } from '../document/tree.js';
import { isMapping } from '../extends/merge.js';
import type { Finding } from '../findings/finding.js';
import type { FileFacts, SectionFacts } from '../facts/facts.js';
import { placeOf } from './place.js';
import { defineRule } from './rule.js';
import { tensorsOf } from './sampleTensors.js';

/** `data-inputs`: a source that cannot feed all inputs of the model. `value`: the config with what it inherits. */
function dataInputFindings(
  document: ConfigDocument,
  { inputs }: ModelSummary,
  value: unknown,
  facts: FileFacts,
): Finding[] {
  const data = isMapping(value) ? value['data'] : null;
  return (['calibration', 'validation'] as const).flatMap((section): Finding[] => {
    const source = isMapping(data) ? data[section] : null;
    if (!isMapping(source)) return [];
    const key = (['images', 'arrays', 'tensors', 'texts', 'audio'] as const).find(
      (kind) => typeof source[kind] === 'string',
    );
    if (key === undefined) return [];
    const message =
      key === 'audio'
        ? audioProblem(inputs, source)
        : problemOf(key, String(source[key]), inputs, facts[section]);
    if (message === null) return [];
    const path = ['data', section, key] as const;
    const { start, end } = findNode(document.tree, path) ?? placeOf(document, path);

    return [{ code: 'data-inputs', severity: 'error', message, start, end, path }];
  });
}

function problemOf(
  key: string,
  file: string,
  signatures: readonly TensorSignature[],
  { members, tensors }: SectionFacts,
): string | null {
  const inputs = signatures.map(({ name }) => name);
  const arrays = members === null ? null : [...members.keys()];
  const all = `${inputs.length} inputs (${inputs.slice(0, 8).join(', ')})`;
  if (key === 'images') return inputs.length > 1 ? `The model has ${all}; images can feed only one.` : null;
  if (key === 'texts') return textProblem(signatures);
  if (key === 'tensors') {
    const given = tensors === null ? null : tensorsOf(tensors, signatures);
    const [lacking] = given?.flatMap(({ input, tensor }) => (tensor === null ? [input.name] : [])) ?? [];
    return lacking === undefined
      ? null
      : `"${file}/${tensors?.names[0]}" has no tensor for the input "${lacking}" of the model.`;
  }

  if (/\.npy$/i.test(file))
    return inputs.length > 1
      ? `The model has ${all}; a .npy can feed only one. Use a .npz whose array names are the inputs.`
      : null;
  const missing = arrays === null ? [] : inputs.filter((name) => !arrays.includes(name));
  if (arrays === null || missing.length === 0) return null;
  const has = arrays.length === 0 ? 'none' : arrays.slice(0, 8).join(', ');

  return `"${file}" has no array for ${missing.length === 1 ? 'the input' : 'the inputs'} ${missing
    .slice(0, 8)
    .map((name) => `"${name}"`)
    .join(', ')} of the model; it has ${has}.`;
}

function textProblem(inputs: readonly TensorSignature[]): string | null {
  const names = inputs.map(({ name }) => name);
  if (textRoles(names) === null) return textInputsText(names);
  const other = inputs.find(({ type }) => !/^u?int|^bool/.test(type));
  return other === undefined
    ? null
    : `Texts are passed as token ids, but the input "${other.name}" expects ${other.type}.`;
}

/** `source`: a section, valid or not. */
function audioProblem(
  inputs: ModelSummary['inputs'],
  source: Readonly<Record<string, unknown>>,
): string | null {
  const tableAt = (key: string) => (isMapping(source[key]) ? source[key] : {});
  const input = audioInput(inputs, tableAt('states'), tableAt('constants'));
  return typeof input === 'string' ? input : null;
}

export const rule = defineRule({
  codes: ['data-inputs'],
  needs: 'model',
  check: ({ document, model, value, facts }) => dataInputFindings(document, model, value, facts),
  suppressible: true,
  sections: {
    'data-inputs':
      "Severity: error.\n\nThe source cannot feed all inputs of the model: images or a `.npy` for a model with several, a `.npz` that has no array of an input's name, test data without a tensor for one, or texts for a model without one input of token ids (beside a mask, token types and positions), or audio for a model with several inputs that are neither `states` nor `constants`.",
  },
  examples: [
    {
      code: 'data-inputs',
      before: 'model: two-inputs.onnx\ndata: {calibration: {arrays: ./train.npy}}\n',
      after: 'model: two-inputs.onnx\ndata: {calibration: {arrays: ./train.npz}}\n',
    },
  ],
});
