import { decibels, rounded, type SettingDifference } from '@quantsmith/schemas';
import type { Comparison, LayerPair } from './compare.js';
import type { Block, Cell, Document, Section } from './document.js';
import { baseName, bytes, dropText, dropValue, latencyText, metricValue } from './figures.js';
import { pText } from './pairedTest.js';
import { settingsSection } from './settings.js';
import type { Subject, SubjectLayer } from './subject.js';

/**
 * A comparison as a person reads it: what decides, then where the two differ. `settings`: in what their configs differ, where
 * that is known; it comes first.
 */
export function comparisonDocument(
  comparison: Comparison,
  settings: readonly SettingDifference[] | null = null,
): Document {
  const { a, b } = comparison;
  const remarks = [...pairedText(comparison), ...comparison.notes];

  return {
    title: 'Comparison',
    subtitle: `A is ${a.path}, B is ${b.path}`,
    blocks: [
      ...settingsSection(settings, ['A', 'B']),
      {
        kind: 'table',
        caption: 'Side by side',
        columns: [
          { title: 'Figure' },
          numeric(`A: ${baseName(a.path)}`),
          numeric(`B: ${baseName(b.path)}`),
          numeric('A to B'),
        ],
        rows: figureRows(a, b),
      },
      ...(remarks.length === 0 ? [] : [{ kind: 'list', items: remarks } as const]),
      ...layerSection(comparison),
      ...operatorSection(comparison),
    ],
  };
}

/** What a paired test is called, and what it counts as better. */
const TESTS = {
  mcnemar: { name: "McNemar's exact test", better: 'are right only in', other: 'only in' },
  wilcoxon: { name: "Wilcoxon's signed-rank test", better: 'have the smaller error in', other: 'in' },
} as const;

/** Below it, a difference is called more than chance. */
const SIGNIFICANT = 0.05;

function pairedText({ paired_test: test, a }: Comparison): string[] {
  if (test === null || a.metric === null) return [];
  const { samples, only_a: onlyA, only_b: onlyB, p_value: p } = test;
  const { name, better, other } = TESTS[test.test];
  const judged =
    onlyA + onlyB === 0
      ? 'the two answer alike'
      : `${pText(test)} (${name}), ${
          p < SIGNIFICANT ? 'more than chance explains' : 'no more than chance explains'
        }`;

  return [
    `Paired test of ${a.metric.name} on ${samples} samples: ${onlyA} ${better} A, ${onlyB} ${other} B: ${judged}.`,
  ];
}

const numeric = (title: string) => ({ title, numeric: true });
const MISSING = '–';

function figureRows(a: Subject, b: Subject): Cell[][] {
  return [
    ...metricRows(a.metric, b.metric),
    ['size', bytes(a.bytes), bytes(b.bytes), relative(a.bytes, b.bytes)],
    ...latencyRow(a, b),
    ['quantized layers', share(a), share(b), ''],
  ];
}

/** One row for a metric that both have, else one for each. */
function metricRows(a: Subject['metric'], b: Subject['metric']): Cell[][] {
  if (a === null && b === null) return [];
  if (a !== null && b !== null && a.name !== b.name) return [...metricRows(a, null), ...metricRows(null, b)];
  const { name } = (a ?? b)!;
  const value = (metric: Subject['metric']) => (metric === null ? MISSING : metricValue(name, metric.value));
  const drop = (metric: Subject['metric']) => (metric === null ? MISSING : dropText(metric));
  const verdict = ({ satisfied, distrusted }: NonNullable<Subject['metric']>): Cell =>
    satisfied === true
      ? distrusted
        ? { text: 'not trustworthy', tone: 'bad' }
        : { text: 'met', tone: 'good' }
      : satisfied === false
        ? { text: 'missed', tone: 'bad' }
        : MISSING;
  const change =
    a === null || b === null
      ? ''
      : signed(b.value - a.value, (x) => dropValue({ name, drop_type: 'absolute' }, x));
  const targets: Cell[][] =
    (a?.satisfied ?? b?.satisfied ?? null) === null
      ? []
      : [['target', a === null ? MISSING : verdict(a), b === null ? MISSING : verdict(b), '']];

  return [
    [name, value(a), value(b), change],
    [`drop of ${name} from float`, drop(a), drop(b), ''],
    ...targets,
  ];
}

