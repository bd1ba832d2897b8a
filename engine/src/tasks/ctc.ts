import type { HostTensor } from '@quantsmith/model/arrays';
import { fail } from '@quantsmith/schemas';
import type { Task } from './task.js';

/**
 * The text of a CTC output, decoded greedily: the largest class of each step, repetitions joined, blanks left out
 * (Graves et al., 2006). Scores are [1, steps, classes] or [steps, 1, classes]. Without an alphabet the text is the class
 * numbers, parted by spaces.
 */
export function decodeCtc({ dims, data }: HostTensor, task: Task): string {
  const classes = dims.at(-1) ?? 1;
  const blank = task.blank < 0 ? classes + task.blank : task.blank;
  const values = data as ArrayLike<number>;
  const indices: number[] = [];
  let before = -1;
  for (let start = 0; start < values.length; start += classes) {
    let best = 0;
    for (let c = 1; c < classes; c++) if (values[start + c]! > values[start + best]!) best = c;
    if (best !== before && best !== blank) indices.push(best);
    before = best;
  }

  if (task.alphabet === null) return indices.join(' ');
  const { alphabet } = task;

  return indices
    .map((index) => alphabet[index > blank ? index - 1 : index] ?? unknown(alphabet, classes))
    .join('');
}

function unknown(alphabet: readonly string[], classes: number): never {
  return fail(
    'alphabet-size',
    `The alphabet has ${alphabet.length} lines; the model has ${classes - 1} classes besides the blank.`,
    { configPath: ['task', 'alphabet'], data: { lines: alphabet.length, classes } },
  );
}
