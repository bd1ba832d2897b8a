import { basename } from 'node:path';
import { SymbolKind, type Range, type SymbolInformation } from 'vscode-languageserver-types';
import { rangeOf, type ConfigDocument } from '../document/document.js';
import type { Entry } from '../document/tree.js';
import { mentionsOf } from '../knowledge/ignoredScope.js';

/** Symbols that are given at most. */
const MAX = 500;
/** Levels of keys that are worth looking for across files. */
const LEVELS = 2;

/** Configs, their sections and the layers that they name, across files; the letters of the query in order. */
export function workspaceSymbols(documents: readonly ConfigDocument[], query: string): SymbolInformation[] {
  const letters = query.toLowerCase().replace(/\s/g, '');
  const symbols: SymbolInformation[] = [];
  for (const document of documents) {
    const { uri } = document.text;
    const containerName = decodeURIComponent(basename(uri));
    const add = (name: string, kind: SymbolKind, range: Range) => {
      if (symbols.length < MAX && inOrder(letters, name.toLowerCase()))
        symbols.push({ name, kind, location: { uri, range }, containerName });
    };

    const start = { line: 0, character: 0 };
    add(containerName, SymbolKind.File, { start, end: start });
    const sections = (entries: readonly Entry[], level: number): void => {
      for (const entry of entries) {
        if (entry.key !== '') add(entry.key, SymbolKind.Property, rangeOf(document, entry));
        if (level < LEVELS && entry.value?.kind === 'mapping') sections(entry.value.entries, level + 1);
      }
    };

    if (document.tree.root?.kind === 'mapping') sections(document.tree.root.entries, 1);
    for (const { name, node } of mentionsOf(document))
      if (name !== '') add(name, SymbolKind.Function, rangeOf(document, node));
  }

  return symbols;
}

function inOrder(letters: string, name: string): boolean {
  let position = -1;
  return Array.from(letters).every((letter) => (position = name.indexOf(letter, position + 1)) !== -1);
}
