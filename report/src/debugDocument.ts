import { decibels, type DebugReport } from '@quantsmith/schemas';
import type { Block, Cell, Document, Text } from './document.js';
import { counted } from './figures.js';

type Layer = DebugReport['layers'][number];

/** Layer by layer float against int8: what falls first, and why. */
export function debugDocument(report: DebugReport): Document {
  const { settings, calibration_samples: calibrated, samples, in_sample: inSample, seconds } = report;
  const made =
    settings === 'report'
      ? 'Quantized as in the last run'
      : 'This config has not been run yet: what it leaves open takes the fixed defaults';
  const where = counted(samples, inSample ? 'calibration sample' : 'held-out sample');

  return {
    title: 'Layers of the quantized model beside the float model',
    subtitle: `${report.model}: ${made}; ranges from ${counted(calibrated, 'sample')}, compared on ${where}, ${seconds.toFixed(1)} s`,
    blocks: [...firstBlocks(report), outputTable(report), ...layerTables(report), ...savedBlocks(report)],
  };
}

const NO_LAYERS =
  'There is no layer to compare: no operator outside bodies of If, Loop and Scan is quantized, and those inside are not looked at one by one.';
const NO_NOISE = 'No layer differs from the float model.';

function firstBlocks({ first, layers }: DebugReport): Block[] {
  if (first === null) return [{ kind: 'paragraph', text: layers.length === 0 ? NO_LAYERS : NO_NOISE }];
  const { name, op, lost, before_db: before, after_db: after, text } = first;
  const levels = `SQNR ${level(before)} before it, ${level(after)} after it. `;
  const start = lost ? 'The signal is lost at ' : 'No layer loses the signal. Most is lost at ';
  const summary: Text = [
    lost ? { text: start, tone: 'bad' } : start,
    { code: name },
    ` (${op}): ${levels}${text}`,
  ];

  return [{ kind: 'paragraph', text: summary }];
}

function outputTable({ outputs }: DebugReport): Block {
  return {
    kind: 'table',
    caption: 'Outputs against the float model',
    columns: [{ title: 'Output' }, { title: 'SQNR', numeric: true }],
    rows: outputs.map(({ name, sqnr_db: value }): Cell[] => [{ code: name }, level(value)]),
  };
}

const layerTables = (report: DebugReport): Block[] =>
  report.layers.length === 0 ? [] : [layerTable(report)];

function layerTable({ layers, first }: DebugReport): Block {
  return {
    kind: 'table',
    caption:
      'SQNR: including the errors of all earlier layers. Alone: of the layer by itself. Used, outside: of the range of its worst input. Spread: its loudest channel relative to the median one.',
    columns: [
      { title: 'Layer' },
      { title: 'Operator' },
      { title: 'SQNR', numeric: true },
      { title: 'Alone', numeric: true },
      { title: 'Used', numeric: true },
      { title: 'Outside', numeric: true },
      { title: 'Spread', numeric: true },
      { title: 'Weights', numeric: true },
    ],
    rows: layers.map((layer): Cell[] => {
      const input = worstInput(layer);
      const isFirst = first?.lost === true && layer.name === first.name;
      return [
        { code: layer.name },
        layer.quantized ? layer.op : `${layer.op} (float)`,
        isFirst ? { text: level(layer.sqnr_db), tone: 'bad' } : level(layer.sqnr_db),
        level(layer.alone_db),
        input === null ? '–' : share(input.used),
        input === null ? '–' : share(input.clipped),
        (input?.channel_spread ?? null) === null ? '–' : times(input?.channel_spread ?? 1),
        layer.weights === null ? '–' : level(layer.weights.sqnr_db),
      ];
    }),
  };
}

function savedBlocks({ saved }: DebugReport): Block[] {
  return saved.length === 0 ? [] : [{ kind: 'paragraph', text: `${counted(saved.length, 'file')} written.` }];
}

/** The input that rounding hurts most. */
function worstInput({ inputs }: Layer): Layer['inputs'][number] | null {
  const sorted = [...inputs].sort((a, b) => (a.rounding_db ?? Infinity) - (b.rounding_db ?? Infinity));
  return sorted[0] ?? null;
}

const level = (value: number | null) => (value === null ? '–' : decibels(value));
const share = (value: number) => `${(100 * value).toFixed(1)} %`;
const times = (value: number) => `${value.toPrecision(3)}×`;
