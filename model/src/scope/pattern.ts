import { RE2JS } from 're2js';

/** The compiled pattern (linear-time, RE2 syntax), or what is wrong with it. */
export function compilePattern(pattern: string): RE2JS | string {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
