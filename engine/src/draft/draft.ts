import {
  fail,
  metricFacts,
  metricValue,
  type DraftRequest,
  type DraftSource,
  type EngineEvent,
  type MetricName,
  type ModelDraft,
  type ModelSummary,
  defaultMetric,
  reasonOf,
} from '@quantsmith/schemas';
import { inspectModel } from '@quantsmith/model/onnx';
import {
  ambiguity,
  audioDraft,
  geometries,
  guessTask,
  imageInput,
  joined,
  shapesDraft,
  taskConfig,
  usualPreprocess,
  values,
  type ImageInput,
  type ImageModel,
  type TaskGuess,
  type TaskType,
} from '@quantsmith/model/tasks';
import { readArrayFile } from '@quantsmith/model/arrays';
import { resolve } from 'node:path';
import type { Preprocess } from '../data/preprocess.js';
import { isBoxes } from '../data/labels/label.js';
import { openData } from '../data/source.js';
import type { DataSection, SampleSource } from '../data/types.js';
import { BUILT_IN } from '../metrics/builtIn.js';
import { rankedDecoders, settleTask, type Seen } from '../tasks/guess.js';
import { NO_TASK, openTask } from '../tasks/task.js';
import { createSession, type Session } from '../runtime/session.js';
import { defaultThreads } from '../runtime/threads.js';
import { checkClasses } from '../validation/validation.js';
import { bestPreprocess, measured, outputsOf, type Measuring } from './trials.js';

type TaskConfig = ModelDraft['task'];

/** Rows of arrays that tell the range of all. */
const PEAK_ROWS = 256;
/** Photographs come close to 255 within so many rows. */
const FULL_RANGE = 128;
/** Labels that are looked at to see whether they fit. */
const LABELS_LOOKED_AT = 16;

/** What is true of a model without any data. */
interface Known {
  readonly summary: ModelSummary;
  readonly guess: TaskGuess;
  readonly image: ImageInput | null;
}

/**
 * What a new config can say of a model: the task by its shapes and, for detectors, by whose boxes make sense; the labels
 * that fit; and the preprocessing that suits the float model best. At most `seconds` are spent on trials. What cannot be
 * found out is a remark, not an error; throws only where the model cannot be read.
 */
export async function draftOfModel(
  { modelPath, baseDir, data, seconds }: DraftRequest,
  emit: (event: EngineEvent) => void,
): Promise<ModelDraft> {
  const summary = await inspectModel(modelPath);
  const known = { summary, guess: guessTask(summary), image: imageInput(summary.inputs) };
  const source = data.validation ?? data.calibration;
  const untried = shapesDraft(summary);
  if (source === undefined) return { ...untried, remarks: ['No data found nearby: nothing was tried.'] };
  let session: Session | null = null;
  try {
    session = await createSession(modelPath, { threads: defaultThreads() });
    const tried = { session, baseDir, until: Date.now() + 1000 * seconds, emit };
    return await draftWith(known, source, data.alphabet ?? null, tried);
  } catch (error) {
    return { ...untried, remarks: [reasonOf(error)] };
  } finally {
    await session?.release();
  }
}

type Trying = Pick<Measuring, 'session' | 'until' | 'emit'> & { readonly baseDir: string };

async function draftWith(
  known: Known,
  source: DraftSource,
  alphabet: string | null,
  trying: Trying,
): Promise<ModelDraft> {
  const pixels = pixelsOf(known, source, trying.baseDir);
  const plain = sectionOf(known.summary, source, pixels, defaultPreprocess(known, pixels));
  const seen = await outputsOf(await opened(plain, known, trying), trying.session);
  const { task, reasons } = await taskOf(known, seen, alphabet, trying.baseDir);
  const labelled = await labelsOf(source, known, { plain, task, seen }, trying);
  const settled = labelled.task;
  const { metric, hasLabels } = labelled;
  const draft: ModelDraft = {
    task: settled,
    reasons,
    metric,
    labels: labelled.section.labels ?? null,
    classes: labelled.section.classes ?? null,
    hasLabels,
    preprocess: plain.preprocess ?? null,
    inputLayout: plain.input_layout ?? null,
    tried: [],
    remarks: labelled.remarks,
  };

  if (!hasLabels && metric !== 'perplexity')
    return { ...draft, remarks: [...draft.remarks, 'No preprocessing was tried: there are no labels.'] };
  const measuring: Measuring = {
    ...trying,
    metric: BUILT_IN[metric],
    task: settleTask(await openTask(settled, trying.baseDir), seen),
    open: (preprocess) => opened(withPreprocess(labelled.section, preprocess), known, trying, metric),
  };

  if (pixels === null) {
    const value = await measured(null, measuring, Number.POSITIVE_INFINITY);
    return value === null ? draft : { ...draft, tried: [value] };
  }

  const model = imageModel(known, settled, pixels);
  const best = await bestPreprocess(geometries(model), values(model), {
    ...measuring,
    join: (geometry, value) => joined(model, geometry, value),
  });

  if (best === null)
    return { ...draft, remarks: [...draft.remarks, 'There was no time to try a preprocessing.'] };
  const { preprocess, tried } = best;
  const reached = tried[0]?.value ?? null;
  if (reached === null || !isLost(metric, reached)) return { ...draft, preprocess, tried };
  // Labels that nothing agrees with are those of other classes.
  const remark = `The float model's ${metric} stays at ${metricValue(metric, reached)} with every common preprocessing: the labels do not fit it.`;

  return { ...draft, metric: 'cosine', labels: null, classes: null, hasLabels: false, remarks: [remark] };
}

