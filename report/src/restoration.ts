import { candidatesSeen, type QuantizationReport } from '@quantsmith/schemas';
import { contributions } from './contributions.js';
import { names, type Block, type Cell, type Figure, type Span } from './document.js';
import {
  allowanceText,
  bytes,
  changeText,
  counted,
  dropOf,
  dropValue,
  duration,
  metricValue,
} from './figures.js';

type Metric = NonNullable<QuantizationReport['metric']>;
type Restoration = NonNullable<QuantizationReport['restoration']>;

/** What restoration tried: the curve and the states behind it. `hosted`: with buttons that take a state into the config. */
export function restorationBlocks(metric: Metric, restoration: Restoration, hosted = false): Block[] {
  return [
    { kind: 'paragraph', text: `${restoration.stop_reason} ${effortText(restoration)}` },
    ...curveFigure(metric, restoration),
    {
      kind: 'table',
      caption: 'States in the order they were validated; + went to float, − went back to int8.',
      columns: [
        { title: 'Step' },
        { title: 'In float', numeric: true },
        { title: metric.name, numeric: true },
        { title: 'Drop', numeric: true },
        { title: 'Change' },
        ...(hosted ? [{ title: 'Take' }] : []),
      ],
      rows: stepRows(metric, restoration, hosted),
    },
    ...remedyTable(metric, restoration, hosted),
    ...contributionTable(metric, restoration),
    ...costTable(restoration),
    ...candidateSection(metric, restoration),
  ];
}

/** What the search took. Where none of the operators was looked at alone, they were not ranked; older reports do not tell. */
function effortText(restoration: Restoration): string {
  const { ranking_samples: samples, iterations, candidates } = restoration;
  const isRanked = samples > 0 && (candidates === undefined || candidatesSeen(restoration).length > 0);
  const ranking = isRanked ? `, operators ranked on ${counted(samples, 'sample')}` : '';

  return `${counted(iterations, 'full validation')}${ranking}.`;
}

/** Settings that were tried before operators went back to float. */
function remedyTable(metric: Metric, { remedies = [] }: Restoration, hosted: boolean): Block[] {
  if (remedies.length === 0) return [];
  const rows = remedies.map(({ setting, value, drop, kept }, index): Cell[] => [
    { code: setting },
    { code: value },
    drop === null ? '–' : dropValue(metric, drop),
    kept ? { text: 'kept', tone: 'good' } : 'not kept',
    ...(hosted ? [{ text: 'Take this setting', send: { type: 'remedy', remedy: index } } as const] : []),
  ]);

  return [
    {
      kind: 'table',
      caption: 'Settings that were tried before operators went back to float.',
      columns: [
        { title: 'Setting' },
        { title: 'Value' },
        { title: 'Drop', numeric: true },
        { title: 'Kept' },
        ...(hosted ? [{ title: 'Take' }] : []),
      ],
      rows,
    },
  ];
}

/** What the search went by, in the order in which it considered the operators. */
function candidateSection(metric: Metric, restoration: Restoration): Block[] {
  const seen = candidatesSeen(restoration);
  if (seen.length === 0) return [];
  const left = (restoration.candidates?.length ?? 0) - seen.length;
  const rest = left === 0 ? '' : ` ${left} more ${left === 1 ? 'was' : 'were'} not looked at alone.`;
  const error = (value: number | null) => (value === null ? '–' : value.toPrecision(3));
  // Metrics of right and wrong answers go by the drop alone.
  const compared = seen.some(({ output_error: outputs }) => outputs !== null);
  const table: Block = {
    kind: 'table',
    caption: `Operators in the order in which they were considered for float, and the drop with only these in float: measured, or predicted from the samples whose answers are closest to changing.${rest}`,
    columns: [
      { title: 'Operators' },
      ...(compared ? [{ title: 'Error of the outputs', numeric: true }] : []),
      { title: 'Drop', numeric: true },
    ],
    rows: seen.map(({ operators, output_error: outputs, drop_alone: drop }): Cell[] => [
      names(operators),
      ...(compared ? [error(outputs)] : []),
      drop === null ? '–' : dropValue(metric, drop),
    ]),
  };

  return [{ kind: 'section', title: 'Candidates', aside: true, blocks: [table] }];
}

