import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createListMemory } from '../src/rules/listMemory.js';

const texts = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 12 });

it('gives the same for a list that has changed as for one that nobody has seen before', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('names', 'types'), texts), { maxLength: 20 }),
      (versions) => {
        const known = new Set(['a', 'c']);
        const memory = createListMemory();
        for (const [list, current] of versions) {
          const strange = [...current.keys()].filter((place) => !known.has(current[place] ?? ''));
          expect(memory.strangers(list, current, known)).toEqual(strange);
          expect(memory.hasDouble(list, current)).toBe(new Set(current).size < current.length);
        }
      },
    ),
  );
});

it('judges anew what another model knows', () => {
  const memory = createListMemory();
  expect(memory.strangers('names', ['a', 'b'], new Set(['a']))).toEqual([1]);
  expect(memory.strangers('names', ['a', 'b'], new Set(['b']))).toEqual([0]);
});

it('compares a text with the same words once', () => {
  const memory = createListMemory();
  let comparisons = 0;
  const wordsOf = (...written: string[]) => ({
    written,
    get plain() {
      comparisons++;
      return written;
    },
  });

  const words = wordsOf('conv', 'gemm');
  expect(memory.nearest('names', 'comv', words)).toEqual(['conv']);
  const once = comparisons;
  expect(memory.nearest('names', 'comv', words)).toEqual(['conv']);
  expect(comparisons).toBe(once);
  expect(memory.nearest('names', 'gem', words)).toEqual(['gemm']);
  expect(memory.nearest('names', 'comv', wordsOf('com'))).toEqual(['com']);
});
