import { randomUUID } from 'node:crypto';
import type { PageHost } from '@quantsmith/report';
import * as vscode from 'vscode';
import type { PageStates } from './pageStates.js';

/** A page that a command makes: a comparison, a chart, a list of layers. */
export interface Page {
  readonly view: string;
  readonly title: string;
  readonly html: (host?: PageHost) => string;
  /** The commands that its links may run. */
  readonly commands?: readonly string[];
  /** What it is made from, as JSON can hold it, so that a reloaded window can show it again; undefined: it cannot. */
  readonly state?: PageHost['state'];
}

/** Shows a page beside the editors; nothing of it is a file, so nothing asks to be saved. `states` keeps what it is made from. */
export function showPage(page: Page, states?: PageStates): void {
  if (page.state !== undefined) states?.keep(page.title, page.state);
  const panel = vscode.window.createWebviewPanel(
    page.view,
    page.title,
    { viewColumn: vscode.ViewColumn.Active },
    // Where scripts are off altogether, what checks accessibility cannot look in either; the page's policy lets none of others in.
    {
      enableScripts: true,
      enableCommandUris: page.commands ?? [],
      enableFindWidget: true,
      localResourceRoots: [],
    },
  );

  fill(panel, page);
}

function fill(panel: vscode.WebviewPanel, { title, html, state }: Page): void {
  panel.title = title;
  panel.webview.html = html(state === undefined ? undefined : { nonce: randomUUID(), state });
}

/** Has a reloaded window show the pages of a view again; `remake` makes one from its state, or null where it cannot be made. */
export const restorePages = (
  view: string,
  states: PageStates,
  remake: (state: unknown) => Promise<Page | null>,
): vscode.Disposable =>
  vscode.window.registerWebviewPanelSerializer(view, {
    async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown) {
      const page = await remake(state ?? states.of(panel.title));
      if (page === null) panel.dispose();
      else fill(panel, page);
    },
  });
