import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PageHost } from '@quantsmith/report';
import type * as vscode from 'vscode';

type State = PageHost['state'];

/** What pages are made from, by their titles, for windows that are closed before VS Code has kept what a page leaves with it. */
export interface PageStates {
  readonly keep: (title: string, state: State) => void;
  readonly of: (title: string) => State | undefined;
}

/** The latest so many; older ones VS Code has kept. */
const MAX_KEPT = 20;

/** A memory in a file of a folder. */
export function createPageStates(folder: vscode.Uri): PageStates {
  const file = join(folder.fsPath, 'pages.json');
  const read = (): readonly (readonly [string, State])[] => {
    try {
      const kept: unknown = JSON.parse(readFileSync(file, 'utf8'));
      return Array.isArray(kept) ? (kept as [string, State][]) : [];
    } catch {
      return [];
    }
  };

  return {
    keep(title, state) {
      const others = read().filter(([other]) => other !== title);
      mkdirSync(folder.fsPath, { recursive: true });
      writeFileSync(file, JSON.stringify([...others, [title, state]].slice(-MAX_KEPT)));
    },
    of: (title) => read().find(([other]) => other === title)?.[1],
  };
}