function latencyRow(a: Subject, b: Subject): Cell[][] {
  const [first, second] = [a.latency_ms, b.latency_ms];
  if (first === null && second === null) return [];
  const text = ({ latency_ms: value, latency_spread_ms: spread }: Subject) =>
    value === null ? MISSING : latencyText(value, spread);
  const change = first === null || second === null ? '' : relative(first, second);

  return [['latency', text(a), text(b), change]];
}

const share = ({ layers }: Subject) =>
  `${layers.filter((layer) => layer.quantized).length} of ${layers.length}`;

function relative(a: number, b: number): string {
  return a === 0 ? '' : signed((b - a) / a, (x) => `${rounded(100 * x, 1)} %`);
}

/** A change with its sign, plus included; none where it is shown as zero. */
function signed(change: number, text: (change: number) => string): string {
  const shown = text(change);
  return change > 0 && /[1-9]/.test(shown) ? `+${shown}` : shown;
}

function layerSection(comparison: Comparison): Section[] {
  const { layers, same_layers: same } = comparison;
  const title = 'Layers';
  if (layers.length === 0)
    return [{ kind: 'section', title, blocks: [{ kind: 'paragraph', text: `Alike: all ${same}.` }] }];
  const hasNoise = layers.some(({ a, b }) => (a?.sqnr_db ?? b?.sqnr_db ?? null) !== null);
  const ranked = layers.some((pair) => pair.sqnr_change_db !== null);
  const table: Block = {
    kind: 'table',
    caption: `Different: ${layers.length}, alike: ${same}.${ranked ? ' The largest loss of SQNR comes first.' : ''}`,
    columns: [
      { title: 'Layer' },
      { title: 'Operator' },
      { title: 'A computes as' },
      { title: 'B computes as' },
      ...(hasNoise ? [numeric('SQNR of A'), numeric('SQNR of B'), numeric('A to B')] : []),
    ],
    rows: layers.map((pair) => layerRow(pair, hasNoise, comparison)),
  };

  return [{ kind: 'section', title, blocks: [table] }];
}

function layerRow(
  { name, a, b, sqnr_change_db: change }: LayerPair,
  hasNoise: boolean,
  sides: Comparison,
): Cell[] {
  // Of a file only what has weights or is quantized is listed: what is missing may still be there, in float.
  const none = ({ operators }: Subject) => (operators.of === 'file' ? MISSING : 'absent');
  const state = (layer: SubjectLayer | null, side: Subject) =>
    layer === null ? none(side) : [layer.state, layer.weights].filter((part) => part !== '').join(', ');
  const noise = (layer: SubjectLayer | null) =>
    layer === null || layer.sqnr_db === null ? MISSING : decibels(layer.sqnr_db);

  const ops = [...new Set([a?.op, b?.op])].filter((op) => op !== undefined).join(' → ');
  const figures = [noise(a), noise(b), change === null ? '' : signed(change, decibels)];

  return [{ code: name }, ops, state(a, sides.a), state(b, sides.b), ...(hasNoise ? figures : [])];
}

function operatorSection({ operators, a }: Comparison): Section[] {
  if (operators.length === 0) return [];
  const where = a.operators.of === 'runtime' ? 'as the runtime executes them' : 'as they stand in the files';
  const rows = operators.map((row): Cell[] => [
    row.op,
    String(row.a),
    String(row.b),
    signed(row.b - row.a, String),
  ]);

  return [
    {
      kind: 'section',
      title: 'Operators',
      aside: true,
      blocks: [
        {
          kind: 'table',
          caption: `Operators whose number differs, ${where}.`,
          columns: [{ title: 'Operator' }, numeric('A'), numeric('B'), numeric('A to B')],
          rows,
        },
      ],
    },
  ];
}
