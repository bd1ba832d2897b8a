import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { ExecuteCommandRequest } from 'vscode-languageclient/node';
import { openUnsaved } from '../unsaved.js';

/** Makes a config for a model of the workspace and opens it, unsaved, beside the model. */
export async function newConfig(client: LanguageClient, chosen?: vscode.Uri): Promise<void> {
  const model = chosen ?? (await pickModel());
  if (model === undefined) return;
  const params = { command: 'quantsmith.server.init', arguments: [model.toString()] };
  try {
    const { text } = (await client.sendRequest(ExecuteCommandRequest.type, params)) as { text: string };
    const target = model.with({ path: model.path.replace(/\.onnx$/i, '') + '.quant.yaml' });
    await openUnsaved(target, text);
  } catch (error) {
    void vscode.window.showErrorMessage(
      `No config could be made: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

async function pickModel(): Promise<vscode.Uri | undefined> {
  const models = await vscode.workspace.findFiles('**/*.onnx', '**/node_modules/**', 500);
  if (models.length === 0) {
    void vscode.window.showInformationMessage('There is no ONNX model in this workspace.');
    return undefined;
  }
  const items = models.map((uri) => ({ label: vscode.workspace.asRelativePath(uri), uri }));
  return (await vscode.window.showQuickPick(items, { placeHolder: 'The model to quantize' }))?.uri;
}
