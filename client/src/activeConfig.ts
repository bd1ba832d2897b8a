import * as vscode from 'vscode';

const LANGUAGES = new Set(['quant-yaml', 'quant-json']);

/** The config in the active editor, or undefined after telling the user that there is none. */
export function activeConfig(): vscode.TextDocument | undefined {
  const document = vscode.window.activeTextEditor?.document ?? lastConfig();
  if (document !== undefined && LANGUAGES.has(document.languageId)) return document;
  const other = lastConfig();
  if (other !== undefined) return other;
  void vscode.window.showInformationMessage(
    'Open a quantization config (*.quant.yaml or *.quant.json) first.',
  );
  return undefined;
}

/** A config in a visible editor beside, say, the report panel. */
function lastConfig(): vscode.TextDocument | undefined {
  return vscode.window.visibleTextEditors.find((editor) => LANGUAGES.has(editor.document.languageId))
    ?.document;
}
