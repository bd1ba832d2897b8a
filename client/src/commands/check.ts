import * as vscode from 'vscode';
import { activeConfig } from '../config/activeConfig.js';

/** Says how many problems a config, or the one in the active editor, has, and shows them. */
export async function checkConfig(given?: vscode.Uri): Promise<number | undefined> {
  const document = given === undefined ? activeConfig() : await vscode.workspace.openTextDocument(given);
  if (document === undefined) return undefined;
  const diagnostics = vscode.languages
    .getDiagnostics(document.uri)
    .filter((diagnostic) => diagnostic.severity <= vscode.DiagnosticSeverity.Warning);

  if (diagnostics.length === 0)
    void vscode.window.showInformationMessage(vscode.l10n.t('Quantsmith found no problems in this config.'));
  else await vscode.commands.executeCommand('workbench.actions.view.problems');

  return diagnostics.length;
}
