import { type ConfigPath, reasonOf } from '@quantsmith/schemas';
import * as vscode from 'vscode';
import { type LanguageClient, ExecuteCommandRequest } from 'vscode-languageclient/node';

interface TextEdit {
  readonly range: TextRange;
  readonly newText: string;
}

export interface TextRange {
  readonly start: Position;
  readonly end: Position;
}

interface Position {
  readonly line: number;
  readonly character: number;
}

/** Sets the value at a path of a config: the server knows how to write it, the editor can undo it. */
export async function setValue(
  client: LanguageClient,
  config: vscode.Uri,
  path: ConfigPath,
  value: string | number | boolean,
): Promise<void> {
  await applyServerEdits(client, config, 'quantsmith.server.setValue', [path, value]);
}

/**
 * Shows a config and applies the edits that a command of the server gives for it. Returns how many there were; null: the
 * server refused, and the user was told.
 */
export async function applyServerEdits(
  client: LanguageClient,
  config: vscode.Uri,
  command: string,
  args: readonly unknown[],
): Promise<number | null> {
  try {
    const document = await vscode.workspace.openTextDocument(config);
    await vscode.window.showTextDocument(document, vscode.ViewColumn.One);
    const params = { command, arguments: [config.toString(), ...args] };
    const edits = (await client.sendRequest(ExecuteCommandRequest.type, params)) as readonly TextEdit[];
    const edit = new vscode.WorkspaceEdit();
    for (const { range, newText } of edits) edit.replace(config, rangeOf(range), newText);
    await vscode.workspace.applyEdit(edit);
    return edits.length;
  } catch (error) {
    void vscode.window.showErrorMessage(
      vscode.l10n.t('The setting could not be written: {0}', reasonOf(error)),
    );
    return null;
  }
}

export const rangeOf = ({ start, end }: TextRange) =>
  new vscode.Range(start.line, start.character, end.line, end.character);
