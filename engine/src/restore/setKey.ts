/** What tells a set of operators from others, whatever their order. */
export const setKey = (operators: Iterable<string>): string => [...operators].sort().join('\u0000');
