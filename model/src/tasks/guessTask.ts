import type { ModelSummary, QuantizationConfig, TensorSignature } from '@quantsmith/schemas';
import { decodersFor, type Decoder, type InputSize } from './decoders.js';
import { imageInput } from './imageInput.js';
import { streamingStates } from './streaming.js';

export type TaskType = NonNullable<NonNullable<QuantizationConfig['task']>['type']>;

/** What a model is for, as far as its shapes tell. */
export interface TaskGuess {
  readonly type: TaskType | null;
  /** Decoders that fit, the likelier first; of detectors only. */
  readonly decoders: readonly Decoder[];
  /** Values of a row of the output that classes are read from; null: none, or not known. */
  readonly classes: number | null;
  /** The output that tells it, where it is not the first; else null. */
  readonly output: string | null;
  /** Why, and what else it may be, as sentences. */
  readonly reasons: readonly string[];
}

const UNKNOWN: TaskGuess = { type: null, decoders: [], classes: null, output: null, reasons: [] };

type Shape = readonly (number | string)[];

/** Lines of text are this high for the usual recognizers. */
const TEXT_HEIGHTS = [32, 48, 64];
/** Fewer columns than this are no alphabet, more are no classes of a CTC. */
const ALPHABET = [20, 30_000] as const;
/** More classes than any detector has: LVIS has 1,203. */
const MAX_DETECTED = 2000;
/** Lengths that vectors of an embedding usually have, and that numbers of classes usually have not. */
const VECTOR_LENGTHS = [64, 128, 256, 384, 512, 768, 1024, 1280, 1536, 2048];

/** The task, from shapes and structure alone: names of files, tensors and nodes say nothing. */
export function guessTask(model: ModelSummary): TaskGuess {
  const outputs = model.outputs.filter(({ type }) => /^(float|int|uint|bool)/.test(type));
  const [first, ...others] = outputs;
  if (first === undefined) return UNKNOWN;
  const states = Object.keys(streamingStates(model.inputs, model.outputs));
  if (states.length > 0) {
    const names = states.join(', ');
    return because(null, `Inputs come back as outputs (${names}): a streaming model with states.`);
  }

  const tokens = tokenInput(model.inputs);
  if (tokens !== null) return ofTokens(model, answerOf(outputs), tokens);
  const image = imageInput(model.inputs);
  const size = image === null || image.height === null || image.width === null ? null : (image as InputSize);
  const shapes = outputs.map(({ dims }) => dims);
  if (image !== null && others.length === 0 && first.dims.length === 3) {
    if (isTextLine(image)) return ofSteps(first.dims, 'A low, long image gives one row of scores per step.');
    if (isAlphabetRow(model, first))
      return ofSteps(first.dims, 'An image of any size gives one row of scores per step.');
  }

  const decoders = image === null ? [] : decodersFor(shapes, size);
  if (decoders.length > 0 && first.dims.length <= 3) return ofDetector(shapes, decoders, size);
  if (others.length > 0) return UNKNOWN;
  if (image !== null && (first.dims.length === 4 || (first.dims.length === 3 && isInteger(first))))
    return ofMap(first, image);
  if (first.dims.length === 3) {
    const sound = model.inputs.length === 1 && model.inputs[0]!.dims.length <= 3;
    const steps = ofSteps(first.dims, 'A signal gives one row of scores per step.');
    return sound && steps.classes !== null ? steps : UNKNOWN;
  }

  return ofRow(model, first);
}

function because(type: TaskType | null, reason: string, more: Partial<TaskGuess> = {}): TaskGuess {
  return { ...UNKNOWN, type, reasons: [reason], ...more };
}

const isInteger = ({ type }: TensorSignature) => /^u?int/.test(type);
const numberOf = (dim: number | string | undefined) => (typeof dim === 'number' && dim > 0 ? dim : null);

/** Token ids: the first input of whole numbers of rank 2; a mask and the like stand beside it. */
function tokenInput(inputs: readonly TensorSignature[]): TensorSignature | null {
  const areIds =
    inputs.length > 0 && inputs.every((input) => /^int(32|64)$/.test(input.type) && input.dims.length <= 2);
  return areIds ? (inputs.find(({ dims }) => dims.length === 2) ?? null) : null;
}

/** The first output of floats: exporters put ids and masks among the outputs, too. */
function answerOf(outputs: readonly TensorSignature[]): TensorSignature {
  return outputs.find(({ type }) => type.startsWith('float')) ?? outputs[0]!;
}

/** By the table that ids are looked up in, [words, width]: logits have as many columns as it has rows. */
function ofTokens(model: ModelSummary, answer: TensorSignature, input: TensorSignature): TaskGuess {
  const guess = ofTokenRows(model, answer, input);
  return answer === model.outputs[0] ? guess : { ...guess, output: answer.name };
}

