import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compare, comparisonHtml, comparisonMarkdown, runsHtml, subjectOfReport } from '../src/index.js';
import { mcnemar, wilcoxon } from '../src/pairedTest.js';
import { sampleReport } from '../../test/kit/sampleReport.js';
import { pageText } from './page.js';

type Change = Parameters<typeof sampleReport>[0];

const run = (lost: readonly number[], gained: readonly number[], change: Change = {}) =>
  subjectOfReport(
    'a.report.json',
    sampleReport({
      answers: {
        ...{ changed: lost.length + gained.length, lost: lost.length, gained: gained.length },
        ...{ lost_samples: [...lost], gained_samples: [...gained], listed: [], classes: [] },
      },
      ...change,
    }),
  );

/** The definition: the share of all outcomes of fair coins that are at least so unequal. */
function byCounting(onlyA: number, onlyB: number): number {
  const count = onlyA + onlyB;
  let choose = 1n;
  let tail = 0n;
  for (let right = 0; right <= Math.min(onlyA, onlyB); right++) {
    tail += choose;
    choose = (choose * BigInt(count - right)) / BigInt(right + 1);
  }

  return Math.min(1, Number(2n * tail) / 2 ** count);
}

describe("McNemar's exact test", () => {
  it.each([
    // Of 17 coins at most 5 heads: 2 · 9402 / 2^17, counted by hand.
    [12, 5, 0.1434631],
    [10, 0, 0.0019531],
    [3, 3, 1],
    [0, 0, 1],
  ])('%i against %i: %f', (onlyA, onlyB, expected) => expect(mcnemar(onlyA, onlyB)).toBeCloseTo(expected, 6));

  it('is what counting gives, the same for both sides', () => {
    const count = fc.integer({ min: 0, max: 400 });
    fc.assert(
      fc.property(count, count, (onlyA, onlyB) => {
        const expected = byCounting(onlyA, onlyB);
        expect(mcnemar(onlyA, onlyB)).toBeCloseTo(expected, 9);
        expect(mcnemar(onlyB, onlyA)).toBe(mcnemar(onlyA, onlyB));
      }),
    );
  });

  it('holds for many samples, where single outcomes are too unlikely for a number', () => {
    expect(mcnemar(3000, 3000)).toBe(1);
    expect(mcnemar(4000, 2000)).toBeLessThan(1e-6);
  });
});

/** The definition: of all ways to give the ranks signs, the share with a sum at least as far from the middle. */
function bySigns(differences: readonly number[]): number {
  const signed = differences.filter((difference) => difference !== 0);
  const sizes = signed.map(Math.abs);
  const rank = (size: number) =>
    sizes.filter((other) => other < size).length + (sizes.filter((other) => other === size).length + 1) / 2;
  const ranks = sizes.map(rank);
  const middle = ranks.reduce((sum, value) => sum + value, 0) / 2;
  const distance = (isPositive: (index: number) => boolean) =>
    Math.abs(ranks.reduce((sum, value, index) => sum + (isPositive(index) ? value : 0), 0) - middle);
  const actual = distance((index) => signed[index]! > 0);
  const ways = Array.from({ length: 2 ** ranks.length }, (_, way) =>
    distance((index) => ((way >> index) & 1) === 1),
  );

  return ways.filter((other) => other >= actual).length / ways.length;
}

describe("Wilcoxon's signed-rank test", () => {
  it.each([
    // Six alike in sign: 2 of the 64 ways; one of ten against the others, the smallest: ranks sum to 0 or 1, 4 of 1024.
    [[1, 2, 3, 4, 5, 6], 0.03125],
    [[-1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.00390625],
    // Darwin's maize, heights of crossed less selfed plants in eighths of an inch (Fisher 1935): a sum of 24 of 120.
    [[49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48], 0.04126],
    [[3, -3], 1],
    [[0, 0], 1],
    [[], 1],
  ])('%j: %f', (differences, expected) => expect(wilcoxon(differences)).toBeCloseTo(expected, 6));

  it('is what counting gives, ties and zeros among them, the same for both sides', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -4, max: 4 }), { maxLength: 10 }), (differences) => {
        expect(wilcoxon(differences)).toBeCloseTo(bySigns(differences), 9);
        expect(wilcoxon(differences.map((difference) => -difference))).toBe(wilcoxon(differences));
      }),
    );
  });

  it('goes on by the normal distribution where there are many', () => {
    const all = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
    for (const positive of [3, 4, 5]) {
      const differences = all(120).map((rank) => (rank % 7 < positive ? rank : -rank));
      expect(wilcoxon(differences)).toBeCloseTo(byRankSums(differences), 2);
    }

    expect(wilcoxon(all(5000))).toBeLessThan(1e-12);
    expect(wilcoxon(all(5000).map(() => 1))).toBeLessThan(1e-12);
  });
});

