import {
  metricFacts,
  resolveConfig,
  withConstraint,
  type ModelSummary,
  type QuantizationConfig,
  type TensorSignature,
} from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { setValue } from '../document/edit.js';
import { findEntry, type Span } from '../document/tree.js';
import type { SectionFacts } from '../facts/facts.js';
import { fix, type FixTable } from '../findings/fix.js';
import type { Finding } from '../findings/finding.js';
import { placeOf } from './place.js';
import { defineRule, type RuleInput } from './rule.js';

/** `metric-needs-labels`, `metric-unfit`, `validation-missing`: accuracy control and the data that it measures on. */
function metricFindings({ document, config: written, facts: files, model }: MetricInput): Finding[] {
  const config = withConstraint(written);
  if (config.accuracy_control === undefined) return [];
  // An objective without validation data has a finding of its own.
  if (config.objective !== undefined && config.data.validation === undefined) return [];
  const control = placeOf(document, [
    written.accuracy_control === undefined ? 'objective' : 'accuracy_control',
  ]);
  const { calibration, validation } = config.data;
  const metric = config.accuracy_control.metric ?? 'top1';
  const entry = findEntry(document.tree, ['accuracy_control', 'metric']);
  // Images and audio have their folders as labels, a loader and a file of texts give their own; the others have none unless they are named.
  const { arrays, tensors, images, audio } = validation ?? calibration;
  const isUnlabelled =
    (images ?? audio) !== undefined &&
    (validation === undefined || files.validation.verdict?.hasLabels === false);

  const bare =
    (arrays !== undefined || tensors !== undefined || isUnlabelled) && (validation?.labels ?? null) === null;
  const findings: Finding[] = [];
  const facts = metricFacts(metric);
  // A language model's tokens are their own labels.
  if (facts !== undefined && facts.labels !== null && metric !== 'perplexity' && bare) {
    const what =
      validation === undefined
        ? 'labels: add data.validation with labels'
        : 'labels, and data.validation has none: name a label file';
    findings.push({
      code: 'metric-needs-labels',
      severity: 'error',
      message: `The metric ${metric} needs ${what}, or use agreement, sqnr or cosine.`,
      ...spanOf(entry?.value ?? control),
      path: ['accuracy_control', 'metric'],
      data: entry === undefined ? {} : { suggestions: ['agreement', 'sqnr', 'cosine', 'mse', 'mae'] },
    });
  }

  if (validation === undefined) {
    findings.push({
      code: 'validation-missing',
      severity: 'warning',
      message: 'Without data.validation, accuracy is measured on the calibration samples.',
      ...control,
      path: ['accuracy_control'],
    });
  }

  return [
    ...findings,
    ...unfitFindings(
      document,
      config,
      model,
      validation === undefined ? files.calibration : files.validation,
    ),
    ...labelFreeFindings(document, config),
    ...dropFindings(document, config),
  ];
}

type MetricInput = RuleInput & { readonly config: QuantizationConfig };