function contributionTable(metric: Metric, { steps, reverted, candidates = [] }: Restoration): Block[] {
  const initial = { reverted: [], drop: dropOf(metric, metric.quantized_initial) };
  const groups = candidates.map(({ operators }) => operators);
  const states = [initial, ...steps].flatMap(({ reverted, drop }) =>
    drop === null ? [] : [{ reverted, drop }],
  );

  const gains = contributions(reverted, states, groups);
  if (gains.length === 0) return [];
  const rows = gains.map(({ operators, dropWith, dropWithout }): Cell[] => [
    names(operators),
    dropValue(metric, dropWithout),
    dropValue(metric, dropWith),
    dropValue(metric, dropWithout - dropWith),
  ]);

  return [
    {
      kind: 'table',
      caption: 'What an operator saves by being in float: two validated states that differ only in it.',
      columns: [
        { title: 'Operator' },
        { title: 'Drop in int8', numeric: true },
        { title: 'Drop in float', numeric: true },
        { title: 'Saves', numeric: true },
      ],
      rows,
    },
  ];
}

/** What the operators in float are paid with. */
function costTable({ costs = [] }: Restoration): Block[] {
  if (costs.length === 0) return [];
  const signed = (value: number, text: string) => (value > 0 ? `+${text}` : text);
  const rows = costs.map(({ operators, size_bytes: size, latency_ms: latency }): Cell[] => [
    names(operators),
    signed(size, bytes(size)),
    latency === null ? '–' : signed(latency, duration(latency)),
  ]);

  return [
    {
      kind: 'table',
      caption: 'What an operator in float costs, next to the same model with it in int8.',
      columns: [{ title: 'Operator' }, { title: 'Size', numeric: true }, { title: 'Latency', numeric: true }],
      rows,
    },
  ];
}

function stepRows(metric: Metric, { steps }: Restoration, hosted: boolean): Cell[][] {
  const start: Cell[] = [
    'int8',
    '0',
    metricValue(metric.name, metric.quantized_initial),
    dropValue(metric, dropOf(metric, metric.quantized_initial)),
    '',
    ...(hosted ? [''] : []),
  ];
  const rows = steps.map((step, index): Cell[] => [
    String(step.iteration),
    String(step.reverted.length),
    metricValue(metric.name, step.metric),
    dropValue(metric, step.drop),
    changes(steps[index - 1]?.reverted ?? [], step.reverted),
    ...(hosted ? [{ text: 'Take this state', send: { type: 'state', step: index } } as const] : []),
  ]);

  return [start, ...rows];
}

/** What is in float now and was not before, and the other way round. */
function changes(before: readonly string[], after: readonly string[]): Span[] {
  const [previous, current] = [new Set(before), new Set(after)];
  const added = after.filter((name) => !previous.has(name));
  const removed = before.filter((name) => !current.has(name));
  return names([...added, ...removed], (index) => (index < added.length ? '+ ' : '− '));
}

const aloneLabel = (metric: Metric, operators: readonly string[], drop: number | null) =>
  `Only ${operators.join(', ')} in float: ${changeText(metric, drop)}`;

/** The drop of every state; nothing where drops are undefined. */
function curveFigure(metric: Metric, { steps, reverted, candidates = [] }: Restoration): Figure[] {
  const { drop: final, ci95: interval } = metric;
  if (final === null || interval === null) return [];
  const initial = dropOf(metric, metric.quantized_initial);
  const target = metric.max_drop === null ? '' : ` Target: ${allowanceText(metric, metric.max_drop)}.`;
  const point = (count: number, drop: number | null, label: string, state?: number) =>
    drop === null
      ? []
      : [{ count, drop, label, validated: state !== undefined, ...(state === undefined ? {} : { state }) }];

  const points = [
    ...point(0, initial, `int8: ${changeText(metric, initial)}`, -1),
    ...steps.flatMap(({ iteration, reverted: { length }, drop }, index) =>
      point(length, drop, `Step ${iteration}, ${length} in float: ${changeText(metric, drop)}`, index),
    ),
    ...candidates.flatMap(({ operators, drop_alone: drop }) =>
      point(operators.length, drop, aloneLabel(metric, operators, drop)),
    ),
  ];

  return [
    {
      kind: 'figure',
      chart: {
        type: 'drop',
        title: `Drop of ${metric.name} against operators in float`,
        summary: `From ${dropValue(metric, initial)} with none in float to ${dropValue(metric, final)} with ${reverted.length}.${target}`,
        xLabel: 'Operators back in float',
        yLabel: `Drop of ${metric.name}${unitOf(dropValue(metric, 0))}`,
        points,
        final: { count: reverted.length, drop: final, interval },
        target: metric.max_drop,
        tick: (drop) => dropValue(metric, drop).replace(/ points$/, ''),
      },
    },
  ];
}

/** The unit stands at the axis once. */
const unitOf = (text: string) => (text.endsWith(' points') ? ', points' : '');
