import { extendsOf } from '@quantsmith/service';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { extendsFile, type Contexts } from './contexts.js';
import { fileOf, type OpenTexts } from './openTexts.js';

/** What an open text is: a config, a file that an open config extends, or nothing that concerns the server. */
export type Role = 'config' | 'base' | 'other';

export function createRoles(open: OpenTexts, contexts: Contexts): (text: TextDocument) => Promise<Role> {
  return async (text) => {
    const file = fileOf(text.uri);
    const extending = open.texts
      .all()
      .filter((other) => other !== text && open.isConfig(other))
      .map((other) => open.parse(other))
      .filter(({ tree }) => extendsOf(tree) !== null);

    const inherited = await Promise.all(
      extending.map(async (other) => (await contexts.around(other)).inherited),
    );
    if (file !== null && inherited.some((other) => extendsFile(other, file))) return 'base';

    return open.isConfig(text) ? 'config' : 'other';
  };
}
