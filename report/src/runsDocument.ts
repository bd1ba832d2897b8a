import {
  boundsOf,
  commonMetric,
  distrustOf,
  dominates,
  goodness,
  metricFacts,
  type QuantizationReport,
  type SettingDifference,
  decibels,
} from '@quantsmith/schemas';
import { spansOf, type Block, type Cell, type Document, type ScatterChart } from './document.js';
import { bytes, dropText, latencyText, metricValue, moment } from './figures.js';
import { compareRuns, type LayerOfRuns, type RunsComparison } from './compareRuns.js';
import { pText } from './pairedTest.js';
import { settingsSection } from './settings.js';
import { subjectOfReport } from './subject.js';

/** One run among several. */
export interface ListedRun {
  /** What it is called: its config, or the settings that tell it from the others. */
  readonly label: string;
  readonly report: QuantizationReport;
  /** Where its report opens; null: nowhere. */
  readonly href: string | null;
}

export const MISSING = '–';

/**
 * Many runs at once: accuracy against latency and against size, and a table of all of them, the best accuracy first.
 * `settings`: in what their configs differ, in the order of the runs, where that is known; it comes first.
 */
export function runsDocument(
  runs: readonly ListedRun[],
  settings: readonly SettingDifference[] | null = null,
): Document {
  const sorted = [...runs].sort((a, b) => rank(b.report) - rank(a.report));
  const compared = compareRuns(sorted.map(({ label, report }) => subjectOfReport(label, report)));
  const tested = testedAgainstBest(compared);

  return {
    title: 'Runs',
    subtitle: `${runs.length} runs`,
    blocks: [
      ...settingsSection(
        settings,
        runs.map(({ label }) => label),
      ),
      ...tradeOffs(sorted),
      {
        kind: 'table',
        caption: 'All runs, the best accuracy first',
        columns: [
          { title: 'Run' },
          { title: 'Made' },
          { title: 'Metric' },
          { title: 'Value', numeric: true },
          { title: 'Drop', numeric: true },
          { title: 'Target' },
          { title: 'Latency', numeric: true },
          { title: 'Size', numeric: true },
          ...(tested === null ? [] : [{ title: 'Paired test' }]),
        ],
        rows: sorted.map((run, index) => [
          ...row(run),
          ...(tested === null ? [] : [tested[index] ?? MISSING]),
        ]),
      },
      ...notesList(compared),
      ...layersOfRuns(compared),
    ],
  };
}

/** Of each run whether it falls behind the first by more than chance; null: of none it can be told. */
function testedAgainstBest({ runs }: RunsComparison): Cell[] | null {
  if (runs.every(({ paired_test: test }) => test === null)) return null;
  return runs.map(({ is_best: isBest, paired_test: test }) =>
    isBest ? 'the best' : test === null ? MISSING : `${pText(test)} against the best`,
  );
}

function notesList({ notes }: RunsComparison): Block[] {
  return notes.length === 0 ? [] : [{ kind: 'list', items: notes }];
}

/** Layers that a page lists: those that changed most. */
const MAX_LAYERS = 20;

/** The layers that differ most between runs: a column for each run, as it computes there and its SQNR. */
function layersOfRuns({ layers, runs, same_layers: same }: RunsComparison): Block[] {
  if (layers.length === 0) return [];
  const shown = layers.slice(0, MAX_LAYERS);
  const more = layers.length > shown.length ? `, the first ${shown.length} of them` : '';

  return [
    {
      kind: 'section',
      title: 'Layers that changed most',
      blocks: [
        {
          kind: 'table',
          caption: `Different: ${layers.length}${more}; alike: ${same}. The widest range of SQNR comes first.`,
          columns: [
            { title: 'Layer' },
            { title: 'Operator' },
            ...runs.map(({ path }) => ({ title: path, numeric: true })),
            { title: 'Span', numeric: true },
          ],
          rows: shown.map(layerRow),
        },
      ],
    },
  ];
}

function layerRow({ name, op, states, sqnr_db: levels, span_db: span }: LayerOfRuns): Cell[] {
  const isOneState = new Set(states).size === 1;
  const cells = states.map((state, index): Cell => {
    const level = levels[index] ?? null;
    const parts = [
      ...(isOneState || state === null ? [] : [state]),
      ...(level === null ? [] : [decibels(level)]),
    ];
    return parts.length === 0 ? MISSING : parts.join(', ');
  });

  return [{ code: name }, op, ...cells, span === null ? MISSING : decibels(span)];
}

