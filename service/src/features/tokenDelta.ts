import type { SemanticTokens, SemanticTokensDelta } from 'vscode-languageserver-types';
import type { ConfigDocument } from '../document/document.js';
import { semanticTokens } from './semanticTokens.js';

/** The tokens that each open document was last given, by which the next ones are told as a change. */
export interface TokenCache {
  readonly full: (document: ConfigDocument) => SemanticTokens;
  /** All tokens where the client has others than those that were given last. */
  readonly delta: (document: ConfigDocument, previous: string) => SemanticTokens | SemanticTokensDelta;
  readonly forget: (uri: string) => void;
}

export function createTokenCache(): TokenCache {
  const given = new Map<string, { resultId: string; data: readonly number[] }>();
  let count = 0;
  const give = (uri: string, data: number[]) => {
    const resultId = String(++count);
    given.set(uri, { resultId, data });
    return resultId;
  };

  const full = (document: ConfigDocument) => {
    const { data } = semanticTokens(document, null);
    return { resultId: give(document.text.uri, data), data };
  };

  return {
    full,
    delta(document, previous) {
      const known = given.get(document.text.uri);
      if (known?.resultId !== previous) return full(document);
      const { data } = semanticTokens(document, null);
      return { resultId: give(document.text.uri, data), edits: editsBetween(known.data, data) };
    },
    forget: (uri) => void given.delete(uri),
  };
}

/** One edit for everything between the first and the last difference. */
function editsBetween(before: readonly number[], after: readonly number[]): SemanticTokensDelta['edits'] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  if (start === before.length && start === after.length) return [];
  const max = Math.min(before.length, after.length) - start;
  let tail = 0;
  while (tail < max && before.at(-1 - tail) === after.at(-1 - tail)) tail++;

  return [
    {
      start,
      deleteCount: before.length - tail - start,
      data: after.slice(start, after.length - tail),
    },
  ];
}
