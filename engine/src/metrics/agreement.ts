import { total, type Metric, type Sums } from './metric.js';
import { largestIndex, mainOutput } from './read.js';

/**
 * Share of positions at which the model's largest value is the float model's. Classes lie on the last axis; with four or
 * more axes (segmentation: batch, classes, height, width) on the second. State: [same, positions].
 */
export const agreement: Metric<Sums> = {
  name: 'agreement',
  higherIsBetter: true,
  needsLabels: false,
  needsReference: true,
  accumulate(outputs, _, floatOutputs, context) {
    const actual = mainOutput(outputs, context);
    const expected = mainOutput(floatOutputs ?? outputs, context).data as ArrayLike<number>;
    const axis = actual.dims.length >= 4 ? 1 : actual.dims.length - 1;
    const classes = actual.dims[axis] ?? 1;
    const step = actual.dims.slice(axis + 1).reduce((product, size) => product * size, 1);
    const values = actual.data as ArrayLike<number>;
    const positions = values.length / classes;
    let same = 0;
    for (let i = 0; i < positions; i++) {
      const start = Math.floor(i / step) * step * classes + (i % step);
      if (largestIndex(values, start, classes, step) === largestIndex(expected, start, classes, step)) same++;
    }

    return [same, positions];
  },
  result: (states) => total(states, 0) / total(states, 1),
  sampleError: ([same = 0, positions = 1]) => 1 - same / positions,
};