function ofTokenRows({ nodes }: ModelSummary, { dims }: TensorSignature, input: TensorSignature): TaskGuess {
  const tables = nodes.flatMap(({ op, constants }) => (op === 'Gather' ? [constants[0] ?? []] : []));
  const table = tables.filter(({ length }) => length === 2).sort((a, b) => b[0]! - a[0]!)[0];
  const columns = numberOf(dims.at(-1));
  if (columns === null) return UNKNOWN;
  const from = `ids ([${input.dims.join(', ')}])`;
  if (dims.length === 3 && table !== undefined && columns === table[0])
    return because('language_model', `Token ${from} give logits of all ${columns} tokens at each.`);
  const isVector = table === undefined ? VECTOR_LENGTHS.includes(columns) : columns === table[1];
  if (isVector) {
    const form = dims.length === 3 ? 'a vector per token, averaged over the mask' : 'one vector per text';
    return because('embedding', `Token ${from} give ${form}, of ${columns} values.`);
  }

  if (dims.length === 3)
    return because(null, `Token ${from} give ${columns} classes per token: the metric is token_f1.`, {
      classes: columns,
    });

  return because('classification', `${from} give ${columns} values.`, { classes: columns });
}

const isTextLine = ({ height, width }: { readonly height: number | null; readonly width: number | null }) =>
  height !== null && TEXT_HEIGHTS.includes(height) && (width === null || width >= 2 * height);

/** Rows without a stated number, of more columns than a detector's or of probabilities, are steps of a text. */
function isAlphabetRow({ nodes }: ModelSummary, { dims }: TensorSignature): boolean {
  const columns = numberOf(dims.at(-1));
  if (columns === null || numberOf(dims.at(-2)) !== null) return false;
  return columns - 5 > MAX_DETECTED || givesProbabilities(nodes);
}

const givesProbabilities = (nodes: ModelSummary['nodes']) =>
  nodes.slice(-3).some(({ op }) => /Softmax$/.test(op));

function ofSteps(dims: Shape, reason: string): TaskGuess {
  const columns = numberOf(dims.at(-1));
  const isAlphabet = columns !== null && columns >= ALPHABET[0] && columns <= ALPHABET[1];
  return isAlphabet ? because('ctc', reason, { classes: columns }) : UNKNOWN;
}

function ofDetector(
  shapes: readonly Shape[],
  decoders: readonly Decoder[],
  size: InputSize | null,
): TaskGuess {
  const [decoder] = decoders;
  const shape = shapes.map((dims) => `[${dims.join(', ')}]`).join(' and ');
  const grid =
    decoders.includes('yolox') && size !== null
      ? ', as many rows as the grids of strides 8, 16, 32 (64) have cells'
      : '';
  const scores = shapes.find((dims) => dims.at(-1) !== 4);
  const columns = {
    yolox: (numberOf(shapes[0]?.at(-1)) ?? 0) - 5,
    yolov5: (numberOf(shapes[0]?.at(-1)) ?? 0) - 5,
    yolov8: (numberOf(shapes[0]?.at(-2)) ?? 0) - 4,
    ssd: (numberOf(scores?.at(-1)) ?? 0) - 1,
    detr: 0,
    nms_free: 0,
  }[decoder ?? 'nms_free'];

  return because('detection', `The outputs are ${shape}${grid}.`, {
    decoders,
    classes: columns > 0 ? columns : null,
  });
}

/** An image, or a map of it. */
function ofMap(
  output: TensorSignature,
  { channels, layout, height }: NonNullable<ReturnType<typeof imageInput>>,
): TaskGuess {
  const { dims } = output;
  if (dims.length === 3) return because('segmentation', 'The output is an integer per pixel.');
  const maps = numberOf(layout === 'nchw' ? dims[1] : dims[3]) ?? numberOf(dims[1]);
  const rows = numberOf(layout === 'nchw' ? dims[2] : dims[1]);
  if (maps === 1)
    return because(
      'segmentation',
      'The output is one map: text, foreground or depth; masks are compared at 0.5.',
      {
        classes: 2,
      },
    );
  const isPicture = maps === channels && (rows === null || height === null || rows >= height);
  if (maps === null || isPicture)
    return because(null, 'The output is an image like the input: psnr compares it.');

  return because('segmentation', `The output is ${maps} maps, one per class.`, { classes: maps });
}

function ofRow({ inputs, nodes }: ModelSummary, { dims }: TensorSignature): TaskGuess {
  const values = numberOf(dims.at(-1));
  if (values === null || dims.length > 2 || inputs.length !== 1) return UNKNOWN;
  const given = inputs[0]!.dims;
  if (given.length === dims.length && numberOf(given.at(-1)) === values)
    return because(null, 'The output has the shape of the input: an autoencoder; mse or cosine compares it.');
  const isSure = givesProbabilities(nodes);
  if (values === 1)
    return because(
      'classification',
      'The output is a single value: a yes/no score (f1_binary) or a number.',
      {
        classes: 2,
      },
    );
  if (!isSure && VECTOR_LENGTHS.includes(values))
    return because(
      'embedding',
      `The output is ${values} values, which look like a vector; where they are classes, write type: classification.`,
      {
        classes: values,
      },
    );

  return because('classification', `The output is ${values} values per sample.`, { classes: values });
}
