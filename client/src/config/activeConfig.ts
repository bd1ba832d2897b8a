import * as vscode from 'vscode';

export const CONFIG_LANGUAGES: ReadonlySet<string> = new Set(['quant-yaml', 'quant-json']);

/** The config in the active editor, or undefined after telling the user that there is none. */
export function activeConfig(): vscode.TextDocument | undefined {
  const visible = configInView();
  if (visible !== undefined) return visible;
  void vscode.window.showInformationMessage(
    vscode.l10n.t('Open a quantization config (*.quant.yaml or *.quant.json) first.'),
  );

  return undefined;
}

/** The config in the active editor, else one that is visible. */
export function configInView(): vscode.TextDocument | undefined {
  const active = vscode.window.activeTextEditor?.document;
  if (active !== undefined && isConfig(active)) return active;
  return vscode.window.visibleTextEditors.find(({ document }) => isConfig(document))?.document;
}

const isConfig = (document: vscode.TextDocument) => CONFIG_LANGUAGES.has(document.languageId);

/** Saves a config where it has changes, and gives the file it is saved in; undefined: it was not saved. */
export async function savedConfig(config?: vscode.Uri): Promise<vscode.Uri | undefined> {
  const document = config === undefined ? activeConfig() : await vscode.workspace.openTextDocument(config);
  if (document === undefined) return undefined;
  if (!document.isDirty && !document.isUntitled) return document.uri;
  // Saving an editor that has no file yet closes it: what is saved goes by another address.
  return vscode.workspace.save(document.uri);
}
