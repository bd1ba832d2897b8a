import { isConfig } from '@quantsmith/schemas';
import type { ConfigDocument } from '../document/document.js';
import { effectiveValue, NOTHING_INHERITED, type Inherited } from '../extends/inherit.js';
import { once } from '../facts/once.js';
import type { Meaning } from './context.js';

/** What a document says, found out when it is asked for: it takes all of the text, and a question about one key needs none of it. */
export function meaningOf(document: ConfigDocument, inherited: Inherited = NOTHING_INHERITED): Meaning {
  const value = once(() => effectiveValue(document, inherited));
  const config = once(() => {
    const written = value();
    return isConfig(written) ? written : null;
  });

  return {
    document,
    get value() {
      return value();
    },
    get config() {
      return config();
    },
  };
}
