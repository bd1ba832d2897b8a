// Spreading an array into a call puts each item on the stack, which overflows at about 100,000: names, sizes and keys come
// from files of anybody. ESLint holds to these.

/** Adds items to the end of an array, however many there are. */
export function append<T>(target: T[], items: Iterable<T>): void {
  for (const item of items) target.push(item);
}

/** The largest of some numbers, −∞ where there is none. */
export function largest(numbers: Iterable<number>): number {
  let maximum = Number.NEGATIVE_INFINITY;
  for (const number of numbers) if (number > maximum || Number.isNaN(number)) maximum = number;

  return maximum;
}

/** The smallest of some numbers, ∞ where there is none. */
export function smallest(numbers: Iterable<number>): number {
  let minimum = Number.POSITIVE_INFINITY;
  for (const number of numbers) if (number < minimum || Number.isNaN(number)) minimum = number;

  return minimum;
}
