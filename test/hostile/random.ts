import { seededRandom } from '@quantsmith/schemas';

/** Numbers that follow from a seed alone, so that a case found can be run again. */
export interface Random {
  /** From 0 up to, not including, `limit`. */
  readonly below: (limit: number) => number;
  readonly pick: <T>(items: readonly T[]) => T;
  readonly chance: (probability: number) => boolean;
  readonly bytes: (length: number) => Uint8Array;
}

export function randomOf(seed: number): Random {
  const next = seededRandom(seed);
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    below,
    pick: (items) => items[below(items.length)]!,
    chance: (probability) => next() < probability,
    bytes: (length) => Uint8Array.from({ length }, () => below(256)),
  };
}