/** `metric-unfit`: the outputs cannot be what the metric reads, by their shapes. */
function unfitFindings(
  document: ConfigDocument,
  { accuracy_control: control, data, task }: QuantizationConfig,
  model: ModelSummary | null,
  facts: SectionFacts,
): Finding[] {
  const metric = control?.metric ?? 'top1';
  const value = findEntry(document.tree, ['accuracy_control', 'metric'])?.value;
  const report = (message: string, suggestions: string[]): Finding[] => [
    {
      code: 'metric-unfit',
      severity: 'error',
      message,
      ...spanOf(value ?? placeOf(document, ['accuracy_control'])),
      path: ['accuracy_control', 'metric'],
      data: { suggestions },
    },
  ];
  const { images } = data.validation ?? data.calibration;
  if (metricFacts(metric)?.labels === 'class' && hasBoxes(facts))
    return report(
      `${metric} needs the class of each sample, and the labels are boxes.`,
      value === undefined || value === null ? [] : ['map', 'map50'],
    );
  if (metricFacts(metric)?.labels === 'score' && images !== undefined)
    return report(`${metric} compares the two vectors of a pair, and an image gives one.`, []);
  if (metricFacts(metric)?.labels === 'score' && isSingle(facts, model))
    return report(
      `${metric} compares the two vectors of a pair, and a sample of the array is one: give it two rows.`,
      [],
    );
  if (metric === 'perplexity' && model !== null && !model.inputs.some(({ type }) => /^u?int/.test(type)))
    return report('perplexity needs the probability of each token, but the model takes no tokens.', [
      'agreement',
      'sqnr',
    ]);
  const name = task?.output ?? null;
  const outputs = (model?.outputs ?? []).filter((output) => name === null || output.name === name);
  const [output] = outputs;
  if (output === undefined || output.unranked === true) return [];

  const wanted = wantedShape(metric, outputs, task?.decode ?? null);
  if (wanted === null) return [];
  const { dims } = output;
  const shape = `[${dims.join(', ')}]`;
  const suggestions = value === undefined || value === null ? [] : likelyMetrics(dims.length);

  return report(
    `${metric} reads ${wanted}; the output "${output.name}" of the model is ${shape}.`,
    suggestions,
  );
}

const hasBoxes = ({ labels }: SectionFacts) => labels?.about === 'boxes' && labels.count > 0;

/** Whether a row of the array is one sample of the model, and no batch. */
function isSingle({ array }: SectionFacts, model: ModelSummary | null): boolean {
  const [input] = model?.inputs ?? [];
  return (
    array !== null &&
    input !== undefined &&
    input.unranked !== true &&
    array.shape.length === input.dims.length
  );
}

/** What a metric reads, where the outputs are not that; null: they may be. */
function wantedShape(
  metric: string,
  outputs: readonly TensorSignature[],
  decode: string | null,
): string | null {
  const [{ dims }, ...others] = outputs as [TensorSignature, ...TensorSignature[]];
  switch (metricFacts(metric)?.labels) {
    case 'boxes':
      // Apart, boxes, scores and classes may have any rank; a list of detections has six columns.
      return others.length > 0 || dims.length > 2 || decode !== null || isLength(dims.at(-1), 6)
        ? null
        : 'boxes, such as [1, boxes, 5 + classes]';
    case 'mask':
      return dims.length >= 3 ? null : 'a class for each pixel, such as [1, classes, height, width]';
    case 'tokens':
      return dims.length >= 2 ? null : 'a score of each token, such as [1, tokens, classes]';
    case 'text':
      // A single step holds at most one character: that is a classifier.
      return dims.length > 2 || (dims.length === 2 && dims[0] !== 1)
        ? null
        : 'a score of each character, such as [1, steps, characters]';
    default:
      return null;
  }
}

/** Whether an axis may be of some length: free ones may. */
const isLength = (dim: number | string | undefined, length: number) =>
  typeof dim !== 'number' || dim <= 0 || dim === length;

/** Metrics for outputs of a rank, the likelier first. */
const likelyMetrics = (rank: number) =>
  rank <= 2 ? ['top1', 'f1', 'agreement', 'sqnr'] : ['agreement', 'sqnr'];

/** More than any model with 8-bit activations reaches, in dB. */
const LARGEST_SQNR_DB = 70;
/** What a good 8-bit model has, in dB. */
const COMMON_SQNR_DB = 30;

/**
 * Of metrics that compare with the float model. `target-unreachable`: in decibels the float model counts as 200, so that a
 * small drop asks for nearly that; `max-drop-of-float`: a drop from what is known beforehand says less than the target.
 */
