import { firstOnPaths, readersByTensor } from '@quantsmith/model/graph';
import { hasConstantWeight, isFirstLayer, isGroupedConvolution } from '@quantsmith/model/operators';
import {
  changeClause,
  changeText,
  DATA_KIND_NAMES,
  DATA_SECTIONS,
  type ModelNode,
  type ModelSummary,
  type QuantizationConfig,
  type QuantizationReport,
  resolveConfig,
  type DottedPath,
  type ConfigPath,
} from '@quantsmith/schemas';
import type { Change } from '../context/context.js';
import { choiceAt, choiceText } from '../reports/choices.js';
import { initialDrop } from '../reports/numbers.js';
import { createMatcher } from '../knowledge/matching.js';
import { code, listed, plain } from './markdown.js';

/** What is known beside the text. */
export interface EffectContext {
  readonly model: ModelSummary | null;
  readonly config?: QuantizationConfig | null;
  readonly report?: QuantizationReport | null;
  readonly changed?: Change;
}

/** With the last run where it is of this very config. */
interface Known {
  readonly model: ModelSummary | null;
  readonly config: ReturnType<typeof resolveConfig>;
  readonly report: QuantizationReport | null;
}

/** What a setting does to this model, in a sentence; empty where that is not known. */
export function effectText(path: ConfigPath, context: EffectContext): string {
  const { model, report = null, changed = null } = context;
  const setting = path.join('.') as DottedPath;
  const current = changed === null ? report : null;
  const choice = choiceAt(current, path);
  const chosen = choice === null ? '' : choiceText(choice);
  const ofRun = current === null ? undefined : RUN_EFFECTS[setting]?.(current);
  const effect = EFFECTS[setting];
  if (ofRun === undefined && effect === undefined) return chosen;
  // Asked for last: whether a config is valid takes all of its text.
  const { config = null } = context;
  if (config === null) return chosen;
  const text = ofRun ?? effect?.({ model, config: resolveConfig(config), report: current }) ?? '';

  return [text, chosen].filter((part) => part !== '').join('\n\n');
}

/** How many layers take half of the range; null where that is not known. */
export function halfRangeCount(context: EffectContext): { layers: number; of: number } | null {
  const { model, config = null, report = null, changed = null } = context;
  if (config === null) return null;
  const layers = halfRange({
    model,
    config: resolveConfig(config),
    report: changed === null ? report : null,
  });
  return layers === null ? null : { layers: layers.names.length, of: layers.of };
}

/** What the last run tells of a setting. */
const RUN_EFFECTS: Readonly<Partial<Record<DottedPath, (report: QuantizationReport) => string>>> = {
  output: ({ size }) =>
    `Last run: ${megabytes(size.quantized_bytes)}, ${size.ratio >= 1 ? `${size.ratio.toFixed(2)} times smaller` : `${(1 / size.ratio).toFixed(2)} times larger`} than the float model.`,
  'quantization.preset': ({ layers }) => {
    const inputs = layers.flatMap((layer) => layer.inputs);
    const shifted = inputs.filter((input) => input.zero_point !== 0).length;
    return `Last run: ${shifted} of ${count(inputs.length, 'quantized activation')} have a zero point other than 0.`;
  },
  'quantization.subset_size': ({ data }) =>
    data === undefined ? '' : `Last run: ${count(data.calibration.samples, 'sample')} of calibration data.`,
  'quantization.fast_bias_correction': biasText,
  'quantization.advanced_parameters.disable_bias_correction': biasText,
  accuracy_control: accuracyText,
  'accuracy_control.max_drop': accuracyText,
  'accuracy_control.metric': accuracyText,
  'accuracy_control.target': accuracyText,
};

/** What a setting does, by the model's structure or the last run. */
const EFFECTS: Readonly<Partial<Record<DottedPath, (known: Known) => string>>> = {
  model: ({ model }) => (model === null ? '' : modelText(model)),
  ...sourceEffects(),
  'quantization.ignored_scope': ignoredText,
  'quantization.ignored_scope.names': ignoredText,
  'quantization.ignored_scope.types': ignoredText,
  'quantization.ignored_scope.patterns': ignoredText,
  'quantization.advanced_parameters.overflow_fix': halfRangeText,
  'quantization.advanced_parameters.weights_quantization_params': weightsText,
  'quantization.advanced_parameters.weights_quantization_params.num_bits': weightsText,
  'quantization.advanced_parameters.weights_quantization_params.per_channel': weightsText,
  'quantization.advanced_parameters.weights_quantization_params.mode': weightsText,
};

/** What samples have to feed: arrays of a .npz bear the names of the inputs. States are fed by outputs. */
function sourceEffects(): Record<string, (known: Known) => string> {
  const inputs = ({ model }: Known) =>
    model === null ? '' : `The model's inputs: ${signatures(model.inputs)}`;
  const both = (known: Known) =>
    known.model === null ? '' : `${inputs(known)}\n\nIts outputs: ${signatures(known.model.outputs)}`;

  return Object.fromEntries(
    DATA_SECTIONS.flatMap((section) => [
      ...[...DATA_KIND_NAMES, 'constants'].map((key) => [`data.${section}.${key}`, inputs] as const),
      [`data.${section}.states`, both] as const,
    ]),
  );
}

const signatures = (tensors: ModelSummary['inputs']) =>
  tensors
    .slice(0, 8)
    .map(
      ({ name, type, dims }) =>
        `${code(name)} ${plain(type)} [${dims.map((dim) => plain(String(dim))).join(', ')}]`,
    )
    .join(', ');

