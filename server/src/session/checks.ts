import {
  createListMemory,
  findInSteps,
  type ConfigContext,
  type ConfigDocument,
  type Found,
  type ListMemory,
} from '@quantsmith/service';
import type { Turns } from './turns.js';

/** The findings of open configs, made once for each version of a text and of what is known beside it. */
export interface Checks {
  /** null: the text has changed meanwhile. */
  readonly of: (document: ConfigDocument, context: ConfigContext) => Promise<Found | null>;
  readonly forget: (uri: string) => void;
}

interface Kept {
  readonly document: ConfigDocument;
  readonly context: ConfigContext;
  readonly found: Promise<Found | null>;
  readonly lists: ListMemory;
}

export function createChecks({ finish }: Turns): Checks {
  const known = new Map<string, Kept>();
  return {
    of(document, context) {
      const { uri, version } = document.text;
      const earlier = known.get(uri);
      if (earlier?.document === document && isSame(earlier.context, context)) return earlier.found;

      const lists = earlier?.lists ?? createListMemory();
      const findings = finish(findInSteps(document, context, lists), () => document.text.version !== version);
      known.set(uri, { document, context, found: findings, lists });

      return findings;
    },
    forget: (uri) => void known.delete(uri),
  };
}

/** Whether two contexts hold the same things; one is made of the other where settings of the client are added. */
function isSame(left: ConfigContext, right: ConfigContext): boolean {
  const keys = Object.keys(left) as (keyof ConfigContext)[];
  return keys.length === Object.keys(right).length && keys.every((key) => left[key] === right[key]);
}
