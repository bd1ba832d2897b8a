import { describe, expect, it } from 'vitest';
import type { QuantizationReport } from '@quantsmith/schemas';
import { sampleReport } from '../../test/kit/sampleReport.js';
import { reportMarkdown, reportText } from '../src/index.js';

type Answers = NonNullable<QuantizationReport['answers']>;

const NONE: Answers = { changed: null, lost: null, gained: null, listed: [], classes: [] };
const text = (answers: Answers | null) => reportText(sampleReport({ answers })).replace(/ +/g, ' ');
const flipped = (index: number, change: Partial<Answers['listed'][number]> = {}) => ({
  ...{
    name: `${index}.png`,
    label: 3,
    float: 3,
    quantized: 5,
    float_margin: 0.12345,
    quantized_margin: null,
  },
  ...change,
});

describe('answers of a classifier', () => {
  it('are not spoken of where the metric counts none', () => {
    expect(text(null)).not.toContain('answer');
    expect(text(NONE)).not.toContain('answer');
  });

  it('say how many changed, and in which direction', () => {
    expect(text({ ...NONE, changed: 0 })).toContain('Both models give the same answers.');
    expect(text({ ...NONE, changed: 1 })).toContain(
      '1 answer changed: 0 right only in float, 0 right only in int8.',
    );
    expect(text({ ...NONE, changed: 7, lost: 4, gained: 2 })).toContain(
      '7 answers changed: 4 right only in float, 2 right only in int8.',
    );
  });

  it('list samples with their margins, and classes by the metric, twenty of each', () => {
    const listed = Array.from({ length: 25 }, (_, index) => flipped(index));
    const classes = Array.from({ length: 21 }, (_, index) => ({
      class: index,
      count: 10,
      float: 1,
      quantized: 0.9,
    }));
    const markdown = reportMarkdown(sampleReport({ answers: { ...NONE, changed: 25, listed, classes } }));
    expect(markdown).toContain('| `0.png` | 3 | 3 | 5 | 0.123 | – |');
    expect(markdown).toContain('lost ones first (20 of 25)');
    expect(markdown).toContain('| 19 | 10 | 100.00 % | 90.00 % |');
    expect(markdown).toContain('top1 of each class, those that lose most first (20 of 21).');
    expect(markdown).not.toContain('20.png');
  });

  it('call the mAP of one class AP', () => {
    const classes = [{ class: 3, count: 10, float: 0.5, quantized: 0.4 }];
    const report = sampleReport({ answers: { ...NONE, classes } });
    const markdown = reportMarkdown({ ...report, metric: { ...report.metric!, name: 'map' } });
    expect(markdown).toContain('AP of each class, those that lose most first.');
    expect(markdown).toContain('| 3 | 10 | 50.00 % | 40.00 % |');
  });
});
