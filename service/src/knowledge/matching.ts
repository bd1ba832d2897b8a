import { compilePattern } from '@quantsmith/model/scope';
import type { ModelNode, ModelSummary } from '@quantsmith/schemas';

/** Longer patterns are compiled by nobody who waits for an answer. */
const MAX_PATTERN_LENGTH = 1000;
/** Characters of names times branches of patterns that are worth one answer: some tenths of a second. */
const MAX_WORK = 20_000_000;

/** The nodes that a pattern matches; `problem`: it is no pattern; null: finding out would take too long. */
type Matched = { readonly nodes: readonly ModelNode[] } | { readonly problem: string } | null;

/** Matches the patterns of one answer against a model, within a bound for all of them together. */
export type Matcher = (pattern: string) => Matched;

/** Patterns match from the start of the name, as in the engine. */
export function createMatcher(model: Pick<ModelSummary, 'nodes'>): Matcher {
  let characters: number | null = null;
  let left = MAX_WORK;

  return (pattern) => {
    if (pattern.length > MAX_PATTERN_LENGTH) return null;
    const regex = compilePattern(pattern);
    if (typeof regex === 'string') return { problem: regex };
    characters ??= model.nodes.reduce((sum, { name }) => sum + name.length, 0);
    left -= characters * branchesOf(pattern);
    if (left < 0) return null;

    return { nodes: model.nodes.filter(({ name }) => regex.matcher(name).lookingAt()) };
  };
}

/** What is wrong with a pattern; null: nothing, or it is too long to find out. */
export function patternProblem(pattern: string): string | null {
  if (pattern.length > MAX_PATTERN_LENGTH) return null;
  const regex = compilePattern(pattern);
  return typeof regex === 'string' ? regex : null;
}

/** How many places of a pattern a linear-time engine may have to follow at once. */
const branchesOf = (pattern: string) => 1 + (pattern.match(/[*+?|{]/g)?.length ?? 0);
