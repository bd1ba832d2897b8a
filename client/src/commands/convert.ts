import { reasonOf } from '@quantsmith/schemas';
import * as vscode from 'vscode';
import { activeConfig } from '../config/activeConfig.js';
import type { Server } from '../server/server.js';

/** Opens the config of the active editor in the other notation, unsaved, beside its file. */
export async function convertConfig(server: Server): Promise<void> {
  const document = activeConfig();
  if (document === undefined) return;
  try {
    const { text, fileName } = (await server.execute('quantsmith.server.convert', [
      document.uri.toString(),
    ])) as {
      text: string;
      fileName: string;
    };

    await openUnsaved(vscode.Uri.joinPath(document.uri, '..', fileName), text);
  } catch (error) {
    void vscode.window.showErrorMessage(
      vscode.l10n.t('The config could not be converted: {0}', reasonOf(error)),
    );
  }
}

/** An unsaved editor whose name is the target, so that saving puts it there. An existing file is opened as it is. */
async function openUnsaved(target: vscode.Uri, text: string): Promise<void> {
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
