import type { QuantizationReport } from '@quantsmith/schemas';
import type { Block, Cell, Figure, Table } from './document.js';
import { counted, decibels } from './figures.js';

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
  const channels = weight.per_channel ? ' per channel' : '';
  return `${weight.bits} bits${channels}${weight.half_range ? ', half range' : ''}`;
}

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

function layerTable(layers: readonly Layer[]): Table {
  return {
    kind: 'table',
    caption:
      'Signal-to-quantization-noise ratio of each output, everything before it included; higher is better.',
    columns: [
      { title: 'Layer' },
      { title: 'Operator' },
      { title: 'Computes as' },
      { title: 'Weights' },
      { title: 'SQNR', numeric: true },
    ],
    rows: layers.map((layer): Cell[] => [
      { code: layer.name },
      layer.op,
      layerState(layer),
      weightText(layer.weight),
      noiseCell(layer),
    ]),
  };
}

function noiseCell({ sqnr_db: value, quantized }: Layer): Cell {
  const share = Math.max(0, Math.min(1, (value ?? 0) / WIDEST_DB));
  return { text: value === null ? '–' : decibels(value), bar: { share, float: !quantized } };
}
