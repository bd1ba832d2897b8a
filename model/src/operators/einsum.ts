/** The axes of a product of (stacks of) matrices, as the letters of an Einsum's equation. */
export interface EinsumProduct {
  readonly left: readonly string[];
  readonly right: readonly string[];
  readonly result: readonly string[];
  /** In both operands and the result: of the stack. */
  readonly batch: readonly string[];
  /** In the left operand and the result. */
  readonly rows: readonly string[];
  /** In both operands: summed over. */
  readonly summed: readonly string[];
  /** In the right operand and the result. */
  readonly columns: readonly string[];
}

/** Letters that stand for the axes of an ellipsis: no equation may use them. */
const ELLIPSIS = '0123456789';

/**
 * The product of two operands that an equation asks for; undefined: it is none (one operand or three, a diagonal, a sum over
 * one operand, nothing summed). `ranks`: of the operands, as far as they are known; without them an ellipsis counts as one axis.
 */
export function einsumProduct(
  equation: string,
  ranks: readonly (number | undefined)[] = [],
): EinsumProduct | undefined {
  const parts = /^([a-zA-Z.]+),([a-zA-Z.]+)(?:->([a-zA-Z.]*))?$/.exec(equation.replaceAll(/\s/g, ''));
  if (parts === null) return undefined;
  const [, left = '', right = '', stated] = parts;
  const operands = [left, right].map((letters, index) => axesOf(letters, ranks[index]));
  const [a, b] = operands;
  if (a === undefined || b === undefined) return undefined;
  const dotsOf = (axes: readonly string[]) => axes.filter((axis) => ELLIPSIS.includes(axis));
  const [leftDots, rightDots] = [dotsOf(a), dotsOf(b)];
  // Stacks of different ranks are aligned at their ends.
  if (leftDots.length > 0 && rightDots.length > 0 && leftDots.length !== rightDots.length) return undefined;
  const longest = leftDots.length > 0 ? leftDots : rightDots;
  const result = resultOf(stated, a, b, longest);
  if ([a, b, result].some((axes) => new Set(axes).size < axes.length)) return undefined;
  const product = {
    ...{ left: a, right: b, result },
    batch: a.filter((axis) => b.includes(axis) && result.includes(axis)),
    rows: a.filter((axis) => !b.includes(axis) && result.includes(axis)),
    summed: a.filter((axis) => b.includes(axis) && !result.includes(axis)),
    columns: b.filter((axis) => !a.includes(axis) && result.includes(axis)),
  };

  const { batch, rows, summed, columns } = product;
  const isWhole =
    a.length === batch.length + rows.length + summed.length &&
    b.length === batch.length + summed.length + columns.length &&
    result.length === batch.length + rows.length + columns.length;
  const isProduct = summed.length > 0 && rows.length > 0 && (columns.length > 0 || batch.length === 0);

  return isWhole && isProduct ? product : undefined;
}

/** The axes of an operand; those of an ellipsis as digits. undefined: dots that are no ellipsis, or more letters than axes. */
function axesOf(letters: string, rank: number | undefined): string[] | undefined {
  const named = letters.replace('...', '');
  if (named.includes('.')) return undefined;
  if (named === letters) return Array.from(letters);
  const more = (rank ?? named.length + 1) - named.length;
  if (more < 0 || more > ELLIPSIS.length) return undefined;

  return Array.from(letters.replace('...', ELLIPSIS.slice(0, more)));
}

/** Without `->` the result has the letters that come once, in alphabetical order. */
function resultOf(
  stated: string | undefined,
  left: readonly string[],
  right: readonly string[],
  dots: readonly string[],
): string[] {
  if (stated !== undefined) return Array.from(stated.replace('...', dots.join('')));
  const once = [...left, ...right].filter((axis) => !(left.includes(axis) && right.includes(axis)));
  return [...dots, ...once.filter((axis) => !dots.includes(axis)).sort()];
}