/** Nothing is right: none of the labels where more is better, as many errors as there are letters where less is. */
function isLost(metric: MetricName, value: number): boolean {
  return BUILT_IN[metric].higherIsBetter ? value === 0 : value >= 1;
}

/** The task with what the outputs for some samples tell: a detector's decoder, the blank of a CTC. */
async function taskOf(
  { guess }: Known,
  seen: readonly Seen[],
  alphabet: string | null,
  baseDir: string,
): Promise<{ task: TaskConfig; reasons: readonly string[] }> {
  if (guess.type === 'detection') {
    const ranked = rankedDecoders({ ...NO_TASK, type: 'detection' }, seen);
    const senses = ranked.map(({ task: { decode }, sense }) => ({ decode, sense }));
    const decode = senses[0]?.decode ?? null;
    return { task: taskConfig(guess, decode), reasons: [...guess.reasons, ...ambiguity(guess, senses)] };
  }

  const task = taskConfig(guess, null);
  if (guess.type !== 'ctc') return { task, reasons: guess.reasons };
  const blank = commonestClass(seen);
  const lines = alphabet === null ? null : (await openTask({ alphabet }, baseDir)).alphabet!.length;
  const fits = lines !== null && guess.classes !== null && lines === guess.classes - 1;
  const reason = `Class ${blank} wins at most steps and is taken as the blank.`;
  const last = blank > 0 && blank === (guess.classes ?? 0) - 1;

  return {
    task: { ...task, ...(last ? { blank: -1 } : {}), ...(fits ? { alphabet: alphabet! } : {}) },
    reasons: [...guess.reasons, reason],
  };
}

/** The class that is largest at most positions of the first output. */
function commonestClass(seen: readonly Seen[]): number {
  const counts = new Map<number, number>();
  for (const { outputs } of seen) {
    const [output] = Object.values(outputs);
    const columns = output?.dims.at(-1) ?? 1;
    const data = (output?.data ?? []) as ArrayLike<number>;
    for (let start = 0; start < data.length; start += columns) {
      let best = 0;
      for (let c = 1; c < columns; c++) if (data[start + c]! > data[start + best]!) best = c;
      counts.set(best, (counts.get(best) ?? 0) + 1);
    }
  }

  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 0;
}

interface Labelled {
  readonly section: DataSection;
  readonly task: TaskConfig;
  readonly metric: MetricName;
  readonly hasLabels: boolean;
  readonly remarks: readonly string[];
}

/** The first labels that the task's metric takes for a sample; the folders' names where no file of labels does. */
async function labelsOf(
  source: DraftSource,
  known: Known,
  { plain, task, seen }: { plain: DataSection; task: TaskConfig; seen: readonly Seen[] },
  trying: Trying,
): Promise<Labelled> {
  const remarks: string[] = [];
  const classes = source.classes === undefined ? {} : { classes: source.classes };
  const folders = source.classFolders === true ? [{ ...plain, ...classes }, plain] : [];
  const sections: DataSection[] = [
    ...(source.labels ?? []).flatMap((labels) => [
      { ...plain, labels, ...classes },
      { ...plain, labels },
    ]),
    ...folders,
    // Texts have their labels in their own file.
    ...(source.texts === undefined ? [] : [{ ...plain, ...classes }, plain]),
  ];

  for (const section of sections) {
    for (const [metric, type] of metricsFor(known, task)) {
      try {
        const opens = await opened(section, known, trying, metric);
        if (!opens.hasLabels) continue;
        const settled = { ...task, ...(type === null ? {} : { type }) };
        const stated = settleTask(await openTask(settled, trying.baseDir), seen);
        checkClasses({ source: opens, metric: BUILT_IN[metric] }, stated, seen);
        const trial = {
          ...trying,
          metric: BUILT_IN[metric],
          task: stated,
          open: () => Promise.resolve(opens),
        };
        await measured(null, trial, 2);
        await checkBoxes(opens, known.guess.classes);
        return { section, task: settled, metric, hasLabels: true, remarks };
      } catch (error) {
        const remark = reasonOf(error);
        if (!remarks.includes(remark)) remarks.push(remark);
      }
    }
  }

  const metric = task.type === 'language_model' ? 'perplexity' : 'cosine';

  return { section: plain, task, metric, hasLabels: false, remarks: remarks.slice(0, 3) };
}

