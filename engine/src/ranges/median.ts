/** The median; of an even number of values the mean of the middle two. NaN of none. */
export function median(values: ArrayLike<number>): number {
  const sorted = new Float64Array(values).sort();
  const middle = sorted.length >> 1;
  const [low = NaN, high = low] = sorted.subarray(Math.max(0, middle - 1), middle + 1);
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}
