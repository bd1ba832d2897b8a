import * as vscode from 'vscode';

/** Opens a page of the bundled docs, rendered, at a heading. */
export async function openDocs(extension: vscode.Uri, page: unknown, anchor: unknown): Promise<void> {
  if (typeof page !== 'string' || !/^[\w-]+$/.test(page)) return;
  const file = vscode.Uri.joinPath(extension, 'docs', `${page}.md`);
  const fragment = typeof anchor === 'string' ? anchor : '';
  await vscode.commands.executeCommand('markdown.showPreview', file.with({ fragment }));
}

/** The address under which a link to a page of the docs opens it rendered; undefined: it is none of ours. */
export function docsCommand(extension: vscode.Uri, target: vscode.Uri): vscode.Uri | undefined {
  const docs = vscode.Uri.joinPath(extension, 'docs').path;
  const page = /^\/([\w-]+)\.md$/.exec(
    target.path.startsWith(docs) ? target.path.slice(docs.length) : '',
  )?.[1];

  if (page === undefined) return undefined;
  const query = JSON.stringify([page, target.fragment]);

  return vscode.Uri.from({ scheme: 'command', path: 'quantsmith.openDocs', query });
}
