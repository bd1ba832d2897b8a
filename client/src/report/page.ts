import * as vscode from 'vscode';

/** A page that a command makes: a comparison, a chart, a list of layers. */
interface Page {
  readonly view: string;
  readonly title: string;
  readonly html: string;
  /** The commands that its links may run. */
  readonly commands?: readonly string[];
}

/** Shows a page beside the editors; nothing of it is a file, so nothing asks to be saved. */
export function showPage({ view, title, html, commands = [] }: Page): void {
  const panel = vscode.window.createWebviewPanel(
    view,
    title,
    { viewColumn: vscode.ViewColumn.Active },
    // No script runs: the page's own policy allows none. Where they are off altogether, what checks accessibility cannot look in.
    { enableScripts: true, enableCommandUris: commands, enableFindWidget: true, localResourceRoots: [] },
  );

  panel.webview.html = html;
}
