/** Probability of at least `hits` of `count` where each has this probability: the upper tail of a binomial distribution. */
export function upperTail(hits: number, count: number, probability: number): number {
  if (hits <= 0 || probability >= 1) return 1;
  let logTerm = count * Math.log1p(-probability);
  const odds = Math.log(probability) - Math.log1p(-probability);
  let sum = 0;
  for (let k = 0; k <= count; k++) {
    if (k >= hits) sum += Math.exp(logTerm);
    logTerm += Math.log(count - k) - Math.log(k + 1) + odds;
  }

  return Math.min(1, sum);
}

/** Distribution function of the standard normal; |error| < 8e-8. Source: Abramowitz and Stegun, 26.2.17. */
export function normal(x: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const poly =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));

  const tail = Math.exp((-x * x) / 2) * 0.3989422804014327 * poly;
  return x >= 0 ? 1 - tail : tail;
}
