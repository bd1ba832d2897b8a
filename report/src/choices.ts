import { decibels, type QuantizationReport } from '@quantsmith/schemas';
import type { Block, Cell } from './document.js';
import { counted, metricValue } from './figures.js';

type Choice = NonNullable<QuantizationReport['choices']>[number];

/** Other values that a cell names; the report has them all. */
const MAX_OTHERS = 4;

/** What the config left open, what was chosen, and by which figures. */
export function choiceBlocks({ choices = [], metric }: QuantizationReport): Block[] {
  if (choices.length === 0) return [];
  return [
    {
      kind: 'table',
      caption:
        'Chosen by measurement because the config leaves it open; SQNR at the outputs on calibration samples.',
      columns: [
        { title: 'Setting' },
        { title: 'Value' },
        { title: 'SQNR', numeric: true },
        { title: 'Instead of' },
        { title: 'Measured on' },
      ],
      rows: choices.map((choice): Cell[] => [
        { code: choice.setting },
        { code: choice.value },
        level(choice.sqnr_db),
        othersText(choice, metric?.name ?? null),
        `${counted(choice.samples, 'sample')}${choice.held_out ? ', held out' : ''}`,
      ]),
    },
  ];
}

function othersText({ over }: Choice, metric: string | null): string {
  const shown = over.slice(0, MAX_OTHERS).map(({ value, sqnr_db: noise, metric: measured }) => {
    const figures = [
      ...(noise === null ? [] : [decibels(noise)]),
      ...(measured === null || metric === null ? [] : [`${metric} ${metricValue(metric, measured)}`]),
    ];
    return figures.length === 0 ? value : `${value} (${figures.join(', ')})`;
  });

  const more = over.length - shown.length;
  return [...shown, ...(more > 0 ? [`${more} more`] : [])].join('; ');
}

const level = (value: number | null) => (value === null ? '–' : decibels(value));
