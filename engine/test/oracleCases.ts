import type { Label, TruthBox } from '../src/data/labels/label.js';
import {
  AREAS,
  COCO,
  judge,
  meanPrecision,
  type FoundBox,
  type ImageDetections,
  type PrecisionOptions,
} from '../src/metrics/averagePrecision.js';
import { BUILT_IN } from '../src/metrics/builtIn.js';
import type { Outputs, SampleContext } from '../src/metrics/metric.js';
import { NO_TASK, type Task } from '../src/tasks/task.js';
import { seededRandom, type MetricName } from '@quantsmith/schemas';

/** As bench/oracles/metrics.py has it: every case follows from its number, draw by draw. */
export class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seededRandom(seed);
  }

  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  values(count: number): Float32Array {
    return Float32Array.from({ length: count }, () => (this.below(65) - 32) / 8);
  }

  list<T>(count: number, make: () => T): T[] {
    return Array.from({ length: count }, make);
  }
}

/** One sample: what the model gives, the label, and what the float model gives. */
interface OracleSample {
  readonly outputs: Outputs;
  readonly label: Label;
  readonly reference?: Outputs;
}

export interface OracleCase {
  readonly samples: readonly OracleSample[];
  readonly task: Task;
}

const output = (dims: readonly number[], data: Float32Array): Outputs => ({
  y: { type: 'float32', dims, data },
});

function classes(r: Random): OracleCase {
  const [count, samples] = [2 + r.below(9), 1 + r.below(30)];
  const scores = r.list(samples, () => r.values(count));
  return {
    samples: scores.map((each) => ({ outputs: output([1, count], each), label: r.below(count) })),
    task: NO_TASK,
  };
}

function differences(r: Random): OracleCase {
  const [size, samples] = [1 + r.below(20), 1 + r.below(6)];
  const expected = r.list(samples, () => r.values(size));
  return {
    samples: expected.map((each) => {
      const noise = r.below(8) === 0 ? null : r.values(size);
      const actual = each.map((value, i) => (noise === null ? value : value + noise[i]! / 4));
      return {
        outputs: output([1, size], actual),
        label: null,
        reference: output([1, size], each),
      };
    }),
    task: NO_TASK,
  };
}

function agreement(r: Random): OracleCase {
  const [rank, count] = [2 + r.below(3), 2 + r.below(5)];
  const all = [
    [1, count],
    [1, 1 + r.below(6), count],
    [1, count, 1 + r.below(4), 1 + r.below(4)],
  ];
  const dims = all[rank - 2]!;
  const size = dims.reduce((product, side) => product * side, 1);
  const samples = r.list(1 + r.below(4), () => {
    const reference = output(dims, r.values(size));
    return { outputs: output(dims, r.values(size)), label: null, reference };
  });
  return { samples, task: NO_TASK };
}

function segmentation(r: Random): OracleCase {
  const [count, height, width, samples] = [2 + r.below(4), 1 + r.below(6), 1 + r.below(6), 1 + r.below(4)];
  return {
    samples: r.list(samples, () => {
      const outputs = output([1, count, height, width], r.values(count * height * width));
      const mask = r.list(height * width, () => (r.below(10) === 0 ? 255 : r.below(count)));
      return { outputs, label: { dims: [height, width], data: Uint8Array.from(mask) } };
    }),
    task: { ...NO_TASK, classes: count },
  };
}

function tokens(r: Random): OracleCase {
  const [count, samples] = [3 + r.below(5), 1 + r.below(4)];
  const stride = r.below(2) === 0 ? null : 1 + r.below(6);
  return {
    samples: r.list(samples, () => {
      const length = 2 + r.below(8);
      const outputs = output([1, length, count], r.values(length * count));
      const labels = r.list(length, () => (r.below(6) === 0 ? -100 : r.below(count)));
      return { outputs, label: { dims: [length], data: Int32Array.from(labels) } };
    }),
    task: { ...NO_TASK, stride },
  };
}

