const MASK = (bits: bigint) => (1n << bits) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

/** numpy's `default_rng(seed).random()`: PCG64 (XSL-RR) seeded through SeedSequence. Small seeds only. */
export function defaultRng(seed: number): () => number {
  const words = seedWords(seed);
  const quad = (i: number) => (BigInt(words[i + 1]!) << 32n) | BigInt(words[i]!);
  const increment = ((((quad(4) << 64n) | quad(6)) << 1n) | 1n) & MASK(128n);
  const step = (state: bigint) => (state * MULTIPLIER + increment) & MASK(128n);
  let state = step((step(0n) + ((quad(0) << 64n) | quad(2))) & MASK(128n));
  return () => {
    state = step(state);
    const folded = (state >> 64n) ^ (state & MASK(64n));
    const turn = state >> 122n;
    const bits = ((folded >> turn) | (folded << (64n - turn))) & MASK(64n);
    return Number(bits >> 11n) / 2 ** 53;
  };
}

/** SeedSequence: entropy mixed into a pool of four words, and eight words drawn from it. */
function seedWords(seed: number): number[] {
  let constant = 0x43b0d7e5;
  const fold = (value: number) => (value ^ (value >>> 16)) >>> 0;
  const hash = (value: number) => {
    const mixed = (value ^ constant) >>> 0;
    constant = Math.imul(constant, 0x931e8875) >>> 0;
    return fold(Math.imul(mixed, constant) >>> 0);
  };

  const pool = [seed, 0, 0, 0].map(hash);
  for (let source = 0; source < 4; source++) {
    for (let target = 0; target < 4; target++) {
      if (source === target) continue;
      const value = hash(pool[source]!);
      pool[target] = fold((Math.imul(0xca01f9dd, pool[target]!) - Math.imul(0x4973f715, value)) >>> 0);
    }
  }

  let out = 0x8b51f9dd;
  return Array.from({ length: 8 }, (_, i) => {
    const value = (pool[i % 4]! ^ out) >>> 0;
    out = Math.imul(out, 0x58f38ded) >>> 0;
    return fold(Math.imul(value, out) >>> 0);
  });
}
