import { describe, expect, it } from 'vitest';
import { METRICS, type MetricName } from '@quantsmith/schemas';
import type { HostTensor } from '@quantsmith/model/arrays';
import { BUILT_IN } from '../src/metrics/builtIn.js';
import type { ImageDetections } from '../src/metrics/averagePrecision.js';
import { topK } from '../src/metrics/topK.js';
import { fitProblems } from '../src/validation/fit.js';
import { deadLayerProblems, plausibilityProblems } from '../src/validation/plausibility.js';
import { prepareModel } from '../src/prepare/prepare.js';
import { floats, loaded, model, node, value } from '../../test/kit/models.js';

/** Of so many samples as `make` gives states for. */
const states = (make: (index: number) => unknown, count = 40) =>
  Array.from({ length: count }, (_, i) => make(i));
const image = (objects: number, matched: number): ImageDetections => ({
  truths: [[0, objects]],
  detections: Array.from({ length: objects }, () => [0, 0.9, matched, 0] as const),
});

interface Cases {
  /** What a model gives that only guesses, and one that does not: weak, but far from it. */
  readonly guessed: unknown[];
  readonly weak: unknown[];
  readonly classes?: number;
}

/** By hand: one for each metric that has a value of guessing. */
const CASES: Partial<Record<MetricName, Cases>> = {
  top1: {
    guessed: states((i) => [i % 10 === 0 ? 1 : 0, 0]),
    weak: states((i) => [i % 3 === 0 ? 1 : 0, 0]),
    classes: 10,
  },
  top5: {
    guessed: states((i) => [i % 20 === 0 ? 1 : 0, 0]),
    weak: states((i) => [i % 3 === 0 ? 1 : 0, 0]),
    classes: 100,
  },
  f1: {
    guessed: states((i) => [i % 10, (i * 7 + 3) % 10]),
    weak: states((i) => [i % 10, i % 3 === 0 ? i % 10 : 0]),
    classes: 10,
  },
  f1_micro: {
    guessed: states((i) => [i % 10, (i * 7 + 3) % 10]),
    weak: states((i) => [i % 10, i % 3 === 0 ? i % 10 : 0]),
    classes: 10,
  },
  // Nothing of 20 found where no is right in half of all; every second one found.
  f1_binary: {
    guessed: states((i) => [0, i % 2]),
    weak: states((i) => [i % 4 === 1 ? 1 : 0, i % 2]),
    classes: 2,
  },
  map: { guessed: states(() => image(2, 0)), weak: states((i) => image(2, i % 4 === 0 ? 1 : 0)) },
  map50: { guessed: states(() => image(2, 0)), weak: states((i) => image(2, i % 4 === 0 ? 1 : 0)) },
  // Two classes, each predicted on half of the pixels: 25 of 100 are right by chance in each; every second sample has more.
  miou: {
    guessed: states((i) => [
      [0, 25 + (i % 2 === 0 ? 1 : -1), 50, 50],
      [1, 25 + (i % 2 === 0 ? 1 : -1), 50, 50],
    ]),
    weak: states(() => [
      [0, 33, 50, 50],
      [1, 33, 50, 50],
    ]),
  },
  pixel_accuracy: {
    guessed: states((i) => [50 + (i % 2 === 0 ? 1 : -1), 100, 50]),
    weak: states(() => [66, 100, 50]),
  },
  // 10 of 100 tokens named, 10 are entities: one hit is chance.
  token_f1: { guessed: states((i) => [i % 2, 10, 10, 100]), weak: states(() => [4, 10, 10, 100]) },
  // log 100 = 4.6 for each token.
  perplexity: {
    guessed: states((i) => [10 * (4.6 + (i % 2 === 0 ? 0.1 : -0.1)), 10, 10 * Math.log(100)]),
    weak: states(() => [10 * 3, 10, 10 * Math.log(100)]),
  },
  spearman: {
    guessed: states((i) => [(i * 17) % 40, i]),
    weak: states((i) => [i % 2 === 0 ? i : (i * 17) % 40, i]),
  },
  wer: { guessed: states((i) => [i % 2 === 0 ? 5 : 4, 4]), weak: states(() => [2, 4]) },
  cer: { guessed: states((i) => [i % 2 === 0 ? 10 : 8, 8]), weak: states(() => [4, 8]) },
};

const codes = (name: MetricName, given: readonly unknown[], classes: number | null = null) => {
  const metric = BUILT_IN[name];
  return plausibilityProblems({ metric }, { states: given, value: metric.result(given) }, classes).map(
    ({ code }) => code,
  );
};

describe('a float model that only guesses', () => {
  const named = Object.entries(METRICS).filter(([, { guessing }]) => typeof guessing === 'string');
  it.each(named.map(([name]) => name as MetricName))('is found by %s, and a weak one is not', (name) => {
    const { guessed, weak, classes = null } = CASES[name]!;
    expect(codes(name, guessed, classes)).toEqual(['float-accuracy-implausible']);
    expect(codes(name, weak, classes)).toEqual([]);
  });
  it.each(named.map(([name]) => name as MetricName))(
    'is not seen by %s in a few samples of little',
    (name) => {
      const { guessed, classes = null } = CASES[name]!;
      expect(codes(name, guessed.slice(0, 1), classes)).toEqual([]);
    },
  );
  it('is seen in a few long texts that it knows no word of', () => {
    expect(codes('perplexity', [[500, 100, 100 * Math.log(100)]])).toEqual(['float-accuracy-implausible']);
    expect(codes('perplexity', [[300, 100, 100 * Math.log(100)]])).toEqual([]);
    expect(codes('wer', [[31, 30]])).toEqual(['float-accuracy-implausible']);
  });
  it('is said with the value of guessing, in the metric\u2019s unit', () => {
    const { guessed } = CASES.wer!;
    const [found] = plausibilityProblems({ metric: BUILT_IN.wer }, { states: guessed, value: 1.125 }, null);
    expect(found!.message).toMatch(/wer is 112\.50 % on 40 samples, no better than guessing \(100\.00 %\)/);
  });
});

