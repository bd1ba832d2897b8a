import { readersByTensor } from '@quantsmith/model/graph';
import { isKnownTo } from '@quantsmith/model/operators';
import { resolve } from 'node:path';
import {
  below,
  DATA_KIND_NAMES,
  type ConfigPath,
  type ModelSummary,
  type QuantizationConfig,
} from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { removeKey, setValue, type Written } from '../document/edit.js';
import { findEntry, findNode } from '../document/tree.js';
import type { SectionFacts } from '../facts/facts.js';
import type { Code, Finding } from '../findings/finding.js';
import { fix, type FixTable } from '../findings/fix.js';
import { placeOf } from './place.js';
import { defineRule, type RuleInput } from './rule.js';

type Section = QuantizationConfig['data']['calibration'];

/** Settings that run, and that hardly anybody means. */
function doubtfulFindings({ document, config, model, baseDir, facts }: DoubtfulInput): Finding[] {
  const { calibration, validation } = config.data;
  return [
    ...(['calibration', 'validation'] as const).flatMap((name) =>
      normalizationFindings(document, name, config.data[name], facts[name]),
    ),
    ...(['calibration', 'validation'] as const).flatMap((name) =>
      channelFindings(document, name, config.data[name], model),
    ),
    ...(validation === undefined ? [] : differenceFindings(document, calibration, validation)),
    ...(validation === undefined ? [] : sharedFindings(document, calibration, validation, baseDir ?? '/')),
    ...attentionFindings(document, config, model),
  ];
}

type DoubtfulInput = RuleInput & { readonly config: QuantizationConfig };

/** Where a finding is shown: on the value if it is written here. */
function warn(
  document: ConfigDocument,
  code: Code,
  path: ConfigPath,
  message: string,
  mend?: { readonly path: ConfigPath; readonly value: Written } | { readonly remove: ConfigPath },
): Finding {
  const { start, end } = findNode(document.tree, path) ?? placeOf(document, path);
  return { code, severity: 'warning', message, start, end, path, data: mend === undefined ? {} : { mend } };
}

/** The largest mean that values of 0 to 1, or −1 to 1, can have. */
const LARGEST_SHARE = 1;
/** 1 / 255, as people write it who multiply. */
const BYTE_STEP = 1 / 255;

/** `normalization-doubtful`: values are divided by scale before mean and std, which are in the same unit. */
function normalizationFindings(
  document: ConfigDocument,
  name: 'calibration' | 'validation',
  section: Section | undefined,
  facts: SectionFacts,
): Finding[] {
  const { scale = null, mean, std, normalize = null } = section?.preprocess ?? {};
  const path = below(['data', name, 'preprocess']);
  const means = [mean ?? []].flat();
  const byName = normalize !== null && normalize !== 'none';
  const divisor = scale ?? (byName ? 255 : 1);

  if (scale !== null && Math.abs(scale - BYTE_STEP) < 0.02 * BYTE_STEP) {
    const message = `scale divides: ${scale} makes values of up to ${Math.round(255 / scale)}. 255 turns bytes into 0 to 1.`;
    return [
      warn(document, 'normalization-doubtful', below(path, 'scale'), message, {
        path: below(path, 'scale'),
        value: 255,
      }),
    ];
  }

  if (divisor >= 200 && means.some((value) => Math.abs(value) > LARGEST_SHARE)) {
    const message = `mean is subtracted after the division by ${divisor}, from values between 0 and 1; these are means of bytes.`;
    const shares = (values: number | readonly number[]) =>
      Array.isArray(values)
        ? (values as readonly number[]).map((value) => Number((value / 255).toPrecision(3)))
        : Number((Number(values) / 255).toPrecision(3));
    const isPlain = mean !== undefined && mean !== null && [std ?? []].flat().every((value) => value <= 1);
    return [
      warn(
        document,
        'normalization-doubtful',
        below(path, 'mean'),
        message,
        scale === undefined || byName
          ? undefined
          : isPlain
            ? { path: below(path, 'mean'), value: shares(mean) }
            : { remove: below(path, 'scale') },
      ),
    ];
  }

  const [key] = divisor === 1 && isOfBytes(section, facts) ? keysOfFractions(section?.preprocess) : [];
  if (key === undefined) return [];
  const message = `${key} is for values between 0 and 1, but these are bytes, from 0 to 255: add scale: 255.`;

  return [
    warn(document, 'normalization-doubtful', below(path, key), message, {
      path: below(path, 'scale'),
      value: 255,
    }),
  ];
}

/** Whether what is preprocessed are bytes: images, or arrays of them. */
const isOfBytes = (section: Section | undefined, { array }: SectionFacts) =>
  section?.images !== undefined || (section?.arrays !== undefined && array?.type === 'uint8');

