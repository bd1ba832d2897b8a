import { reasonOf } from '@quantsmith/schemas';
import { RE2JS } from 're2js';

/** Syntax of other engines that takes more than linear time, and what to do instead, as the end of a sentence. */
const UNSUPPORTED: readonly (readonly [RegExp, string])[] = [
  [/\(\?[=!]/, 'look-aheads are not supported; list what is to match in several patterns, or by its names'],
  [/\(\?<[=!]/, 'look-behinds are not supported; list what is to match in several patterns, or by its names'],
  [
    /\\[1-9]|\(\?P=/,
    'references to groups are not supported; list what is to match in several patterns, or by its names',
  ],
  [
    /[*+?}]\+|\(\?>/,
    'possessive quantifiers and atomic groups are not supported; matching takes linear time without them',
  ],
];

/** Why a pattern of another engine cannot be matched here; null: its syntax is that of RE2, or no regular expression's. */
export const unsupportedSyntax = (pattern: string): string | null =>
  UNSUPPORTED.find(([syntax]) => syntax.test(pattern))?.[1] ?? null;

/** The compiled pattern (linear-time, RE2 syntax), or what is wrong with it. */
export function compilePattern(pattern: string): RE2JS | string {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    const message = reasonOf(error);
    return unsupportedSyntax(pattern) ?? message.replace(/^error parsing regexp: /, '');
  }
}
