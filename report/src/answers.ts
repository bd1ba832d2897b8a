import type { QuantizationReport } from '@quantsmith/schemas';
import type { Block, Cell } from './document.js';
import { counted, metricValue } from './figures.js';

type Answers = NonNullable<QuantizationReport['answers']>;

/** Rows of a table; the report has them all. */
const MAX_ROWS = 20;

/** Which samples flipped, and what became of each class. */
export function answerBlocks(answers: Answers | null | undefined, metric: string): Block[] {
  if (answers === null || answers === undefined) return [];
  const { changed, listed, classes } = answers;
  return [
    ...(changed === null ? [] : [{ kind: 'paragraph', text: changedText(answers) } as const]),
    ...(listed.length === 0 ? [] : [flippedTable(listed)]),
    ...(classes.length === 0 ? [] : [classTable(classes, metric)]),
  ];
}

/** How many answers changed, and in which direction. */
export function changedText({ changed, lost, gained }: Answers): string {
  if (changed === null || changed === 0) return 'Both models give the same answers.';
  return `${counted(changed, 'answer')} changed: ${lost ?? 0} right only in float, ${gained ?? 0} right only in int8.`;
}

function flippedTable(listed: Answers['listed']): Block {
  return {
    kind: 'table',
    caption: `Samples whose answer changed, lost ones first${more(listed.length)}; the margin is the label's score minus the largest other score.`,
    columns: [
      { title: 'Sample' },
      { title: 'Label', numeric: true },
      { title: 'Float', numeric: true },
      { title: 'Int8', numeric: true },
      { title: 'Margin, float', numeric: true },
      { title: 'Margin, int8', numeric: true },
    ],
    rows: listed
      .slice(0, MAX_ROWS)
      .map((flip): Cell[] => [
        { code: flip.name },
        ...[flip.label, flip.float, flip.quantized].map(String),
        ...[flip.float_margin, flip.quantized_margin].map(margin),
      ]),
  };
}

/** What metrics that are means over classes are called of one class. */
const OF_ONE_CLASS: Readonly<Record<string, string>> = {
  map: 'AP',
  map50: 'AP at an IoU of 0.5',
  miou: 'IoU',
};

function classTable(classes: Answers['classes'], metric: string): Block {
  return {
    kind: 'table',
    caption: `${OF_ONE_CLASS[metric] ?? metric} of each class, those that lose most first${more(classes.length)}.`,
    columns: [
      { title: 'Class', numeric: true },
      { title: 'Count', numeric: true },
      { title: 'Float', numeric: true },
      { title: 'Int8', numeric: true },
    ],
    rows: classes
      .slice(0, MAX_ROWS)
      .map((entry): Cell[] => [
        ...[entry.class, entry.count].map(String),
        ...[entry.float, entry.quantized].map((value) => metricValue(metric, value)),
      ]),
  };
}

const more = (count: number) => (count > MAX_ROWS ? ` (${MAX_ROWS} of ${count})` : '');
const margin = (value: number | null) => (value === null ? '–' : value.toPrecision(3));
