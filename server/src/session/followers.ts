import { extendsOf } from '@quantsmith/service';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Log } from '../client/log.js';
import type { Contexts } from './contexts.js';
import { fileOf, type OpenTexts } from './openTexts.js';
import type { Refresh } from './refresh.js';

/** Checks other open files again when one changes: those that extend it, and those that it extends. */
export interface Followers {
  readonly changed: (text: TextDocument) => void;
  readonly closed: (uri: string) => void;
}

export function createFollowers(
  { texts, parse, isConfig }: OpenTexts,
  contexts: Contexts,
  refresh: Refresh,
  log: Log,
): Followers {
  const inBackground = (work: Promise<void>) => void work.catch((error: unknown) => log('error', error));

  /** Configs that extend the file of this one are checked again: its text counts before it is saved. */
  const checkExtending = async (uri: string) => {
    const file = fileOf(uri);
    const followers = file === null ? [] : await contexts.extending(file);
    const others = followers.filter((follower) => follower !== uri);
    for (const other of others) contexts.forget(other);
    refresh.diagnostics(others.flatMap((other) => texts.get(other) ?? []));
  };

  /** Open files that are judged as bases, by the config that extends them. */
  const bases = new Map<string, string>();
  const checkBases = async (text: TextDocument) => {
    if (!isConfig(text)) return;
    const document = parse(text);
    const known = extendsOf(document.tree) === null ? null : (await contexts.around(document)).inherited;
    const open = (known?.layers ?? []).flatMap(
      ({ file }) => texts.all().find(({ uri }) => fileOf(uri) === file) ?? [],
    );

    const uris = open.map(({ uri }) => uri).join('\n');
    if ((bases.get(text.uri) ?? '') === uris) return;
    bases.set(text.uri, uris);
    refresh.diagnostics(open);
  };

  return {
    changed(text) {
      inBackground(checkExtending(text.uri));
      inBackground(checkBases(text));
    },
    closed(uri) {
      const formerBases = bases.get(uri)?.split('\n') ?? [];
      bases.delete(uri);
      refresh.diagnostics(formerBases.flatMap((base) => texts.get(base) ?? []));
      inBackground(checkExtending(uri));
    },
  };
}
