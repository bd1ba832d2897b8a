import {
  modelPageData,
  modelPageHtml,
  modelProblemHtml,
  type FromModelPage,
  type ToModelPage,
} from '@quantsmith/report';
import { reasonOf, type WeightCodes } from '@quantsmith/schemas';
import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { changeLayer } from '../commands/changeLayer.js';
import { nameOf } from '../runs/run.js';
import type { Server } from '../server/server.js';
import { loadModel, type LoadedModel } from './context.js';

export const MODEL_VIEW = 'quantsmith.model';

export interface ModelViews extends vscode.Disposable {
  /** Opens a model with one of its layers selected. */
  readonly reveal: (model: vscode.Uri, layer: string) => Promise<void>;
}

/** A model that is open: its page, and the layer to show once the page is there. */
interface View {
  readonly file: vscode.Uri;
  readonly panel: vscode.WebviewPanel;
  loaded: LoadedModel | null;
  wanted: string | null;
}

/** What pages of models need: the server, and where their scripts are. */
interface Parts {
  readonly server: Server;
  readonly pages: vscode.Uri;
}

/** The editor of .onnx files: it reads only. Its pages follow their models and the reports of runs. */
export function createModelViews(server: Server, extension: vscode.Uri): ModelViews {
  const parts = { server, pages: vscode.Uri.joinPath(extension, 'dist', 'pages') };
  const views = new Set<View>();
  /** Layers to show in models that are about to open, by the models' URIs. */
  const awaited = new Map<string, string>();
  const provider = vscode.window.registerCustomEditorProvider(
    MODEL_VIEW,
    {
      openCustomDocument: (uri: vscode.Uri) => ({ uri, dispose: () => undefined }),
      async resolveCustomEditor({ uri: file }: vscode.CustomDocument, panel: vscode.WebviewPanel) {
        const view: View = { file, panel, loaded: null, wanted: awaited.get(file.toString()) ?? null };
        awaited.delete(file.toString());
        views.add(view);
        panel.onDidDispose(() => views.delete(view));
        await start(parts, view);
      },
    },
    { supportsMultipleEditorsPerDocument: true },
  );

  return {
    async reveal(model, layer) {
      const open = [...views].find(({ file }) => file.toString() === model.toString());
      if (open === undefined) {
        awaited.set(model.toString(), layer);
        await vscode.commands.executeCommand('vscode.openWith', model, MODEL_VIEW);
        return;
      }

      // A page that is hidden is made anew when it comes to the front.
      if (!open.panel.visible) open.wanted = layer;
      open.panel.reveal();
      await open.panel.webview.postMessage({ type: 'reveal', layer } satisfies ToModelPage);
    },
    dispose: () => void provider.dispose(),
  };
}

/** Shows a model in its panel, and again whenever it or a report changes. */
async function start(parts: Parts, view: View): Promise<void> {
  const { file, panel } = view;
  panel.webview.options = { enableScripts: true, localResourceRoots: [parts.pages] };
  panel.webview.onDidReceiveMessage((message: FromModelPage) => receive(parts, view, message));
  const watcher = watch(file, () => void draw(parts, view));
  panel.onDidDispose(() => void watcher.dispose());
  await draw(parts, view);
}

async function draw({ server, pages }: Parts, view: View): Promise<void> {
  const { panel, file } = view;
  try {
    view.loaded = await loadModel(server, file);
    const { model, context } = view.loaded;
    panel.webview.html = modelPageHtml(model, context, {
      nonce: randomUUID(),
      module: {
        address: panel.webview.asWebviewUri(vscode.Uri.joinPath(pages, 'model.js')).toString(),
        source: panel.webview.cspSource,
      },
    });
  } catch (error) {
    panel.webview.html = modelProblemHtml(nameOf(file), reasonOf(error));
  }
}

async function receive({ server }: Parts, view: View, message: FromModelPage): Promise<void> {
  const post = (answer: ToModelPage) => view.panel.webview.postMessage(answer);
  const { loaded } = view;
  if (loaded === null) return;
  if (message.type === 'ready') {
    await post({ type: 'model', data: modelPageData(loaded.model, loaded.context, loaded.configs) });
    if (view.wanted !== null) await post({ type: 'reveal', layer: view.wanted });
    view.wanted = null;
  } else if (message.type === 'weights') {
    const { layer } = message;
    await post({ type: 'weights', layer, ...(await weightsOf(server, view, layer)) });
  } else await changeLayer(server, message.config, message.layer, message.change);
}

/** Follows a model and the reports of its workspace folder. */
function watch(file: vscode.Uri, changed: () => void): vscode.Disposable {
  const folder = vscode.Uri.joinPath(file, '..');
  const root = vscode.workspace.getWorkspaceFolder(file)?.uri ?? folder;
  const model = new vscode.RelativePattern(folder, nameOf(file).replaceAll(/[[\]{}*?]/g, '[$&]'));
  const reports = new vscode.RelativePattern(root, '**/*.report.json');
  const watchers = [model, reports].map((pattern) => vscode.workspace.createFileSystemWatcher(pattern));
  for (const watcher of watchers) {
    watcher.onDidChange(changed);
    watcher.onDidCreate(changed);
    watcher.onDidDelete(changed);
  }

  return vscode.Disposable.from(...watchers);
}

async function weightsOf(
  server: Server,
  { file, loaded }: View,
  layer: string,
): Promise<{ weights: WeightCodes | null; problem: string }> {
  const weight = loaded?.context.report?.layers.find(({ name }) => name === layer)?.weight ?? null;
  const grid =
    weight === null
      ? null
      : { bits: weight.bits, perChannel: weight.per_channel, halfRange: weight.half_range };
  // The values are those of the float model, where there is one: an int8 model has the codes alone.
  const model = loaded?.context.float === null ? file : vscode.Uri.file(loaded!.context.float.path);

  return server.execute('quantsmith.server.weights', [model.toString(), layer, grid]).then(
    (weights) => ({ weights: weights as WeightCodes, problem: '' }),
    (error: unknown) => ({ weights: null, problem: reasonOf(error) }),
  );
}