describe('a layer whose weights are all zero', () => {
  const prepared = (weights: readonly number[]) =>
    prepareModel(
      loaded(
        model({
          inputs: [value('x', [1, 2])],
          outputs: [value('y', [1, 2])],
          nodes: [node('Gemm', ['x', 'w', 'b'], ['h'], {}, 'first'), node('Relu', ['h'], ['y'])],
          initializers: [floats('w', [2, 2], weights), floats('b', [2], [1, 2])],
        }),
      ),
    );
  const found = async (weights: readonly number[], right: number) => {
    const given = states((i) => [i < right ? 1 : 0, 0]);
    return deadLayerProblems(
      { metric: BUILT_IN.top1 },
      { states: given, value: right / 40 },
      await prepared(weights),
    );
  };

  it('is named where the model answers badly', async () => {
    expect(await found([0, 0, 0, 0], 25)).toMatchObject([
      { code: 'float-accuracy-implausible', configPath: ['model'], data: { layers: ['first'] } },
    ]);
    expect(await found([0, 0, 0, 0.1], 25)).toEqual([]);
  });
  it('is no concern where it answers well', async () => expect(await found([0, 0, 0, 0], 36)).toEqual([]));
});

describe('images that fit the model better in another form', () => {
  type Fit = Parameters<typeof fitProblems>;
  const top1 = topK('top1', 1);
  const task = { type: null, output: null } as never;
  /** Answers with the place of the lightest of the four pixels. */
  const answer = ({ data }: HostTensor) => ({
    y: { type: 'float32', dims: [1, 4], data: Float32Array.from(data as Float32Array) } as HostTensor,
  });
  /** How many images went through the float model. */
  let inferences = 0;
  const found = async (
    pixels: (label: number) => readonly number[],
    dims: readonly number[] = [1, 1, 2, 2],
  ) => {
    const samples = Array.from({ length: 40 }, (_, i) => ({
      ...{ name: `${i}`, label: i % 4 },
      feeds: { x: { type: 'float32' as const, dims, data: Float32Array.from(pixels(i % 4)) } },
    }));
    const source = { count: 40, get: (index: number) => Promise.resolve(samples[index]!) };
    const context = (index: number) => ({ name: `${index}`, feeds: {}, image: null, task });
    const given = samples.map(({ feeds, label }, i) =>
      top1.accumulate(answer(feeds.x), label, null, context(i)),
    );
    const workers = {
      open: () =>
        Promise.resolve({
          async *run(some: AsyncIterable<{ feeds: { x: HostTensor } }>) {
            for await (const sample of some) {
              inferences++;
              yield [sample, answer(sample.feeds.x)];
            }
          },
          release: () => Promise.resolve(),
        }),
    };
    const problems = await fitProblems(
      { source, metric: top1 } as unknown as Fit[0],
      { states: given, batch: 1, task } as unknown as Fit[1],
      { model: { graph: { output: [value('y', [1, 4])] } }, dir: '.' } as unknown as Fit[2],
      workers as unknown as Fit[3],
    );
    return problems.map(({ message }) => message);
  };

  const at = (label: number, light: number, dark: number) =>
    [0, 1, 2, 3].map((i) => (i === label ? light : dark));
  const TRANSPOSED = [0, 2, 1, 3];
  it('are found as negatives', async () => {
    expect(await found((label) => at(label, 0, 1))).toEqual([
      expect.stringMatching(/inverted brightness.*negative/),
    ]);
  });
  it('are found lying on their side', async () => {
    // Half of the places stay where they are.
    expect(await found((label) => at(TRANSPOSED[label]!, 1, 0))).toEqual([
      expect.stringMatching(/rows and columns .* swapped/),
    ]);
  });
  it('are found upside down, where most answers are wrong', async () => {
    // Rows exchanged: 0 and 2, 1 and 3.
    expect(await found((label) => at((label + 2) % 4, 1, 0))).toEqual([
      expect.stringMatching(/images upside down/),
    ]);
  });
  it('are found turned by half a circle', async () => {
    expect(await found((label) => at(3 - label, 1, 0))).toEqual([expect.stringMatching(/180 degrees/)]);
  });
  it('are left alone where they fit, and where they are no images', async () => {
    expect(await found((label) => at(label, 1, 0))).toEqual([]);
    expect(await found((label) => at(label, 0, 1), [1, 4])).toEqual([]);
  });
  it('cost no inference where too few answers are wrong to tell', async () => {
    inferences = 0;
    expect(await found((label) => at(label, 1, 0))).toEqual([]);
    expect(inferences).toBe(0);
  });
  it('are looked at where the answers are wrong, and no further where these stay wrong', async () => {
    inferences = 0;
    // A grey image has no lightest pixel in any form: the ten of label 2 are wrong, four of them among the first 24 samples.
    expect(await found((label) => (label === 2 ? [1, 1, 1, 1] : at(label, 1, 0)))).toEqual([]);
    // As negatives and with rows and columns swapped.
    expect(inferences).toBe(2 * 4);
  });
});
