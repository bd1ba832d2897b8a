import { type ConfigPath, reasonOf } from '@quantsmith/schemas';
import * as vscode from 'vscode';
import type { Server } from '../server/server.js';

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
  server: Server,
  config: vscode.Uri,
  path: ConfigPath,
  value: string | number | boolean,
): Promise<void> {
  await applyServerEdits(server, config, 'quantsmith.server.setValue', [path, value]);
}

/**
 * Shows a config and applies the edits that a command of the server gives for it. Returns how many there were; null: the
 * server refused, and the user was told.
 */
export async function applyServerEdits(
  server: Server,
  config: vscode.Uri,
  command: string,
  args: readonly unknown[],
): Promise<number | null> {
  try {
    const document = await vscode.workspace.openTextDocument(config);
    const editor = await vscode.window.showTextDocument(document, vscode.ViewColumn.One);
    for (;;) {
      const { version } = document;
      const edits = (await server.execute(command, [config.toString(), ...args])) as readonly TextEdit[];
      const [first] = edits;
      if (first === undefined) return 0;
      const edit = new vscode.WorkspaceEdit();
      for (const { range, newText } of edits) edit.replace(config, rangeOf(range), newText);
      const isCurrent = document.version === version;
      if (isCurrent && (await vscode.workspace.applyEdit(edit))) {
        editor.revealRange(rangeOf(first.range), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
        return edits.length;
      }

      // Another edit came first, a key or the same click again: these were for the text before it.
      if (isCurrent && document.version === version) throw new Error('The editor refused the edit.');
    }
  } catch (error) {
    void vscode.window.showErrorMessage(
      vscode.l10n.t('The setting could not be written: {0}', reasonOf(error)),
    );
    return null;
  }
}

export const rangeOf = ({ start, end }: TextRange) =>
  new vscode.Range(start.line, start.character, end.line, end.character);
