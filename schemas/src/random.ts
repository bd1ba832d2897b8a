/**
 * Numbers in [0, 1) that follow from a seed: where something is drawn at random, every run draws the same. Source: mulberry32, with 32
 * bits of state; good enough for samples and tests, not for secrets.
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);

    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
