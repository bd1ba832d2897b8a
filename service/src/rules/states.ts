import { statesProblem, streamingStates } from '@quantsmith/model/tasks';
import { DATA_SECTIONS, type ModelSummary } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { setValue } from '../document/edit.js';
import { findNode } from '../document/tree.js';
import { isMapping } from '../extends/merge.js';
import type { Finding } from '../findings/finding.js';
import { fix } from '../findings/fix.js';
import { placeOf } from './place.js';
import { defineRule } from './rule.js';

/**
 * `states-unfit`: states that the model does not have, or whose shapes do not fit. `states-missing`: audio for a model whose inputs
 * come back as outputs, and no word on them. `value`: the config with what it inherits.
 */
function stateFindings(document: ConfigDocument, model: ModelSummary, value: unknown): Finding[] {
  const data = isMapping(value) ? value['data'] : null;
  return DATA_SECTIONS.flatMap((name): Finding[] => {
    const section = isMapping(data) ? data[name] : null;
    if (!isMapping(section) || typeof section['audio'] !== 'string') return [];
    const given = section['states'];
    if (given === undefined) return missingStates(document, model, name);
    if (!isMapping(given) || !Object.values(given).every((output) => typeof output === 'string')) return [];
    const message = statesProblem(given as Record<string, string>, model.inputs, model.outputs);
    if (message === null) return [];
    const path = ['data', name, 'states'] as const;
    const { start, end } = findNode(document.tree, path) ?? placeOf(document, path);

    return [{ code: 'states-unfit', severity: 'error', message, start, end, path }];
  });
}

function missingStates(
  document: ConfigDocument,
  { inputs, outputs }: ModelSummary,
  name: (typeof DATA_SECTIONS)[number],
): Finding[] {
  const states = streamingStates(inputs, outputs);
  const names = Object.keys(states);
  if (names.length === 0) return [];
  const path = ['data', name, 'audio'] as const;
  const message = `The model takes back what it gives (${names.slice(0, 8).join(', ')}): states says which output feeds which input.`;

  return [
    {
      code: 'states-missing',
      severity: 'error',
      message,
      ...placeOf(document, path),
      path,
      data: { states },
    },
  ];
}

export const rule = defineRule({
  codes: ['states-missing', 'states-unfit'],
  needs: 'model',
  check: ({ document, model, value }) => stateFindings(document, model, value),
  fixes: {
    'states-missing': (document, { path, data }) =>
      fix(
        'Feed the states back',
        setValue(
          document,
          ['data', path[1] === 'validation' ? 'validation' : 'calibration', 'states'],
          data['states'] as Readonly<Record<string, string>>,
        ),
        true,
      ),
  },
  suppressible: true,
  sections: {
    'states-missing':
      'Severity: error.\n\nThe data are audio, and inputs of the model come back as its outputs: a streaming model. `states` names the output that feeds each of them; without it, those inputs have no value. The fix writes the pairs that names and shapes suggest.',
    'states-unfit':
      'Severity: error.\n\n`states` names an input or an output that the model does not have, or an output whose type or shape differs from the input it should feed.',
  },
  examples: [
    {
      code: 'states-missing',
      before: 'model: streaming.onnx\ndata: {calibration: {audio: ./speech}}\n',
      after: 'model: streaming.onnx\ndata: {calibration: {audio: ./speech, states: {h: h_out}}}\n',
    },
    {
      code: 'states-unfit',
      before: 'model: streaming.onnx\ndata: {calibration: {audio: ./speech, states: {h: mask}}}\n',
      after: null,
    },
  ],
});