/** Which of mean and std hold fractions alone: nobody subtracts half a step from bytes, or divides them by less than one. */
const keysOfFractions = (preprocess: Section['preprocess']) =>
  (['mean', 'std'] as const).filter((key) => {
    const values = [preprocess?.[key] ?? []].flat();
    return values.length > 0 && values.every((value) => value > 0 && value < 1);
  });

/** `normalization-doubtful`: a list of values that is neither one for all channels nor one for each. */
function channelFindings(
  document: ConfigDocument,
  name: 'calibration' | 'validation',
  section: Section | undefined,
  model: ModelSummary | null,
): Finding[] {
  const { preprocess = {} } = section ?? {};
  const channels = channelsOf(section, model);
  if (channels === null) return [];

  return (['mean', 'std'] as const).flatMap((key) => {
    const values = preprocess[key];
    if (!Array.isArray(values) || values.length === 1 || values.length === channels) return [];
    const has = `${key} has ${values.length} values, and the input has ${channels} channel${channels === 1 ? '' : 's'}`;
    const used = values.length > channels ? 'the last ones are not used' : 'the first stands in for the rest';
    return [
      warn(
        document,
        'normalization-doubtful',
        below(['data', name, 'preprocess'], key),
        `${has}: ${used}. Write one for each channel, or one for all.`,
      ),
    ];
  });
}

/** Channels of images: mean and std hold up to so many values. */
const MAX_CHANNELS = 4;

/** How many channels arrays have by the model's input; null: not known. Those of images are stated: `conflicting-settings` counts them. */
function channelsOf(section: Section | undefined, model: ModelSummary | null): number | null {
  if (section?.images !== undefined) return null;
  const [input, ...others] = model?.inputs ?? [];
  if (input === undefined || others.length > 0 || input.unranked === true || input.dims.length !== 4)
    return null;
  const channels = input.dims[section?.preprocess?.layout === 'nhwc' ? 3 : 1];

  // More than that is an axis of another layout.
  return typeof channels === 'number' && channels > 0 && channels <= MAX_CHANNELS ? channels : null;
}

/** `preprocess-differs`: accuracy is measured on inputs of another kind than the ranges were. */
function differenceFindings(document: ConfigDocument, calibration: Section, validation: Section): Finding[] {
  const kinds = [calibration, validation].map((section) => DATA_KIND_NAMES.find((key) => key in section));
  if (kinds[0] !== kinds[1] || !/^(images|arrays)$/.test(kinds[0] ?? '')) return [];
  const [ours, other] = [calibration.preprocess ?? {}, validation.preprocess ?? {}];
  // How an image is made smaller may differ on purpose; what its values are may not.
  const keys = ['color', 'scale', 'mean', 'std', 'normalize', 'layout'] as const;
  const differing = keys.filter(
    (key) => JSON.stringify(ours[key] ?? null) !== JSON.stringify(other[key] ?? null),
  );
  const [first] = differing;
  if (first === undefined) return [];

  const isWritten = findEntry(document.tree, ['data', 'validation', 'preprocess', first]) !== undefined;
  const path = below(['data', 'validation', 'preprocess'], ...(isWritten ? [first] : []));
  const text = (value: unknown) => (value === undefined ? 'none' : JSON.stringify(value));
  const message = `preprocess differs from that of calibration: ${differing.map((key) => `${key} is ${text(other[key])} there, not ${text(ours[key])}`).join('; ')}. Ranges are calibrated on different values than accuracy is measured on.`;
  const value = ours[first];

  return [
    warn(
      document,
      'preprocess-differs',
      path,
      message.replaceAll(' there,', ','),
      isWritten && value !== undefined && differing.length === 1
        ? { path, value: value as Written }
        : undefined,
    ),
  ];
}

/** `data-shared`: accuracy on the samples that the ranges were fitted to says little. */
function sharedFindings(
  document: ConfigDocument,
  calibration: Section,
  validation: Section,
  baseDir: string,
): Finding[] {
  const kind = DATA_KIND_NAMES.find((key) => calibration[key] !== undefined && validation[key] !== undefined);
  if (kind === undefined) return [];
  const [first, other] = [calibration[kind]!, validation[kind]!].map((file) => resolve(baseDir, file));
  if (first !== other) return [];
  const message =
    'Accuracy is measured on the calibration samples, to which the ranges are fitted. Use other samples.';

  return [warn(document, 'data-shared', ['data', 'validation', kind], message)];
}

