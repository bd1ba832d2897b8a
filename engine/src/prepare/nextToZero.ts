/** The smallest normal float32: zero for every purpose, but not for an optimizer that looks for zeros. */
export const NEXT_TO_ZERO = 2 ** -126;
