import { decodeCtc } from '../tasks/ctc.js';
import { guessBySample } from './guess.js';
import { total, type Metric, type Sums } from './metric.js';
import { mainOutput, textLabel } from './read.js';

/** Edits between the decoded and the labelled text, for each unit of the labelled one. State: [edits, units]. */
function errorRate(name: string, unitsOf: (text: string) => readonly string[]): Metric<Sums> {
  return {
    name,
    higherIsBetter: false,
    needsLabels: true,
    needsReference: false,
    accumulate(outputs, label, _, context) {
      const expected = unitsOf(textLabel(label, context));
      const actual = unitsOf(decodeCtc(mainOutput(outputs, context), context.task));
      return [editDistance(actual, expected), expected.length];
    },
    result: (states) => total(states, 0) / Math.max(1, total(states, 1)),
    sampleError: ([edits = 0, units = 1]) => edits / Math.max(1, units),
    // No text at all has as many edits as the label has units.
    guess(states) {
      const better = states.filter(([edits = 0, units = 0]) => edits < units).length;
      const [edits, units] = [total(states, 0), total(states, 1)];

      return guessBySample(
        { better, worse: states.length - better, units },
        {
          value: 1,
          reached: 1 - edits / Math.max(1, units),
        },
      );
    },
  };
}

/** Words are what white space parts. */
export const wer = errorRate('wer', (text) => text.split(/\s+/).filter((word) => word !== ''));

/** Characters are code points; white space at the ends does not count. */
export const cer = errorRate('cer', (text) => Array.from(text.trim()));

/** The fewest insertions, deletions and replacements that make one list of the other (Levenshtein, 1966). */
function editDistance(from: readonly string[], to: readonly string[]): number {
  let row = Array.from({ length: to.length + 1 }, (_, j) => j);
  from.forEach((unit, i) => {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const replaced = row[j]! + (unit === to[j] ? 0 : 1);
      next.push(Math.min(replaced, row[j + 1]! + 1, next[j]! + 1));
    }

    row = next;
  });
  return row[to.length]!;
}