function labelFreeFindings(document: ConfigDocument, config: QuantizationConfig): Finding[] {
  const perfect = metricFacts(config.accuracy_control?.metric ?? '')?.perfect ?? null;
  if (perfect === null) return [];
  const { accuracy_control: control, quantization } = resolveConfig(config);
  if (control === null || control.max_drop === null) return [];
  const { metric, max_drop: drop } = control;
  const sign = metricFacts(metric)?.higherIsBetter === false ? -1 : 1;
  const asked = perfect - sign * drop * (control.drop_type === 'relative' ? perfect : 1);
  const wanted = Number(asked.toPrecision(6));
  const path = ['accuracy_control', 'max_drop'] as const;
  const value = findEntry(document.tree, path)?.value;
  const report = (code: Finding['code'], severity: Finding['severity'], message: string, target: number) => [
    {
      code,
      severity,
      message,
      ...spanOf(value ?? placeOf(document, ['accuracy_control', 'metric'])),
      path,
      data: { target },
    },
  ];
  const { activations_quantization_params: activations, weights_quantization_params: weights } =
    quantization.advanced_parameters;

  const has8Bits = activations.num_bits <= 8 && weights.num_bits <= 8;
  if (/^(sqnr|psnr)$/.test(metric) && wanted > LARGEST_SQNR_DB && has8Bits) {
    const message = `The float model counts as ${perfect} dB, so that this drop asks for ${wanted} dB, which no 8-bit model has. Write target: ${COMMON_SQNR_DB} for ${COMMON_SQNR_DB} dB.`;
    return report('target-unreachable', 'warning', message, COMMON_SQNR_DB);
  }

  if (value === undefined || value === null) return [];
  const message = `${metric} compares with the float model, which has ${perfect}: this drop asks for ${wanted}. Write target: ${wanted}.`;

  return report('max-drop-of-float', 'info', message, wanted);
}

/** Writes the target in place of the drop. */
const writeTarget: FixTable[string] = (document, { data }) => {
  const { target } = data;
  if (typeof target !== 'number') return [];
  const entry = findEntry(document.tree, ['accuracy_control', 'max_drop']);
  const title = `Write target: ${target}`;
  if (entry === undefined)
    return fix(title, setValue(document, ['accuracy_control', 'target'], target), true);
  const edits = setValue(document, ['accuracy_control', 'max_drop'], target);
  const { start, end } = entry.keySpan;
  const key = document.text.getText().slice(start, end).replace('max_drop', 'target');
  const range = { start: document.text.positionAt(start), end: document.text.positionAt(end) };

  return fix(title, edits === null ? null : [{ range, newText: key }, ...edits], true);
};

const metricFixes: FixTable = {
  'target-unreachable': writeTarget,
  'max-drop-of-float': writeTarget,
};

/** A drop or target that is in no unit of its metric: relative to nothing, or more than there is. */
function dropFindings(document: ConfigDocument, config: QuantizationConfig): Finding[] {
  const { accuracy_control: control } = resolveConfig(config);
  if (control === null) return [];
  const { metric, max_drop: drop, drop_type: type } = control;
  const report = (
    key: 'target' | 'max_drop' | 'drop_type',
    code: Finding['code'],
    message: string,
    suggestion: string,
  ): Finding[] => {
    const path = ['accuracy_control', key] as const;
    const value = findEntry(document.tree, path)?.value;
    if (value === undefined || value === null) return [];
    const data = { suggestions: [suggestion] };
    return [{ code, severity: 'warning', message, ...spanOf(value), path, data }];
  };

  if (metricFacts(metric)?.perfect === 0 && type === 'relative') {
    const message = `The float model's ${metric} is 0, so a drop relative to it is undefined: use an absolute one.`;
    return report('drop_type', 'target-unreachable', message, 'absolute');
  }

  if (metricFacts(metric)?.share !== true) return [];
  const hundredth = (value: number) => String(Number((value / 100).toPrecision(6)));
  const { target } = control;
  const isFar = target !== null && target > 1 && metricFacts(metric)?.higherIsBetter === true;
  const unreached = `${metric} is a fraction between 0 and 1: no model reaches ${target}. One percent is 0.01.`;
  const lost = `${metric} is a fraction between 0 and 1: a drop of ${drop} allows any loss. One point is 0.01.`;

  return [
    ...(isFar ? report('target', 'out-of-range', unreached, hundredth(target)) : []),
    ...(drop !== null && drop >= 1 ? report('max_drop', 'out-of-range', lost, hundredth(drop)) : []),
  ];
}

