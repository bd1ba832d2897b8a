import { decibels, type ModelNode, type QuantizationReport, type ConfigPath } from '@quantsmith/schemas';
import { layerCosts } from '../reports/costs.js';
import { createMatcher } from '../knowledge/matching.js';
import type { EffectContext } from './effects.js';
import { code, listed, plain } from './markdown.js';
import { scopeList } from './modelItems.js';

/** Quantizers of a layer that are listed. */
const MAX_INPUTS = 4;

/** What a text of the ignored scope names: a layer with all that is known of it, or the nodes that match. */
export function scopeText(value: string, path: ConfigPath, context: EffectContext): string | null {
  const list = scopeList(path);
  const { model, report = null, changed = null } = context;
  if (model === null || list === null) return null;
  if (list === 'names') {
    const node = model.nodes.find((candidate) => candidate.name === value);
    if (node === undefined) return null;
    return [nodeText(node), changed === 'model' || report === null ? '' : runText(node.name, report)]
      .filter((part) => part !== '')
      .join('\n\n');
  }

  const matched =
    list === 'patterns'
      ? createMatcher(model)(value)
      : { nodes: model.nodes.filter((node) => node.op === value) };

  if (matched === null || !('nodes' in matched)) return null;
  const names = matched.nodes.map((node) => node.name);

  return `${code(value)}: ${names.length} of ${model.nodes.length} nodes${names.length === 0 ? '' : `: ${listed(names, 8)}`}`;
}

/** Operator, shapes and parameters, from the model. */
function nodeText({ name, op, constants, attributes, inputs, outputs }: ModelNode): string {
  const shapes = Object.values(constants);
  const parameters = shapes.reduce((sum, dims) => sum + dims.reduce((size, dim) => size * dim, 1), 0);
  const facts = Object.entries(attributes).map(([key, value]) => plain(`${key} ${String(value)}`));

  return [
    `**${code(name)}** — ${plain(op)}`,
    shapes.length === 0
      ? ''
      : `Constants: ${shapes.map((dims) => `[${dims.join(', ')}]`).join(', ')} (${parameters.toLocaleString('en')} parameters)`,
    facts.join(', '),
    `Inputs: ${listed(inputs.filter((input) => input !== ''))}`,
    `Outputs: ${listed(outputs)}`,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** Quantizers, noise and accuracy cost, from the last run. */
function runText(name: string, report: QuantizationReport): string {
  const layer = report.layers.find((candidate) => candidate.name === name);
  if (layer === undefined) return '';
  const { weight, inputs, sqnr_db: sqnr, restored, quantized, kernel } = layer;
  const cost = layerCosts(report).get(name)?.text ?? '';
  const facts = [
    restored ? 'back in float to restore accuracy' : quantized ? 'quantized' : 'in float',
    plain(cost),
    sqnr === null ? '' : `SQNR ${decibels(sqnr)}`,
    kernel === null ? '' : `integer kernel ${plain(kernel)}`,
  ].filter((part) => part !== '');
  const weights =
    weight === null
      ? ''
      : `Weights: ${weight.bits} bits, ${weight.per_channel ? `one scale for each channel, ${short(weight.scale_min)} to ${short(weight.scale_max)}` : `scale ${short(weight.scale_max)}`}${weight.half_range ? ', half range' : ''}`;
  const activations = inputs
    .slice(0, MAX_INPUTS)
    .map(
      (input) =>
        `- ${code(input.tensor)}: [${short(input.low)}, ${short(input.high)}], scale ${short(input.scale)}, zero point ${input.zero_point}`,
    );

  return [
    `Last run (${plain(report.created.slice(0, 10))}): ${facts.join(', ')}`,
    weights,
    activations.join('\n'),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

const short = (value: number) => String(Number(value.toPrecision(3)));