/** Accuracy against latency and against size, where runs can be compared. */
export function tradeOffs(runs: readonly ListedRun[]): Block[] {
  const isSmall = runs.every(({ report }) => report.size.quantized_bytes < 1e6);
  const [unit, inUnit] = isSmall ? (['kB', 1e3] as const) : (['MB', 1e6] as const);

  return [
    ...scatter(runs, 'latency', 'ms', ({ latency_ms: latency }) =>
      latency === null
        ? null
        : { value: latency.quantized_median, spread: spreadOf(latency.quantized_p10, latency.quantized_p90) },
    ),
    ...scatter(runs, 'size', unit, ({ size }) => ({ value: size.quantized_bytes / inUnit, spread: null })),
  ];
}

/** Larger is better; runs without a metric come last. */
export function rank({ metric }: QuantizationReport): number {
  return metric === null ? Number.NEGATIVE_INFINITY : goodness(metric);
}

function row(run: ListedRun): Cell[] {
  const { label, report, href } = run;
  const { metric, created } = report;

  return [
    href === null ? label : { text: label, href },
    moment(created),
    metric === null ? MISSING : { code: metric.name },
    ...figureCells(report),
  ];
}

/** Value, drop, target, latency and size, for a table of runs. */
export function figureCells(report: QuantizationReport): Cell[] {
  const { metric, size } = report;

  return [
    metric === null ? MISSING : metricValue(metric.name, metric.quantized),
    metric === null || metric.drop === null ? MISSING : dropText(metric),
    verdict(report),
    latencyOf(report),
    bytes(size.quantized_bytes),
  ];
}

function latencyOf({ latency_ms: latency }: QuantizationReport): Cell {
  if (latency === null) return MISSING;
  const spread = spreadOf(latency.quantized_p10, latency.quantized_p90);

  const [median = '', ...bounds] = spansOf(latencyText(latency.quantized_median, spread));

  return [median, ...(latency.busy === true ? [', busy'] : []), ...bounds];
}

function verdict(report: QuantizationReport): Cell {
  const satisfied = report.metric?.satisfied ?? null;
  if (satisfied === null) return MISSING;
  if (!satisfied) return { text: 'missed', tone: 'bad' };

  return distrustOf(report) === null
    ? { text: 'met', tone: 'good' }
    : { text: 'not trustworthy', tone: 'bad' };
}

const spreadOf = (low: number | undefined, high: number | undefined) =>
  low === undefined || high === undefined ? null : ([low, high] as const);

/** One chart for the metric that most runs have; empty where fewer than two runs can be compared. */
function scatter(
  runs: readonly ListedRun[],
  what: string,
  unit: string,
  costOf: (
    report: QuantizationReport,
  ) => { readonly value: number; readonly spread: readonly [number, number] | null } | null,
): Block[] {
  const name = commonMetric(runs.map(({ report }) => report));
  if (name === null) return [];
  const points = runs.flatMap(({ label, report, href }) => {
    const [cost, { metric }] = [costOf(report), report];
    if (cost === null || metric?.name !== name) return [];
    const figures = [goodness(metric), -cost.value];
    const spreads = { xSpread: cost.spread, ySpread: boundsOf(metric) };
    return [{ x: cost.value, y: metric.quantized, ...spreads, figures, label, href }];
  });

  if (points.length < 2) return [];
  const isBeaten = (point: (typeof points)[number]) =>
    points.some((other) => dominates(other.figures, point.figures));

  const yTick = (value: number) => metricValue(name, value);
  const xTick = (value: number) => String(Number(value.toPrecision(4)));
  const chart: ScatterChart = {
    type: 'scatter',
    title: `${name} against ${what}`,
    summary: '',
    xLabel: `${what} (${unit})`,
    yLabel: name,
    yMost: metricFacts(name)?.share === true ? 1 : null,
    points: points.map((point) => ({
      x: point.x,
      y: point.y,
      xSpread: point.xSpread,
      ySpread: point.ySpread,
      label: `${point.label}: ${yTick(point.y)}, ${xTick(point.x)} ${unit}`,
      href: point.href,
      best: !isBeaten(point),
    })),
    xTick,
    yTick,
  };

  return [{ kind: 'figure', chart }];
}
