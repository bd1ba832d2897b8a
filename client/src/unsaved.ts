import * as vscode from 'vscode';

/** An unsaved editor whose name is the target, so that saving puts it there. An existing file is opened as it is. */
export async function openUnsaved(target: vscode.Uri, text: string): Promise<void> {
  const exists = await vscode.workspace.fs.stat(target).then(
    () => true,
    () => false,
  );
  const document = await vscode.workspace.openTextDocument(
    exists ? target : target.with({ scheme: 'untitled' }),
  );
  const editor = await vscode.window.showTextDocument(document);
  if (!exists) await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), text));
}
