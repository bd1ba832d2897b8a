import type { ModelNode, ModelSummary, QuantizationReport, TensorSignature } from '@quantsmith/schemas';
import { layerState, weightText, type Layer } from './layers.js';

/** A node of a model as the view lists it, with what the last run says of it. Everything is text from a model file, or a figure. */
export interface ModelRow {
  readonly name: string;
  /** With its domain where that is not ONNX's. */
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Of the first output; empty: the file does not state it. */
  readonly shape: string;
  /** Shapes and types of the constants that it reads; empty: none. */
  readonly weights: string;
  /** Elements of those constants, and bytes. */
  readonly parameters: number;
  readonly bytes: number;
  readonly attributes: string;
  /** Nodes of its bodies (If, Loop, Scan). */
  readonly inside: number;
  readonly run: RowRun | null;
  /** What differs from the float model; null: this is no output of ours, or nothing is known of its float model. */
  readonly difference: string | null;
  /** false: a node of the float model alone. */
  readonly isHere: boolean;
}

/** What the last run says of a layer. */
interface RowRun {
  /** How it computes, in words: its integer kernel, or float and why. */
  readonly state: string;
  readonly isInteger: boolean;
  readonly isRestored: boolean;
  readonly decibels: number | null;
  /** Its quantized weights; empty: none. */
  readonly weight: string;
  /** Scales of the weights, as a range; empty: none. */
  readonly scales: string;
  /** The activations that it reads, with their ranges. */
  readonly quantizers: readonly string[];
}

/** What is known beside the model: the report of its last run, and for an int8 output of ours its float model. */
export interface ModelContext {
  readonly report: QuantizationReport | null;
  readonly float: ModelSummary | null;
  /** Whether the model has been written since that run. */
  readonly isNewer: boolean;
}

/** Nothing but the model. */
export const ALONE: ModelContext = { report: null, float: null, isNewer: false };

const MOVES_CODES = new Set(['QuantizeLinear', 'DequantizeLinear']);

/**
 * The nodes in the order of the file. Beside its float model, an int8 model is shown without its QuantizeLinear and
 * DequantizeLinear nodes: weights and tensors are those in front of them; nodes of the float model alone come last.
 */
export function modelRows(model: ModelSummary, { report, float }: ModelContext): ModelRow[] {
  const runs = new Map(report?.layers.map((layer) => [layer.name, layer]));
  const rows = rowsOf(model, float !== null, runs);
  if (float === null) return rows;
  const known = new Map(rowsOf(float, false, new Map()).map((row) => [row.name, row]));
  const names = new Set(rows.map(({ name }) => name));

  return [
    ...rows.map((row) => ({ ...row, difference: differenceOf(row, known.get(row.name)) })),
    ...[...known.values()]
      .filter(({ name }) => !names.has(name))
      .map((row) => ({ ...row, difference: 'only in the float model', isHere: false })),
  ];
}

function rowsOf(model: ModelSummary, folded: boolean, runs: ReadonlyMap<string, Layer>): ModelRow[] {
  const tensors = new Map((model.tensors ?? []).map((tensor) => [tensor.name, tensor]));
  const constants = new Set(model.nodes.flatMap(constantNames));
  const behind = new Map<string, string>();
  for (const { op, inputs, outputs } of folded ? model.nodes : [])
    if (MOVES_CODES.has(op)) behind.set(outputs[0] ?? '', inputs[0] ?? '');

  const source = (tensor: string): string => {
    // As many steps as there are nodes: a file may put them in a circle.
    let name = tensor;
    for (let step = 0; step <= behind.size && behind.has(name); step++) name = behind.get(name)!;
    return name;
  };

  return model.nodes
    .filter(({ op }) => !folded || !MOVES_CODES.has(op))
    .map((node) => {
      const inputs = node.inputs.filter((tensor) => tensor !== '').map(source);
      const held = inputs
        .filter((tensor) => constants.has(tensor))
        .flatMap((name) => tensors.get(name) ?? []);
      const output = tensors.get(node.outputs[0] ?? '');
      const layer = runs.get(node.name);

      return {
        name: node.name,
        op: node.domain === '' || node.domain === 'ai.onnx' ? node.op : `${node.domain}.${node.op}`,
        inputs,
        outputs: node.outputs,
        shape: output === undefined ? '' : shapeText(output),
        weights: held.map((tensor) => `${shapeText(tensor)} ${tensor.type}`).join(', '),
        parameters: held.reduce((sum, tensor) => sum + elements(tensor), 0),
        bytes: held.reduce((sum, tensor) => sum + (elements(tensor) * bitsOf(tensor.type)) / 8, 0),
        attributes: attributesText(node),
        inside: insideOf(node),
        run: layer === undefined ? null : runOf(layer),
        difference: null,
        isHere: true,
      };
    });
}

const constantNames = ({ constants, inputs }: ModelNode) =>
  Object.keys(constants).map((input) => inputs[Number(input)] ?? '');

function differenceOf(row: ModelRow, float: ModelRow | undefined): string {
  if (float === undefined) return 'only in the int8 model';
  if (row.op !== float.op) return `${float.op} → ${row.op}`;
  const [before, now] = [weightType(float), weightType(row)];
  if (before !== now) return `${before} → ${now}`;
  if (row.run?.isInteger === true) return 'computes on codes';
  return row.weights === float.weights ? 'same' : 'other constants';
}

/** The type of the first constant, which is the weight. */
const weightType = ({ weights }: ModelRow) => weights.split(', ')[0]?.split(' ').at(-1) || 'no constant';

function runOf(layer: Layer): RowRun {
  const { weight, inputs, sqnr_db: decibels, restored } = layer;
  return {
    state: layerState(layer),
    isInteger: layer.quantized && layer.kernel !== null,
    isRestored: restored,
    decibels,
    weight: weightText(weight),
    scales:
      weight === null ? '' : [...new Set([weight.scale_min, weight.scale_max])].map(figure).join(' to '),
    quantizers: inputs.map(
      ({ tensor, low, high, scale, zero_point: zeroPoint }) =>
        `${tensor}: ${figure(low)} to ${figure(high)}, scale ${figure(scale)}, zero point ${zeroPoint}`,
    ),
  };
}

/** Three digits, as people compare scales and bounds. */
const figure = (value: number): string => String(Number(value.toPrecision(3)));

/** `1×3×224×224`; a scalar and an unknown rank in words. */
export function shapeText({ dims, unranked }: Pick<TensorSignature, 'dims' | 'unranked'>): string {
  if (unranked === true) return 'any rank';
  return dims.length === 0 ? 'scalar' : dims.join('×');
}

const elements = ({ dims }: TensorSignature) =>
  dims.reduce<number>((product, dim) => product * (typeof dim === 'number' ? dim : 0), 1);

/** Bits of an element by its type's name: float16, int4, bfloat16, float8e4m3fn; bool takes a byte, texts are not counted. */
function bitsOf(type: string): number {
  return type === 'bool' ? 8 : Number(/\d+/.exec(type)?.[0] ?? 0);
}

const attributesText = ({ attributes }: ModelNode) =>
  Object.entries(attributes)
    .map(([key, value]) => `${key} ${Array.isArray(value) ? value.join(', ') : String(value)}`)
    .join('; ');

const insideOf = ({ bodies }: ModelNode): number => bodies.reduce((sum, body) => sum + 1 + insideOf(body), 0);
