import { decibels, type QuantizationReport } from '@quantsmith/schemas';
import type { Block, Cell, Table } from './document.js';
import { counted, metricValue } from './figures.js';

type Overflow = QuantizationReport['overflow'];

const MISSING = '–';

/** Where choosing one of the settings of overflow_fix leads. */
export type ChooseFix = (fix: string) => string;

/** What each setting of overflow_fix gives, and the layers whose 16-bit sums can saturate where the CPU has no VNNI. */
export function overflowBlocks({ overflow, metric }: QuantizationReport, choose?: ChooseFix): Block[] {
  const risky = overflow.layers.filter((layer) => layer.pairs_at_risk > 0);
  const settings = overflow.settings ?? [];
  return [
    ...(settings.length === 0 ? [] : [settingTable(settings, metric?.name ?? null, choose)]),
    ...(risky.length === 0 ? [] : riskBlocks(overflow, risky)),
  ];
}

const UNAFFECTED = {
  depthwise: 'depthwise, whose kernel adds in 32 bits',
  unsigned: 'two unsigned factors, whose kernel widens first',
  float: 'computed in float',
} as const;

/** How many of the layers cannot saturate whatever their weights are, and why; empty where there are none. */
export function unaffectedText(layers: Overflow['layers']): string {
  const counts = (Object.keys(UNAFFECTED) as (keyof typeof UNAFFECTED)[]).flatMap((why) => {
    const count = layers.filter(({ unaffected }) => unaffected === why).length;
    return count === 0 ? [] : [`${counted(count, 'layer')} (${UNAFFECTED[why]})`];
  });

  return counts.length === 0 ? '' : `Not affected: ${counts.join(', ')}.`;
}

/** Outputs of a layer with a pair of weights at risk, of all. */
export function outputsAtRisk({ outputs, outputs_at_risk: risky }: Overflow['layers'][number]): string {
  return outputs === undefined || risky === undefined ? MISSING : `${risky} of ${outputs}`;
}

function riskBlocks({ fix, layers }: Overflow, risky: Overflow['layers']): Block[] {
  const measured = risky.some((layer) => layer.saturating_fraction_calibration !== null);
  const unaffected = unaffectedText(layers);
  const rows = risky.map((layer): Cell[] => [
    { code: layer.name },
    layer.op,
    layer.pairs_at_risk.toLocaleString('en'),
    outputsAtRisk(layer),
    layer.worst_case_exceeds === null ? MISSING : `${(100 * layer.worst_case_exceeds).toFixed(0)} %`,
    ...(measured
      ? [share(layer.saturating_fraction_calibration), noise(layer.saturation_sqnr_db ?? null)]
      : []),
  ]);

  return [
    {
      kind: 'paragraph',
      text: [
        `On CPUs without VNNI, 16-bit sums can saturate in ${risky.length} of ${counted(layers.length, 'layer')} with 8-bit weights (overflow_fix: `,
        { code: fix },
        unaffected === '' ? ').' : `). ${unaffected}`,
      ],
    },
    {
      kind: 'table',
      caption: 'Layers at risk; the largest possible sum as a fraction of what 16 bits hold.',
      columns: [
        { title: 'Layer' },
        { title: 'Operator' },
        { title: 'Weight pairs at risk', numeric: true },
        { title: 'In outputs', numeric: true },
        { title: 'Largest sum', numeric: true },
        ...(measured
          ? [
              { title: 'Saturates in calibration', numeric: true },
              { title: 'SQNR of that', numeric: true },
            ]
          : []),
      ],
      rows,
    },
  ];
}

/** Three decimals, and never zero for what is more. */
function share(value: number | null): string {
  if (value === null) return MISSING;
  return value > 0 && value < 5e-6 ? '< 0.001 %' : `${(100 * value).toFixed(3)} %`;
}

const noise = (value: number | null) => (value === null ? MISSING : decibels(value));

function settingTable(
  settings: NonNullable<Overflow['settings']>,
  metric: string | null,
  choose: ChooseFix | undefined,
): Table {
  const value = (figure: number | null) =>
    figure === null ? MISSING : metric === null ? figure.toPrecision(5) : metricValue(metric, figure);

  return {
    kind: 'table',
    caption: 'What each overflow_fix gives.',
    columns: [
      { title: 'overflow_fix' },
      // Beside the name: the far end of a wide table may be out of sight.
      ...(choose === undefined ? [] : [{ title: 'Choose' }]),
      { title: 'Layers in half range', numeric: true },
      { title: 'At risk', numeric: true },
      { title: 'Saturating', numeric: true },
      { title: `${metric ?? 'Metric'} here`, numeric: true },
      { title: 'Without VNNI', numeric: true },
    ],
    rows: settings.map((setting): Cell[] => [
      { code: setting.fix },
      ...(choose === undefined ? [] : [{ text: `Set ${setting.fix}`, href: choose(setting.fix) }]),
      String(setting.half_range),
      String(setting.at_risk),
      String(setting.saturating),
      value(setting.metric),
      value(setting.predicted),
    ]),
  };
}