function pairs(r: Random): OracleCase {
  const [size, samples] = [2 + r.below(4), 3 + r.below(20)];
  return {
    samples: r.list(samples, () => {
      const [a, b] = [r.values(size), r.values(size)];
      const second = r.below(5) === 0 ? a : b;
      return { outputs: output([2, size], Float32Array.from([...a, ...second])), label: r.below(6) };
    }),
    task: NO_TASK,
  };
}

const ALPHABET = ['a', 'b', 'c', 'd', ' '];

function texts(r: Random): OracleCase {
  return {
    samples: r.list(1 + r.below(5), () => {
      const steps = 1 + r.below(24);
      const outputs = output([1, steps, 6], r.values(steps * 6));
      const label = `a${r.list(r.below(16), () => ALPHABET[r.below(5)]!).join('')}`;
      return { outputs, label };
    }),
    task: { ...NO_TASK, alphabet: ALPHABET },
  };
}

/** The cases of the metrics that read outputs, by group. */
export const CASES: Readonly<Record<string, (seed: number) => OracleCase>> = Object.fromEntries(
  Object.entries({ classes, differences, agreement, segmentation, tokens, pairs, texts }).map(
    ([group, make]) => [group, (seed: number) => make(new Random(seed))],
  ),
);

/** The states of a case's samples, in their order. */
export function statesOf(name: MetricName, { samples, task }: OracleCase): unknown[] {
  const context: SampleContext = { name: 's', feeds: {}, image: null, task };
  return samples.map(({ outputs, label, reference = null }) =>
    BUILT_IN[name].accumulate(outputs, label, reference, context),
  );
}

interface Picture {
  readonly truths: readonly TruthBox[];
  readonly found: readonly FoundBox[];
}

/** Objects and detections of some images: ties in score, crowds, and areas that are not those of the boxes. */
function pictures(seed: number): Picture[] {
  const r = new Random(seed);
  const [images, count] = [1 + r.below(5), 1 + r.below(3)];
  const place = () => [r.below(300), r.below(300), 1 + r.below(180), 1 + r.below(180)] as const;
  return r.list(images, () => {
    const truths = r.list(r.below(6), (): TruthBox => {
      const box = place();
      const [label, crowd] = [r.below(count), r.below(6) === 0];
      return { box, class: label, crowd, area: (box[2] * box[3] * (1 + r.below(4))) / 4 };
    });
    const found = r.list(r.below(8), (): FoundBox => {
      if (truths.length > 0 && r.below(4) !== 0) {
        const { box: near, class: label } = truths[r.below(truths.length)]!;
        const box = [
          near[0] + r.below(9) - 4,
          near[1] + r.below(9) - 4,
          Math.max(1, near[2] + r.below(21) - 10),
          Math.max(1, near[3] + r.below(21) - 10),
        ] as const;
        return { box, class: label, score: (1 + r.below(8)) / 8 };
      }

      const label = r.below(count);
      const box = place();
      return { box, class: label, score: (1 + r.below(8)) / 8 };
    });
    return { truths, found };
  });
}

/** What a column of the detections' figures, such as `map50_small`, is measured with. */
function optionsOf(column: string): PrecisionOptions {
  const [kind = '', area = ''] = column.split(/_(?=[a-z]+$)/);
  return {
    thresholds: kind === 'map50' ? [0.5] : COCO.thresholds,
    area: AREAS[area as keyof typeof AREAS],
    most: kind === 'map_most2' ? 2 : 100,
  };
}

/** The states of a case's images for a column of the detections' figures, in their order. */
export function judgedImages(column: string, seed: number): ImageDetections[] {
  const options = optionsOf(column);
  return pictures(seed).map(({ found, truths }) => judge(found, truths, options));
}

/** The value of a column over some of its images. */
export const precisionOf = (column: string, states: readonly ImageDetections[]): number =>
  meanPrecision(states, optionsOf(column).thresholds.length);