/** The same of differences that are ranks themselves: ways to reach each sum, counted in whole numbers. */
function byRankSums(differences: readonly number[]): number {
  const ranks = differences.map(Math.abs);
  const total = ranks.reduce((sum, rank) => sum + rank, 0);
  const positive = differences.reduce((sum, value) => sum + Math.max(0, value), 0);
  const ways = new Array<bigint>(total + 1).fill(0n);
  ways[0] = 1n;
  for (const rank of ranks) for (let sum = total; sum >= rank; sum--) ways[sum]! += ways[sum - rank]!;
  const tail = ways
    .slice(0, Math.min(positive, total - positive) + 1)
    .reduce((sum, count) => sum + count, 0n);

  return Math.min(1, Number((2n * tail * 10n ** 9n) / 2n ** BigInt(ranks.length)) / 1e9);
}

describe('two runs on the same samples', () => {
  it('differ where one has lost or gained what the other has not', () => {
    const { paired_test: test } = compare(run([1, 2, 3], [7]), run([3, 4], [7, 8, 9]));
    // Only A is right: 4. Only B: 1, 2, which A has lost, and 8, 9, which B has gained.
    expect(test).toMatchObject({ only_a: 1, only_b: 4 });
  });

  it('are told apart in words', () => {
    const many = Array.from({ length: 10 }, (_, index) => index);
    expect(comparisonMarkdown(compare(run([], []), run(many, [])))).toContain(
      "10 are right only in A, 0 only in B: p = 0.002 (McNemar's exact test), more than chance explains",
    );
    expect(comparisonMarkdown(compare(run([1], []), run([2], [])))).toContain('no more than chance explains');
    expect(comparisonMarkdown(compare(run([1], [2]), run([1], [2])))).toContain('the two answer alike');
  });

  it('are told apart by the errors of their samples where a metric has no answers', () => {
    const measured = (errors: number[]) => {
      const metric = {
        ...sampleReport().metric!,
        name: 'mAP',
        samples: errors.length,
        sample_errors: errors,
      };
      return subjectOfReport('a.report.json', sampleReport({ metric, answers: null }));
    };

    const errors = Array.from({ length: 12 }, (_, index) => index / 100);
    const worse = measured(errors.map((error, index) => error + (index < 10 ? 0.1 + index / 1000 : 0)));
    const comparison = compare(measured(errors), worse);
    expect(comparison.paired_test).toMatchObject({ test: 'wilcoxon', only_a: 10, only_b: 0 });
    expect(comparisonMarkdown(comparison)).toContain(
      "10 have the smaller error in A, 0 in B: p = 0.002 (Wilcoxon's signed-rank test), more than chance explains",
    );
    expect(compare(worse, measured([0])).paired_test).toBeNull();
    expect(compare(worse, run([], [])).paired_test).toBeNull();
  });

  it('are tested against the best one where there are many', () => {
    const many = Array.from({ length: 10 }, (_, index) => index);
    const listed = [[], many, [1]].map((lost, index) => ({
      label: `run ${index}`,
      report: sampleReport({
        metric: { ...sampleReport().metric!, quantized: 0.98 - lost.length / 600 },
        answers: {
          ...{ changed: lost.length, lost: lost.length, gained: 0, listed: [], classes: [] },
          ...{ lost_samples: lost, gained_samples: [] },
        },
      }),
      href: null,
    }));
    expect(pageText(runsHtml(listed))).toMatch(/the best .*p = 1\.000 against the best.*p = 0\.002 against/s);
  });

  it('are not tested where they were measured on other data, from other models, or by versions that list no samples', () => {
    const other = { ...sampleReport().data, validation: { samples: 10, sha256: 'c'.repeat(64) } };
    const model = { path: '/other.onnx', sha256: 'b'.repeat(64) };
    for (const change of [{ data: other }, { model }, { answers: null }])
      expect(compare(run([1], []), run([2], [], change)).paired_test).toBeNull();
  });
});

describe('settings', () => {
  const settings = [{ setting: 'quantization.preset', values: ['"mixed"', null] }];

  it('come first on the page of two runs, and of many', () => {
    const two = pageText(comparisonHtml(compare(run([], []), run([], [])), settings));
    expect(two).toMatch(/Settings.*quantization\.preset.*mixed.*not set.*Side by side/s);
    const listed = ['x', 'y'].map((label) => ({ label, report: sampleReport(), href: null }));
    expect(pageText(runsHtml(listed, settings))).toMatch(/Settings.*quantization\.preset.*All runs/s);
    expect(pageText(runsHtml(listed, []))).toContain('The configs have the same settings.');
    expect(pageText(runsHtml(listed))).not.toContain('Settings');
  });
});
