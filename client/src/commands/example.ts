import { reasonOf } from '@quantsmith/schemas';
import * as vscode from 'vscode';

/** Copies the bundled example into a folder of the user's choice, and opens it there. */
export async function openExample(context: vscode.ExtensionContext): Promise<void> {
  const [parent] =
    (await vscode.window.showOpenDialog({
      title: vscode.l10n.t('Folder for the example'),
      openLabel: vscode.l10n.t('Copy Example Here'),
      canSelectFolders: true,
      canSelectFiles: false,
    })) ?? [];

  if (parent === undefined) return;
  const target = vscode.Uri.joinPath(parent, 'quantsmith-example');
  try {
    await vscode.workspace.fs.copy(vscode.Uri.joinPath(context.extensionUri, 'examples/digits'), target);
  } catch (error) {
    const isThere = error instanceof vscode.FileSystemError && error.code === 'FileExists';
    if (!isThere) {
      void vscode.window.showErrorMessage(
        vscode.l10n.t('The example could not be copied: {0}', reasonOf(error)),
      );
      return;
    }
  }

  await vscode.commands.executeCommand('vscode.openFolder', target, { forceNewWindow: true });
}