/** `model-type-unfit`: what the config states, against the model's attention. */
function attentionFindings(
  document: ConfigDocument,
  { quantization }: QuantizationConfig,
  model: ModelSummary | null,
): Finding[] {
  const path = ['quantization', 'model_type'] as const;
  const stated = findNode(document.tree, path);
  if (model === null || stated === null) return [];
  const type = quantization?.model_type ?? null;
  const heads = attentionCount(model);
  if (type === null && heads > 0 && quantization?.defaults === 'nncf') {
    const message = `The model has ${heads} attention ${heads === 1 ? 'layer' : 'layers'}: transformer keeps what they are sensitive to in float.`;
    return [warn(document, 'model-type-unfit', path, message, { path, value: 'transformer' })];
  }

  if (type !== 'transformer' || heads > 0 || isSmoothed(model) || mayHide(model)) return [];
  const message =
    'The model has no attention: transformer needlessly keeps its element-wise operators in float.';

  return [warn(document, 'model-type-unfit', path, message, { remove: path })];
}

/** SmoothQuant, which only transformers have, is worth it for products of features without attention as well. */
const isSmoothed = ({ nodes }: ModelSummary) => nodes.some(isKnownTo('attention-product'));

/** Operators behind which an attention may lie: bodies, functions and fused operators. */
const mayHide = ({ nodes }: ModelSummary) =>
  nodes.some(
    (node) =>
      isKnownTo('runs-bodies')(node) || node.op.includes('Attention') || !/^(ai\.onnx)?$/.test(node.domain),
  );

/** Softmaxes whose result goes into a matrix product, perhaps by way of operators that move or mask values. */
function attentionCount({ nodes }: ModelSummary): number {
  const readers = readersByTensor(nodes);
  const reachesProduct = (outputs: readonly string[], steps: number): boolean =>
    outputs
      .flatMap((output) => readers.get(output) ?? [])
      .some(
        (node) =>
          isKnownTo('attention-product')(node) ||
          (steps > 0 && isKnownTo('between-attention')(node) && reachesProduct(node.outputs, steps - 1)),
      );

  return nodes.filter((node) => isKnownTo('probabilities')(node) && reachesProduct(node.outputs, 3)).length;
}

const mended: FixTable[string] = (document, { data }) => {
  const mend = data['mend'] as { path: ConfigPath; value: Written } | { remove: ConfigPath } | undefined;
  if (mend === undefined) return [];
  if ('remove' in mend)
    return fix(`Remove ${String(mend.remove.at(-1))}`, removeKey(document, mend.remove), true);
  const title = `Set ${String(mend.path.at(-1))} to ${JSON.stringify(mend.value)}`;

  return fix(title, setValue(document, mend.path, mend.value), true);
};

export const rule = defineRule({
  codes: ['normalization-doubtful', 'preprocess-differs', 'data-shared', 'model-type-unfit'],
  needs: 'config',
  check: doubtfulFindings,
  fixes: { 'normalization-doubtful': mended, 'preprocess-differs': mended, 'model-type-unfit': mended },
  suppressible: true,
  sections: {
    'normalization-doubtful':
      'Severity: warning.\n\n`scale` divides first, so `mean` and `std` are in units of the result: byte means (123.675) do not fit `scale: 255`, and fractions (0.485) do not fit bytes that no `scale` divides. A `scale` of 0.0039 multiplies by 256 instead of dividing by it. Lists hold one value for all channels, or one for each.',
    'preprocess-differs':
      'Severity: warning.\n\nCalibration and validation feed the model different kinds of values, so ranges are measured on one kind and accuracy on the other. Resizing may differ.',
    'data-shared':
      'Severity: warning.\n\nAccuracy is measured on the samples that the ranges were fitted to.',
    'model-type-unfit':
      'Severity: warning.\n\n`transformer` for a model without attention and without a MatMul that SmoothQuant could be for, or `null` under `defaults: nncf` for one with attention.',
  },
  examples: [
    {
      code: 'normalization-doubtful',
      before: 'model: model.onnx\ndata: {calibration: {images: ./train, preprocess: {scale: 0.0039}}}\n',
      after: 'model: model.onnx\ndata: {calibration: {images: ./train, preprocess: {scale: 255}}}\n',
    },
    {
      code: 'preprocess-differs',
      before:
        'model: model.onnx\ndata:\n  calibration: {images: ./train, preprocess: {scale: 255}}\n  validation: {images: ./val, preprocess: {scale: 1}}\n',
      after:
        'model: model.onnx\ndata:\n  calibration: {images: ./train, preprocess: {scale: 255}}\n  validation: {images: ./val, preprocess: {scale: 255}}\n',
    },
    {
      code: 'data-shared',
      before: 'model: model.onnx\ndata: {calibration: {images: ./train}, validation: {images: ./train}}\n',
      after: null,
    },
    {
      code: 'model-type-unfit',
      before:
        'model: convolutions.onnx\ndata: {calibration: {images: ./train}}\nquantization: {model_type: transformer}\n',
      after: 'model: convolutions.onnx\ndata: {calibration: {images: ./train}}\n',
    },
  ],
});
