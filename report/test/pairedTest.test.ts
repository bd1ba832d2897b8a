import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compare, comparisonHtml, comparisonMarkdown, runsHtml, subjectOfReport } from '../src/index.js';
import { mcnemar } from '../src/pairedTest.js';
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
    expect(pageText(runsHtml(listed, []))).toContain('The configs ask for the same.');
    expect(pageText(runsHtml(listed))).not.toContain('Settings');
  });
});
