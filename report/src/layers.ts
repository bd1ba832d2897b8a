import { decibels, type QuantizationReport } from '@quantsmith/schemas';
import type { Block, Cell, Figure, LiveRows, Span, Table } from './document.js';
import { counted } from './figures.js';

export type Layer = QuantizationReport['layers'][number];

/** The longest bar stands for this many dB. */
const WIDEST_DB = 60;

/** How an operator computes in the final model, in words. */
export function layerState(
  layer: Pick<Layer, 'restored' | 'quantized' | 'kernel' | 'runs' | 'runs_reason'>,
): string {
  if (layer.runs === 'subgraph' || layer.runs === 'float_though_quantized')
    return `float: ${layer.runs_reason ?? 'its inputs are rounded'}`;

  if (layer.runs === 'faster_in_float') return 'float (faster)';
  if (layer.restored) return 'float (restored)';
  if (!layer.quantized) return 'float';
  return layer.kernel ?? 'quantized, computes in float';
}

/** The weights of a layer in words; empty without quantized weights. */
export function weightText(weight: Layer['weight']): string {
  if (weight === null) return '';
  return `${plainWeight(weight)}${weight.half_range ? ', half range' : ''}`;
}

const plainWeight = ({ bits, per_channel: perChannel }: NonNullable<Layer['weight']>) =>
  `${bits} bits${perChannel ? ' per channel' : ''}`;

/** The noise of each layer: a chart over the graph, and a table with all that a layer has. */
export function layerBlocks(layers: readonly Layer[]): Block[] {
  const measured = layers.filter((layer) => layer.sqnr_db !== null);
  return [...(measured.length === 0 ? [] : [noiseFigure(layers)]), layerTable(layers)];
}

function noiseFigure(layers: readonly Layer[]): Figure {
  const measured = layers.filter((layer) => layer.sqnr_db !== null);
  const lowest = measured.reduce((a, b) => (b.sqnr_db! < a.sqnr_db! ? b : a));
  return {
    kind: 'figure',
    chart: {
      type: 'noise',
      title: 'SQNR of each layer, in the order of the graph',
      summary: `${counted(measured.length, 'layer')} measured. The lowest is ${lowest.name} with ${decibels(lowest.sqnr_db!)}.`,
      bars: layers.map((layer) => ({
        decibels: layer.sqnr_db,
        float: !layer.quantized,
        label: `${layer.name} (${layer.op}, ${layerState(layer)}): ${layer.sqnr_db === null ? 'not measured' : decibels(layer.sqnr_db)}`,
      })),
    },
  };
}

/** The worst layer first; what was not measured comes last, in the order of the graph. The figure stands beside the name, where no narrow page cuts it off. */
function layerTable(layers: readonly Layer[]): Table {
  const sorted = layers
    .map((layer, index) => ({ layer, index }))
    .sort((a, b) => (a.layer.sqnr_db ?? Infinity) - (b.layer.sqnr_db ?? Infinity) || a.index - b.index);

  return {
    kind: 'table',
    caption:
      'Signal-to-quantization-noise ratio of each output, including the errors of everything before it; higher is better. Worst first.',
    columns: [
      { title: 'Layer' },
      { title: 'SQNR', numeric: true },
      { title: 'Operator' },
      { title: 'Computes as' },
      { title: 'Weights' },
    ],
    rows: sorted.map(({ layer }): Cell[] => [
      { code: layer.name },
      noiseCell(layer),
      layer.op,
      stateCell(layer),
      weightCell(layer.weight),
    ]),
    live: {
      layers: sorted.map(({ layer, index }) => ({ index, marks: marksOf(layer) })),
      filters: FILTERS,
      actions: ACTIONS,
    },
  };
}

const FILTERS: LiveRows['filters'] = [
  { title: 'integer kernels', mark: 'integer' },
  { title: 'all in float', mark: 'float' },
  { title: 'quantized, computed in float', mark: 'rounded' },
  { title: 'restored to float', mark: 'restored' },
  { title: 'half range', mark: 'half' },
];

const ACTIONS: LiveRows['actions'] = [
  { title: 'Show in Config', send: { type: 'config' }, mark: '' },
  { title: 'Show in Model', send: { type: 'model' }, mark: '' },
  { title: 'Exclude', send: { type: 'change', change: 'exclude' }, mark: 'quantized' },
  { title: 'Half Range', send: { type: 'change', change: 'half_range' }, mark: 'whole' },
  { title: '16 Bits', send: { type: 'change', change: 'bits16' }, mark: 'fine' },
];

/** By what rows are filtered, and what can be done about them. */
function marksOf({ quantized, kernel, restored, weight }: Layer): string[] {
  const isEight = weight !== null && weight.bits === 8;
  return [
    kernel === null ? 'float' : 'integer',
    ...(quantized ? ['quantized'] : []),
    ...(quantized && kernel === null ? ['rounded'] : []),
    ...(restored ? ['restored'] : []),
    ...(weight?.half_range === true ? ['half'] : []),
    ...(quantized && isEight && !weight.half_range ? ['whole'] : []),
    ...(quantized && (weight?.bits ?? 8) < 16 ? ['fine'] : []),
  ];
}

/** How it computes; a mark where that is float, with the reason. */
function stateCell(layer: Layer): Cell {
  const state = layerState(layer);
  if (layer.kernel !== null) return state;
  const [mark = '', why] = state.split(/: (.*)/s);
  const reason = why ?? (layer.restored ? undefined : (layer.runs_reason ?? undefined));
  return [{ mark }, ...(reason === undefined ? [] : [`: ${reason}`])];
}

function weightCell(weight: Layer['weight']): Cell {
  if (weight === null || !weight.half_range) return weightText(weight);
  return [`${plainWeight(weight)}, `, { mark: 'half range' }] satisfies Span[];
}

function noiseCell({ sqnr_db: value, quantized }: Layer): Cell {
  const share = Math.max(0, Math.min(1, (value ?? 0) / WIDEST_DB));
  return { text: value === null ? '–' : decibels(value), bar: { share, float: !quantized } };
}
