import {
  below,
  writtenPath,
  type ConfigPath,
  type ModelSummary,
  type TensorSignature,
} from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { setValue, type Written } from '../document/edit.js';
import { findEntry, findNode } from '../document/tree.js';
import type { SectionFacts } from '../facts/facts.js';
import type { Finding } from '../findings/finding.js';
import { fix, type FixTable } from '../findings/fix.js';
import { placeOf } from './place.js';
import { defineRule, type RuleInput } from './rule.js';
import { arrayMisfit } from './sampleArrays.js';
import { audioMisfit } from './sampleAudio.js';
import { tensorMisfit } from './sampleTensors.js';
import { imageMisfit } from './sampleImages.js';
import type { Misfit, Section } from './samplePixels.js';

/** Keys whose samples are looked at. */
const SOURCES = ['images', 'arrays', 'tensors', 'audio'] as const;

/** `sample-shape`: samples that a run will not be able to give to the model, by what headers and settings say. */
function shapeFindings({ document, config, model, facts }: RuleInput): Finding[] {
  if (config === null || model === null) return [];
  return (['calibration', 'validation'] as const).flatMap((name) => {
    const section = config.data[name];
    const misfit = section === undefined ? null : misfitOf(section, facts[name], model);
    if (misfit === null) return [];
    const path = below(['data', name], ...misfit.key);
    const source = below(['data', name], SOURCES.find((key) => section?.[key] !== undefined) ?? 'arrays');
    const { start, end } =
      shownAt(document, path) ?? findNode(document.tree, source) ?? placeOf(document, source);
    const { mend } = misfit;
    const data =
      mend === undefined ? {} : { mend: { path: below(['data', name], ...mend.path), value: mend.value } };

    return [
      {
        code: 'sample-shape' as const,
        severity: 'error' as const,
        message: misfit.message,
        start,
        end,
        path,
        data,
      },
    ];
  });
}

/** The value at a path below a section, or the key above it; null: neither is written here. */
function shownAt(document: ConfigDocument, path: ConfigPath) {
  for (let length = path.length; length > 2; length--) {
    const node = findNode(document.tree, writtenPath(path.slice(0, length)));
    if (node !== null && (length === path.length || node.kind === 'scalar')) return node;
    if (node !== null) break;
  }

  return findEntry(document.tree, writtenPath(path.slice(0, 3)))?.keySpan ?? null;
}

function misfitOf(section: Section, facts: SectionFacts, { inputs }: ModelSummary): Misfit | null {
  const [input, ...others] = inputs;
  if (input === undefined) return null;
  if (section.images !== undefined)
    return others.length > 0 ? null : imageMisfit(section, facts.image, input);
  if (section.audio !== undefined) return audioMisfit(section, facts.audio, inputs);
  if (section.tensors !== undefined) return tensorMisfit(section, facts.tensors, inputs);
  if (facts.array !== null) return others.length > 0 ? null : arrayMisfit(section, facts.array, input);

  return facts.members === null ? null : archiveMisfit(section, facts.members, inputs);
}

function archiveMisfit(
  section: Section,
  members: NonNullable<SectionFacts['members']>,
  inputs: readonly TensorSignature[],
): Misfit | null {
  const counts = new Set([...members.values()].flatMap((header) => header?.shape[0] ?? []));
  if (counts.size > 1)
    return {
      key: ['arrays'],
      message: `The arrays of "${section.arrays}" have different numbers of samples: ${[...counts].join(', ')}.`,
    };

  for (const input of inputs) {
    const header = members.get(input.name) ?? null;
    const misfit = header === null ? null : arrayMisfit(section, header, input);
    if (misfit !== null) return misfit;
  }

  return null;
}

const sampleFixes: FixTable = {
  'sample-shape': (document, { data }) => {
    const mend = data['mend'] as { path: ConfigPath; value: Written } | undefined;
    if (mend === undefined) return [];
    const title = `Set ${mend.path.slice(2).join('.')} to ${JSON.stringify(mend.value)}`;
    return fix(title, setValue(document, mend.path, mend.value), true);
  },
};

export const rule = defineRule({
  codes: ['sample-shape'],
  needs: 'config',
  check: shapeFindings,
  fixes: sampleFixes,
  suppressible: true,
  sections: {
    'sample-shape':
      'Severity: error.\n\nA run cannot feed the samples to the model: their size, channels, layout, rate or element type does not fit its input. It is inferred from the settings, the headers of the first image and the first audio file, the headers of arrays and the first set of ONNX test data; what these do not show is left to the run.',
  },
  examples: [
    {
      code: 'sample-shape',
      before:
        'model: model.onnx\ndata: {calibration: {images: ./train, preprocess: {resize: 256, center_crop: 192}}}\n',
      after:
        'model: model.onnx\ndata: {calibration: {images: ./train, preprocess: {resize: 256, center_crop: 224}}}\n',
    },
  ],
});