/** Boxes of classes that a detector does not have belong to another one. */
async function checkBoxes({ count, get }: SampleSource, classes: number | null): Promise<void> {
  for (let index = 0; index < Math.min(count, LABELS_LOOKED_AT); index++) {
    const { label } = await get(index);
    const unknown = isBoxes(label)
      ? label.find((box) => classes !== null && box.class >= classes)
      : undefined;
    if (unknown !== undefined)
      fail('labels-class', `The labels have the class ${unknown.class}, but the detector has ${classes}.`);
  }
}

/** Metrics that may fit the task, and the task that each means, where it is another. */
function metricsFor({ guess, image, summary }: Known, task: TaskConfig): [MetricName, TaskType | null][] {
  if (task.type === 'embedding')
    return [
      ['spearman', null],
      ['top1', 'classification'],
    ];
  // As many maps as the image has channels are a picture, or three classes: masks tell.
  const isMap = image !== null && summary.outputs.length === 1 && summary.outputs[0]!.dims.length === 4;
  if ((task.type === null || task.type === undefined) && isMap) return [['miou', 'segmentation']];
  if (task.type === null || task.type === undefined)
    return guess.classes === null ? [] : [['token_f1', null]];
  if (task.type === 'ctc' && task.alphabet === undefined) return [];
  if (task.type === 'language_model') return [['perplexity', null]];
  return [[defaultMetric(task.type), null]];
}

/** How samples are images. */
interface Pixels {
  readonly input: ImageInput;
  readonly isSized: boolean;
  /** The largest value of arrays that use only a part of a byte's range. */
  readonly peak: number | null;
  /** Of arrays. */
  readonly layout: 'nhwc' | 'nchw' | null;
}

/** How the samples of a source are images; null: they are none. */
function pixelsOf({ image, summary }: Known, source: DraftSource, baseDir: string): Pixels | null {
  if (source.images !== undefined)
    return image === null ? null : { input: image, isSized: false, peak: null, layout: null };
  if (source.arrays === undefined || !source.arrays.endsWith('.npy')) return null;
  const { type, shape, rows } = readArrayFile(resolve(baseDir, source.arrays), ['data']);
  if (type !== 'uint8' || summary.inputs.length !== 1 || shape.length < 3 || shape.length > 4) return null;
  const isFirst = shape.length === 4 && shape[3]! > 4 && shape[1]! <= 4;
  const [height = 1, width = 1] = isFirst ? shape.slice(2) : shape.slice(1);
  const channels = shape.length === 3 ? 1 : isFirst ? shape[1]! : shape[3]!;
  const input = { layout: image?.layout ?? 'nchw', channels, height, width } as const;

  const largest = largestOf(rows(0, Math.min(shape[0] ?? 0, PEAK_ROWS)) as Uint8Array);
  const peak = largest > 0 && largest < FULL_RANGE ? largest : null;

  return { input, isSized: true, peak, layout: isFirst ? 'nchw' : null };
}

function largestOf(data: Uint8Array): number {
  let largest = 0;
  for (const value of data) largest = Math.max(largest, value);
  return largest;
}

function imageModel({ summary }: Known, task: TaskConfig, { input, isSized, peak }: Pixels): ImageModel {
  const takesBytes = summary.inputs[0]?.type === 'uint8';
  return { input, isSized, peak, takesBytes, type: task.type ?? null, decode: task.decode ?? null };
}

function defaultPreprocess(known: Known, pixels: Pixels | null): Preprocess | null {
  if (pixels === null) return null;
  const [decode] = known.guess.decoders;
  return usualPreprocess(imageModel(known, taskConfig(known.guess, decode ?? null), pixels));
}

function sectionOf(
  summary: ModelSummary,
  source: DraftSource,
  pixels: Pixels | null,
  preprocess: Preprocess | null,
): DataSection {
  const { images, arrays, tensors, audio, texts, tokenizer } = source;
  const layout = pixels?.layout ?? null;
  const section = {
    ...(images === undefined ? {} : { images }),
    ...(arrays === undefined ? {} : { arrays }),
    ...(tensors === undefined ? {} : { tensors }),
    ...(audio === undefined ? {} : { audio, ...audioDraft(summary)?.settings }),
    ...(texts === undefined ? {} : { texts, tokenizer: tokenizer ?? null }),
    ...(layout === null ? {} : { input_layout: layout }),
  };

  return withPreprocess(section, preprocess);
}

const withPreprocess = (section: DataSection, preprocess: Preprocess | null): DataSection =>
  preprocess === null ? section : { ...section, preprocess };

/** The section's samples; labels are those of a validation section. */
function opened(
  section: DataSection,
  { summary }: Known,
  { baseDir }: Pick<Trying, 'baseDir'>,
  metric?: MetricName,
): Promise<SampleSource> {
  return openData(section, {
    inputs: summary.inputs,
    outputs: summary.outputs,
    baseDir,
    allowModules: false,
    modelClasses: guessTask(summary).classes,
    configPath: ['data', metric === undefined ? 'calibration' : 'validation'],
    labelKind: metric === undefined ? null : (metricFacts(metric)?.labels ?? null),
  });
}
