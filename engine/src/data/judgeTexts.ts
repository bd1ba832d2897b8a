import { QuantsmithError, reasonOf } from '@quantsmith/schemas';
import { readTextRows } from './textRows.js';

/** What a run will say of a file of texts, and how many it holds. `name` is how messages call it. */
export function judgeTexts(
  content: string,
  name: string,
  classes: readonly string[] | null,
): { readonly count: number | null; readonly problem: string | null } {
  try {
    const rows = readTextRows(content, { path: name, classes, configPath: ['data'] });
    return { count: rows.length, problem: null };
  } catch (error) {
    if (!(error instanceof QuantsmithError)) throw error;
    return { count: null, problem: error.problem.message };
  }
}

/** Why a text cannot be a `tokenizer.json`, as the end of a sentence; null: it may be one. */
export function tokenizerProblem(content: string): string | null {
  let file: unknown;
  try {
    file = JSON.parse(content);
  } catch (error) {
    return reasonOf(error);
  }

  return typeof file === 'object' && file !== null && 'model' in file ? null : 'it has no "model"';
}
