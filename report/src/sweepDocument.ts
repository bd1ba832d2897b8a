import { worstOutputDb } from './front.js';
import type { QuantizationReport } from '@quantsmith/schemas';
import type { Block, Cell, Document } from './document.js';
import { counted, decibels } from './figures.js';
import { figureCells, MISSING, rank, tradeOffs, type ListedRun } from './runsDocument.js';

/** A run of a sweep. */
export interface SweptRun extends Omit<ListedRun, 'report'> {
  /** null: it failed. */
  readonly report: QuantizationReport | null;
  readonly onFront: boolean;
  /** Why it failed; null: it did not. */
  readonly failure: string | null;
}

export interface SweptWork {
  readonly runs: number;
  readonly kept: number;
  readonly calibrations: number;
  readonly float_validations: number;
}

type Finished = SweptRun & { readonly report: QuantizationReport };

/** All combinations side by side, the best accuracy first, those on the Pareto front marked. */
export function sweepDocument(runs: readonly SweptRun[], work: SweptWork, seconds: number): Document {
  const finished = runs
    .filter((run): run is Finished => run.report !== null)
    .sort((a, b) => rank(b.report) - rank(a.report));
  const failed = runs.filter(({ failure }) => failure !== null);

  return {
    title: 'Sweep',
    subtitle: `${counted(runs.length, 'run')}, ${counted(finished.filter(({ onFront }) => onFront).length, 'run')} on the Pareto front of accuracy, latency and size`,
    blocks: [
      ...tradeOffs(finished),
      ...table(finished),
      ...failures(failed),
      {
        kind: 'facts',
        caption: 'Work',
        rows: [
          [
            'Computed',
            `${counted(work.runs, 'run')} in ${seconds.toFixed(1)} s; ${work.kept} kept from before`,
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
  return [
    {
      kind: 'table',
      caption: hasMetric
        ? 'The best accuracy first; ★: on the Pareto front'
        : 'In the order of the matrix; ★: on the Pareto front',
      columns: [
        { title: 'Front' },
        { title: 'Run' },
        { title: 'Value', numeric: true },
        { title: 'Drop', numeric: true },
        { title: 'Target' },
        { title: 'Latency', numeric: true },
        { title: 'Size', numeric: true },
        { title: 'Worst output', numeric: true },
      ],
      rows: runs.map((run) => [run.onFront ? '★' : '', linked(run), ...figureCells(run.report), worst(run)]),
    },
  ];
}

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
