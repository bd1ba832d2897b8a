import { decibels, type QuantizationReport } from '@quantsmith/schemas';
import type { Block, Cell } from './document.js';
import { bytes, counted, dropValue, duration, metricValue } from './figures.js';

type Objective = NonNullable<QuantizationReport['objective']>;
type Metric = NonNullable<QuantizationReport['metric']>;

const MISSING = '–';
const latency = (milliseconds: number | null) => (milliseconds === null ? MISSING : duration(milliseconds));

/** What was asked of the search, and how it ended, in one sentence. */
export function objectiveText({
  minimize,
  satisfied,
  time_limited: isLimited,
  time_limit: limit,
  points,
}: Objective): string {
  const measured = `${counted(points.length, 'measured model')} whose drop is allowed`;
  const result = satisfied
    ? minimize === 'size'
      ? `The smallest of ${measured}.`
      : looksBeaten(points)
        ? `None of ${measured} is faster than it by more than chance.`
        : `The fastest of ${measured}.`
    : 'No model was seen whose drop is allowed: this is the one with the smallest drop.';
  const ended = isLimited
    ? ` The time limit of ${limit ?? 0} s ended the search: another run may come to another model.`
    : '';

  return `${result}${ended}`;
}

/** Whether one of them took less time than the chosen one: by so little that it may be chance, or it had been chosen. */
function looksBeaten(points: Objective['points']): boolean {
  const latency = points.find(({ chosen }) => chosen)?.latency_ms ?? null;
  if (latency === null) return false;
  return points.some(({ satisfied, latency_ms: other }) => satisfied && other !== null && other < latency);
}

/** The models that the search for an objective has measured on all samples, and the changes that it looked at on a few. */
export function objectiveBlocks(metric: Metric, objective: Objective): Block[] {
  const { points, candidates } = objective;

  return [
    { kind: 'paragraph', text: objectiveText(objective) },
    {
      kind: 'table',
      caption:
        'Measured on all validation samples, in this order; ★: on the Pareto front of drop, latency and size',
      columns: [
        { title: 'Front' },
        { title: 'Settings' },
        { title: 'In float', numeric: true },
        { title: 'Value', numeric: true },
        { title: 'Drop', numeric: true },
        { title: 'Latency', numeric: true },
        { title: 'Size', numeric: true },
      ],
      rows: points.map((point): Cell[] => [
        point.on_front ? '★' : '',
        [
          point.settings === '' ? 'as chosen' : { code: point.settings },
          ...(point.chosen ? [', written'] : []),
        ],
        String(point.float_operators.length),
        metricValue(metric.name, point.metric),
        dropCell(metric, point),
        latency(point.latency_ms),
        bytes(point.size_bytes),
      ]),
    },
    ...(candidates.length === 0
      ? []
      : [
          {
            kind: 'section',
            title: 'Candidates',
            aside: true,
            blocks: [
              {
                kind: 'table',
                caption: 'Changes of settings on a few samples, before operators went back to float',
                columns: [
                  { title: 'Settings' },
                  { title: 'SQNR', numeric: true },
                  { title: 'Latency', numeric: true },
                  { title: 'Size', numeric: true },
                ],
                rows: candidates.map((candidate): Cell[] => [
                  { code: candidate.settings },
                  candidate.sqnr_db === null ? MISSING : decibels(candidate.sqnr_db),
                  latency(candidate.latency_ms),
                  bytes(candidate.size_bytes),
                ]),
              },
            ],
          } as const,
        ]),
  ];
}

function dropCell(metric: Metric, { drop, satisfied }: Objective['points'][number]): Cell {
  if (drop === null) return MISSING;
  const text = dropValue(metric, drop);
  return satisfied ? text : { text: `${text}, too much`, tone: 'bad' };
}
