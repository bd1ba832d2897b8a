import { worstOutputDb, type QuantizationReport, decibels } from '@quantsmith/schemas';
import type { Block, Cell, Document } from './document.js';
import { bytes, counted, duration, metricValue } from './figures.js';
import { figureCells, MISSING, rank, tradeOffs, type ListedRun } from './runsDocument.js';

/** A run of a sweep. */
export interface SweptRun extends Omit<ListedRun, 'report'> {
  /** null: it failed. */
  readonly report: QuantizationReport | null;
  readonly onFront: boolean;
  /** Why it failed; null: it did not. */
  readonly failure: string | null;
  /** What it came to on few samples where there was no time for all; null or left out: it was run. */
  readonly dropped?: {
    readonly stage: number;
    readonly samples: number;
    readonly metric: { readonly name: string; readonly value: number } | null;
    readonly latency_ms: number | null;
    readonly bytes: number | null;
    readonly reason: string;
  } | null;
  /** Where a click writes its settings into the config; null or left out: nowhere. */
  readonly use?: string | null;
}

interface SweptWork {
  readonly runs: number;
  readonly kept: number;
  readonly calibrations: number;
  readonly float_validations: number;
}

/** What a sweep did besides its runs. */
export interface SweptOutcome {
  readonly work: SweptWork;
  readonly stages: readonly {
    readonly samples: number;
    readonly runs: number;
    readonly dropped: number;
    readonly seconds: number;
  }[];
  /** Seconds that there were; null: no limit. */
  readonly timeLimit: number | null;
  readonly seconds: number;
}

type Finished = SweptRun & { readonly report: QuantizationReport };

/** All combinations side by side, the best accuracy first, those on the Pareto front marked. */
export function sweepDocument(runs: readonly SweptRun[], outcome: SweptOutcome): Document {
  const { work, seconds, timeLimit } = outcome;
  const finished = runs
    .filter((run): run is Finished => run.report !== null)
    .sort((a, b) => rank(b.report) - rank(a.report));
  const failed = runs.filter(({ failure }) => failure !== null);

  return {
    title: 'Sweep',
    subtitle: `${counted(runs.length, 'run')}, ${finished.filter(({ onFront }) => onFront).length} on the Pareto front of accuracy, latency and size`,
    blocks: [
      ...tradeOffs(finished),
      ...table(finished),
      ...failures(failed),
      ...droppedSection(runs, outcome),
      {
        kind: 'facts',
        caption: 'Work',
        rows: [
          [
            'Computed',
            `${counted(work.runs, 'run')} in ${seconds.toFixed(1)} s${timeLimit === null ? '' : ` of ${timeLimit} s`}; ${work.kept} kept from before`,
          ],
          [
            'Shared',
            `${counted(work.calibrations, 'calibration')} and ${counted(work.float_validations, 'validation')} of the float model`,
          ],
        ],
      },
    ],
  };
}

function table(runs: readonly Finished[]): Block[] {
  if (runs.length === 0) return [];
  const hasMetric = runs.some(({ report }) => report.metric !== null);
  const isUsable = runs.some(({ use = null }) => use !== null);
  return [
    {
      kind: 'table',
      caption: hasMetric
        ? 'The best accuracy first; ★: on the Pareto front'
        : 'In the order of the matrix; ★: on the Pareto front',
      columns: [
        { title: 'Run' },
        { title: 'Front' },
        { title: 'Value', numeric: true },
        { title: 'Drop', numeric: true },
        { title: 'Target' },
        { title: 'Latency', numeric: true },
        { title: 'Size', numeric: true },
        { title: 'Worst output', numeric: true },
        ...(isUsable ? [{ title: 'Config' }] : []),
      ],
      rows: runs.map((run) => [
        ...[linked(run), run.onFront ? '★' : '', ...figureCells(run.report), worst(run)],
        ...(isUsable ? [useCell(run)] : []),
      ]),
    },
  ];
}

const useCell = ({ use = null }: SweptRun): Cell =>
  use === null ? MISSING : { text: 'Use this point', href: use };

const linked = ({ label, href }: SweptRun): Cell => (href === null ? label : { text: label, href });

function worst({ report }: Finished): Cell {
  const level = worstOutputDb(report);
  return level === null ? MISSING : decibels(level);
}

function failures(runs: readonly SweptRun[]): Block[] {
  if (runs.length === 0) return [];
  return [
    {
      kind: 'section',
      title: 'Failed',
      blocks: [{ kind: 'list', items: runs.map(({ label, failure }) => `${label}: ${failure ?? ''}`) }],
    },
  ];
}

/** What there was no time for: in stages on few samples, and each combination with what it came to there. */
function droppedSection(runs: readonly SweptRun[], { stages, timeLimit }: SweptOutcome): Block[] {
  const rows = runs.flatMap(({ label, dropped = null }) => (dropped === null ? [] : [{ label, ...dropped }]));
  if (rows.length === 0) return [];
  const steps = stages.map(
    ({ samples, runs: tried, dropped, seconds }, index) =>
      `Stage ${index + 1}: ${counted(tried, 'combination')} on ${samples} samples in ${seconds.toFixed(1)} s, ${dropped} dropped.`,
  );

  return [
    {
      kind: 'section',
      title: 'Dropped for lack of time',
      blocks: [
        {
          kind: 'paragraph',
          text: `The limit of ${timeLimit ?? 0} s is too short for all combinations: ${
            stages.length === 0
              ? 'they were run in their order until it was over.'
              : 'those that did best on few samples were run on all.'
          }`,
        },
        ...(steps.length === 0 ? [] : [{ kind: 'list', items: steps } as const]),
        {
          kind: 'table',
          caption: 'Figures from few samples, noisier than those above',
          columns: [
            { title: 'Run' },
            { title: 'Stage', numeric: true },
            { title: 'Samples', numeric: true },
            { title: 'Value', numeric: true },
            { title: 'Latency', numeric: true },
            { title: 'Size', numeric: true },
            { title: 'Why' },
          ],
          rows: rows.map(({ label, stage, samples, metric, latency_ms: latency, bytes: size, reason }) => [
            ...[label, stage === 0 ? MISSING : String(stage), samples === 0 ? MISSING : String(samples)],
            metric === null ? MISSING : metricValue(metric.name, metric.value),
            latency === null ? MISSING : duration(latency),
            size === null ? MISSING : bytes(size),
            reason,
          ]),
        },
      ],
    },
  ];
}