const spanOf = ({ start, end }: Span): Span => ({ start, end });

export const rule = defineRule({
  codes: [
    'metric-needs-labels',
    'metric-unfit',
    'validation-missing',
    'target-unreachable',
    'max-drop-of-float',
    'out-of-range',
  ],
  needs: 'config',
  check: metricFindings,
  fixes: metricFixes,
  suppressible: true,
  sections: {
    'metric-unfit':
      "Severity: error.\n\nThe shapes of the model's outputs rule out what the metric reads, such as boxes from a classifier.",
    'metric-needs-labels':
      'Severity: error.\n\nThe metric compares with ground-truth labels (see [the metrics](metrics.md)), and the data section names none. `agreement`, `sqnr`, `cosine`, `psnr`, `mse` and `mae` compare with the float model and need none.',
    'validation-missing':
      'Severity: warning.\n\nAccuracy control without `data.validation` measures on the calibration samples, which quantization has already seen: accuracy looks better than it is.',
    'target-unreachable':
      "Severity: warning.\n\nWith `metric: sqnr` or `psnr` the float model counts as 200 dB (its outputs are equal to its own), so that a small `max_drop` asks for nearly that, and everything would go back to float. Write the dB you want: `target: 30`. The float model's `mse` and `mae` are 0, so that no drop relative to them is allowed.",
    'max-drop-of-float':
      'Severity: info.\n\n`agreement`, `sqnr`, `cosine`, `psnr`, `mse` and `mae` compare with the float model, whose own value is known in advance (1, 200 dB or 0). A drop from it works like a target, but `target: 0.99` says directly what you want. The quick fix writes it.',
  },
  examples: [
    {
      code: 'metric-needs-labels',
      before:
        'model: model.onnx\ndata:\n  calibration: {arrays: ./train.npy}\n  validation: {arrays: ./val.npy}\naccuracy_control: {metric: top1}\n',
      after:
        'model: model.onnx\ndata:\n  calibration: {arrays: ./train.npy}\n  validation: {arrays: ./val.npy}\naccuracy_control: {metric: sqnr}\n',
    },
    {
      code: 'metric-unfit',
      before:
        'model: classifier.onnx\ndata: {calibration: {images: ./train}, validation: {images: ./val}}\naccuracy_control: {metric: miou}\n',
      after:
        'model: classifier.onnx\ndata: {calibration: {images: ./train}, validation: {images: ./val}}\naccuracy_control: {metric: top1}\n',
    },
    {
      code: 'validation-missing',
      before:
        'model: model.onnx\ndata: {calibration: {images: ./train}}\naccuracy_control: {metric: cosine}\n',
      after: null,
    },
    {
      code: 'target-unreachable',
      before:
        'model: model.onnx\ndata: {calibration: {images: ./train}, validation: {images: ./val}}\naccuracy_control: {metric: sqnr, max_drop: 0.01}\n',
      after:
        'model: model.onnx\ndata: {calibration: {images: ./train}, validation: {images: ./val}}\naccuracy_control: {metric: sqnr, target: 30}\n',
    },
    {
      code: 'out-of-range',
      before:
        'model: model.onnx\ndata: {calibration: {images: ./train}, validation: {images: ./val}}\naccuracy_control: {metric: top1, max_drop: 1}\n',
      after:
        'model: model.onnx\ndata: {calibration: {images: ./train}, validation: {images: ./val}}\naccuracy_control: {metric: top1, max_drop: 0.01}\n',
    },
    {
      code: 'max-drop-of-float',
      before:
        'model: model.onnx\ndata: {calibration: {images: ./train}, validation: {images: ./val}}\naccuracy_control: {metric: agreement, max_drop: 0.01}\n',
      after:
        'model: model.onnx\ndata: {calibration: {images: ./train}, validation: {images: ./val}}\naccuracy_control: {metric: agreement, target: 0.99}\n',
    },
  ],
});
