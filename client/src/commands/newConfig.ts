import { reasonOf } from '@quantsmith/schemas';
import * as vscode from 'vscode';
import type { Server } from '../server/server.js';

const MAX_MODELS = 500;

/** What is known of the data when a config is made; paths are relative to the config. */
export interface InitOptions {
  readonly calibration?: DataSource;
  readonly validation?: DataSource;
  readonly max_drop?: number;
}

interface DataSource {
  readonly images?: string;
  readonly arrays?: string;
  readonly labels?: string;
  readonly classFolders?: boolean;
}

/** Writes a config for a model of the workspace beside the model, and opens it. One that is there is opened as it is. */
export async function newConfig(server: Server, chosen?: vscode.Uri): Promise<vscode.Uri | undefined> {
  const model = chosen ?? (await pickModel());
  if (model === undefined) return undefined;
  const config = configBeside(model);
  if (!(await exists(config))) return writeConfig(server, model, {});
  await vscode.window.showTextDocument(config);
  return config;
}

/** Writes a config beside a model and opens it; undefined: it could not be created, and the user was told. */
export async function writeConfig(
  server: Server,
  model: vscode.Uri,
  options: InitOptions,
): Promise<vscode.Uri | undefined> {
  const config = configBeside(model);
  try {
    // The preprocessings are tried on the float model, which takes up to a minute.
    const { text } = await vscode.window.withProgress(
      {
        location: vscode.ProgressLocation.Notification,
        title: vscode.l10n.t('Trying what fits {0}', vscode.workspace.asRelativePath(model)),
        cancellable: true,
      },
      async (_, token) =>
        (await server.execute('quantsmith.server.init', [model.toString(), options], token)) as {
          text: string;
        },
    );

    await vscode.workspace.fs.writeFile(config, new TextEncoder().encode(text));
    await vscode.window.showTextDocument(config);
    return config;
  } catch (error) {
    void vscode.window.showErrorMessage(
      vscode.l10n.t('The config could not be created: {0}', reasonOf(error)),
    );
    return undefined;
  }
}

export const configBeside = (model: vscode.Uri): vscode.Uri =>
  model.with({ path: `${model.path.replace(/\.onnx$/i, '')}.quant.yaml` });

export const exists = (file: vscode.Uri): Thenable<boolean> =>
  vscode.workspace.fs.stat(file).then(
    () => true,
    () => false,
  );

/** The model to quantize; int8 models that this tool wrote are left out. */
export async function pickModel(): Promise<vscode.Uri | undefined> {
  const files = await vscode.workspace.findFiles('**/*.onnx', '**/{node_modules,.quantsmith}/**', MAX_MODELS);
  const models = files.filter(({ path }) => !path.endsWith('.int8.onnx'));
  if (models.length === 0) return browseForModel();
  const items = models.map((uri) => ({ label: vscode.workspace.asRelativePath(uri), uri }));

  return (await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t('The model to quantize') }))
    ?.uri;
}

/** A model from elsewhere, where the workspace has none. */
async function browseForModel(): Promise<vscode.Uri | undefined> {
  const title = vscode.l10n.t('The model to quantize');
  const browse = vscode.l10n.t('Browse…');
  const message = vscode.l10n.t('There is no ONNX model in this workspace.');
  if ((await vscode.window.showInformationMessage(message, browse)) !== browse) return undefined;
  const [model] = (await vscode.window.showOpenDialog({ title, filters: { ONNX: ['onnx'] } })) ?? [];

  return model;
}
