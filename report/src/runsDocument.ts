import {
  distrustOf,
  metricFacts,
  type QuantizationReport,
  type SettingDifference,
} from '@quantsmith/schemas';
import type { Block, Cell, Document, ScatterChart } from './document.js';
import { bytes, duration, dropValue, metricValue, moment } from './figures.js';
import { commonMetric, dominates, goodness } from './front.js';
import { pairedTest, pText } from './pairedTest.js';
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
  const tested = testedAgainstBest(sorted);

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
    ],
  };
}

/** Of each run whether it falls behind the first by more than chance; null: of none it can be told. */
function testedAgainstBest([best, ...others]: readonly ListedRun[]): Cell[] | null {
  if (best === undefined) return null;
  const subject = ({ label, report }: ListedRun) => subjectOfReport(label, report);
  const tests = others.map((run) => pairedTest(subject(best), subject(run)));
  if (tests.every((test) => test === null)) return null;
  return ['the best', ...tests.map((test) => (test === null ? MISSING : `${pText(test)} against the best`))];
}

/** Accuracy against latency and against size, where runs can be compared. */
export function tradeOffs(runs: readonly ListedRun[]): Block[] {
  return [
    ...scatter(runs, 'latency', 'ms', ({ latency_ms: latency }) => latency?.quantized_median ?? null),
    ...scatter(runs, 'size', 'MB', ({ size }) => size.quantized_bytes / 1e6),
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
  const { metric, latency_ms: latency, size } = report;

  return [
    metric === null ? MISSING : metricValue(metric.name, metric.quantized),
    metric?.drop === undefined || metric.drop === null ? MISSING : dropValue(metric, metric.drop),
    verdict(report),
    latency === null ? MISSING : duration(latency.quantized_median),
    bytes(size.quantized_bytes),
  ];
}

function verdict(report: QuantizationReport): Cell {
  const satisfied = report.metric?.satisfied ?? null;
  if (satisfied === null) return MISSING;
  if (!satisfied) return { text: 'missed', tone: 'bad' };

  return distrustOf(report) === null
    ? { text: 'met', tone: 'good' }
    : { text: 'not trustworthy', tone: 'bad' };
}

/** One chart for the metric that most runs have; empty where fewer than two runs can be compared. */
function scatter(
  runs: readonly ListedRun[],
  what: string,
  unit: string,
  costOf: (report: QuantizationReport) => number | null,
): Block[] {
  const name = commonMetric(runs.map(({ report }) => report));
  if (name === null) return [];
  const points = runs.flatMap(({ label, report, href }) => {
    const [cost, { metric }] = [costOf(report), report];
    if (cost === null || metric?.name !== name) return [];
    return [{ x: cost, y: metric.quantized, figures: [goodness(metric), -cost], label, href }];
  });

  if (points.length < 2) return [];
  const isBeaten = (point: (typeof points)[number]) =>
    points.some((other) => dominates(other.figures, point.figures));

  const yTick = (value: number) => metricValue(name, value);
  const xTick = (value: number) => String(Number(value.toPrecision(4)));
  const chart: ScatterChart = {
    type: 'scatter',
    title: `${name} against ${what}`,
    summary: `${points.length} runs; the table below has every figure.`,
    xLabel: `${what} (${unit})`,
    yLabel: name,
    yMost: metricFacts(name)?.share === true ? 1 : null,
    points: points.map((point) => ({
      x: point.x,
      y: point.y,
      label: `${point.label}: ${yTick(point.y)}, ${xTick(point.x)} ${unit}`,
      href: point.href,
      best: !isBeaten(point),
    })),
    xTick,
    yTick,
  };

  return [{ kind: 'figure', chart }];
}