function modelText({ inputs, outputs, nodes, parameterCount, fileBytes }: ModelSummary): string {
  return [
    `${megabytes(fileBytes)}, ${count(nodes.length, 'node')}, ${parameterCount.toLocaleString('en')} parameters`,
    `Inputs: ${signatures(inputs)}`,
    `Outputs: ${signatures(outputs)}`,
  ].join('\n\n');
}

function halfRangeText(known: Known): string {
  const layers = halfRange(known);
  if (layers === null) return '';
  const { names, of: total } = layers;
  const which = names.length === 0 ? '' : `: ${listed(names)}`;
  return known.report === null
    ? `Half range: ${names.length} of ${count(total, 'layer')}${which}.`
    : `Last run, half range: ${names.length} of ${count(total, 'layer')}${which}.`;
}

/** Layers whose weights take half of their range: what the last run did, or what the model's structure says will happen. */
function halfRange({ model, config, report }: Known): { names: string[]; of: number } | null {
  if (report !== null) {
    const { layers } = report.overflow;
    const half = layers.filter((layer) => layer.half_range).map((layer) => layer.name);
    return { names: half, of: layers.length };
  }

  const { overflow_fix: fix, weights_quantization_params: weights } = config.quantization.advanced_parameters;
  const ignored = model === null ? null : ignoredNodes(model, config);
  if (model === null || ignored === null || fix === 'auto' || weights.num_bits !== 8) return null;
  const weighted = model.nodes.filter((node) => hasConstantWeight(node) && !ignored.has(node));
  const half =
    fix === 'first_layer'
      ? firstLayers(model, new Set(weighted))
      : fix === 'enable'
        ? weighted.filter((node) => !isGroupedConvolution(node))
        : [];

  const names = half.map((node) => node.name);

  return { names, of: weighted.length };
}

/** The first convolution without groups on every path from an input: what the engine takes for `first_layer`. */
function firstLayers(model: ModelSummary, weighted: ReadonlySet<ModelNode>): ModelNode[] {
  const readers = readersByTensor(model.nodes);
  const first = firstOnPaths(
    model.inputs.map((input) => input.name),
    (tensor) => readers.get(tensor) ?? [],
    ({ outputs }) => outputs,
    (node) => weighted.has(node) && isFirstLayer(node),
  );

  return model.nodes.filter((node) => first.has(node));
}

/** The nodes of the ignored scope; null where a subgraph or a bad pattern decides. */
function ignoredNodes(model: ModelSummary, config: Known['config']): Set<ModelNode> | null {
  const { names, types, patterns, subgraphs } = config.quantization.ignored_scope;
  if (subgraphs.length > 0) return null;
  const match = createMatcher(model);
  const matched = new Set<ModelNode>();
  for (const pattern of patterns) {
    const excluded = match(pattern);
    if (excluded === null || !('nodes' in excluded)) return null;
    for (const node of excluded.nodes) matched.add(node);
  }

  const [ofName, ofType] = [new Set(names), new Set<string>(types)];

  return new Set(
    model.nodes.filter((node) => ofName.has(node.name) || ofType.has(node.op) || matched.has(node)),
  );
}

function ignoredText({ model, config }: Known): string {
  const ignored = model === null ? null : ignoredNodes(model, config);
  if (model === null || ignored === null) return '';
  const names = [...ignored].map((node) => node.name);
  return `Ignored: ${names.length} of ${count(model.nodes.length, 'node')}${names.length === 0 ? '' : `: ${listed(names)}`}.`;
}

function weightsText({ model, config, report }: Known): string {
  const {
    num_bits: bits,
    narrow_range: narrow,
    mode,
  } = config.quantization.advanced_parameters.weights_quantization_params;

  const half = 2 ** (bits - 1);
  const codes =
    mode === 'asymmetric' ? `0 to ${2 * half - 1}` : `${narrow ? 1 - half : -half} to ${half - 1}`;

  if (report !== null) {
    const weights = report.layers.filter((layer) => layer.weight !== null);
    const channels = weights.filter((layer) => layer.weight!.per_channel).length;
    return `Codes from ${codes}. Last run: ${count(weights.length, 'layer')} with quantized weights, ${channels} of them with one scale for each channel.`;
  }

  const weighted = model?.nodes.filter(hasConstantWeight).length;

  return `Codes from ${codes}${weighted === undefined ? '' : `; the model has ${count(weighted, 'layer')} with weights`}.`;
}

function biasText({ layers }: QuantizationReport): string {
  const changed = layers.filter((layer) => layer.bias_correction.applied);
  const maxShift = changed.reduce((largest, layer) => Math.max(largest, layer.bias_correction.max_shift), 0);
  return `Last run: the biases of ${count(changed.length, 'layer')} were changed, by ${maxShift.toPrecision(3)} at most.`;
}

function accuracyText({ metric, restoration }: QuantizationReport): string {
  if (metric === null) return '';
  const reverted = restoration?.reverted ?? [];
  const restored =
    reverted.length === 0
      ? ''
      : ` Before restoration: ${plain(changeText(metric, initialDrop(metric)))}; back in float: ${listed(reverted)}.`;

  return `Last run: ${plain(metric.name)} ${plain(changeClause(metric, metric.drop))} on ${count(metric.samples, 'sample')}.${restored}`;
}

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`;
