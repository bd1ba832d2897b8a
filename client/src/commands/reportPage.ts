import {
  reportHtml,
  reportMarkdown,
  SARIF_LEVELS,
  sarifLog,
  sarifRuleId,
  type PageMessage,
  type SarifResult,
} from '@quantsmith/report';
import {
  type QuantizationReport,
  reportedRemedy,
  TOOL,
  withAbsolutePaths,
  reasonOf,
} from '@quantsmith/schemas';
import * as vscode from 'vscode';
import { configOf, readReport } from '../report/files.js';
import { nameOf } from '../runs/run.js';
import type { Server } from '../server/server.js';
import { applyServerEdits, rangeOf, type TextRange } from './setValue.js';

/** What a message needs. */
interface Asked {
  readonly server: Server;
  readonly file: vscode.Uri;
  readonly report: QuantizationReport;
  readonly config: vscode.Uri;
}

/** Does what the page of a report asks for. Its numbers are places in the report; what is not there is left alone. */
export async function answerPage(server: Server, file: vscode.Uri, message: PageMessage): Promise<void> {
  const report = await readReport(file);
  if (report === null) return;
  const asked: Asked = { server, file, report, config: configOf(file, report) };
  try {
    await answer(asked, message);
  } catch (error) {
    void vscode.window.showErrorMessage(reasonOf(error));
  }
}

async function answer(asked: Asked, message: PageMessage): Promise<void> {
  const { server, report, config } = asked;
  switch (message.type) {
    case 'config':
      return onLayer(report, message.layer, (layer) => showPlace(server, config, { layer }));
    case 'model':
      return onLayer(report, message.layer, (layer) => showInModel(asked, layer));
    case 'change':
      return onLayer(report, message.layer, (layer) =>
        vscode.commands.executeCommand('quantsmith.changeLayer', config.toString(), layer, message.change),
      );
    case 'state':
      return takeState(asked, message.step);
    case 'remedy':
      return takeRemedy(asked, message.remedy);
    case 'warning': {
      const path = report.warnings[message.warning]?.config_path;
      return path === undefined ? undefined : showPlace(server, config, { path });
    }

    case 'export':
      return save(asked, await exported(asked, message.format), EXTENSIONS[message.format]);
    case 'picture':
      return save(asked, Buffer.from(message.png, 'base64'), '.png');
  }
}

async function onLayer(
  { layers }: QuantizationReport,
  index: number,
  body: (name: string) => PromiseLike<unknown>,
): Promise<void> {
  const layer = layers[index];
  if (layer !== undefined) await body(layer.name);
}

/** Shows the line of a config that names a layer, or has a path of keys. */
async function showPlace(server: Server, config: vscode.Uri, target: object): Promise<void> {
  const document = await vscode.workspace.openTextDocument(config);
  const place = await server.execute('quantsmith.server.locate', [config.toString(), target]);
  const range = rangeOf(place as TextRange);
  const editor = await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.One });
  editor.selection = new vscode.Selection(range.start, range.end);
  editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

async function showInModel({ report, file }: Asked, layer: string): Promise<void> {
  const model = vscode.Uri.file(withAbsolutePaths(report, file.fsPath).model.path);
  await vscode.commands.executeCommand('quantsmith.revealInModel', model.toString(), layer);
}

/** Writes what a step of restoration had in float into the config, with the settings that were kept before it. */
async function takeState({ server, config, report: { restoration } }: Asked, index: number): Promise<void> {
  const step = restoration?.steps[index];
  if (restoration === null || step === undefined) return;
  const inStep = new Set(step.reverted);
  const others = new Set(restoration.steps.flatMap(({ reverted }) => reverted));
  const kept = (restoration.remedies ?? []).filter((remedy) => remedy.kept);
  await applyServerEdits(server, config, 'quantsmith.server.takeState', [
    {
      float: step.reverted,
      integer: [...others].filter((name) => !inStep.has(name)),
      settings: kept.flatMap(({ setting, value }) => reportedRemedy(setting, value) ?? []),
    },
  ]);
}

async function takeRemedy({ server, config, report }: Asked, index: number): Promise<void> {
  const remedy = report.restoration?.remedies?.[index];
  const setting = remedy === undefined ? undefined : reportedRemedy(remedy.setting, remedy.value);
  if (setting === undefined) return;
  const state = { float: [], integer: [], settings: [setting] };
  await applyServerEdits(server, config, 'quantsmith.server.takeState', [state]);
}

const EXTENSIONS = { html: '.html', markdown: '.md', sarif: '.sarif' } as const;

async function exported(asked: Asked, format: keyof typeof EXTENSIONS): Promise<string> {
  switch (format) {
    case 'html':
      return reportHtml(asked.report);
    case 'markdown':
      return reportMarkdown(asked.report);
    case 'sarif':
      return `${JSON.stringify(await sarif(asked), null, 2)}\n`;
  }
}

interface Finding {
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'info' | 'hint';
  readonly message: string;
  readonly range: SarifResult['range'];
  readonly data?: { readonly warning?: unknown };
}

/** The findings of the report on the lines of its config, relative to the workspace folder. */
async function sarif({ server, file, config }: Asked): Promise<object> {
  const { findings } = (await server.execute('quantsmith.server.reportFindings', [file.toString()])) as {
    readonly findings: readonly Finding[];
  };

  const folder = vscode.workspace.getWorkspaceFolder(config)?.uri ?? vscode.Uri.joinPath(config, '..');
  const results = findings.map(({ code, severity, message, range, data }) => ({
    ruleId: sarifRuleId(code, data?.warning),
    level: SARIF_LEVELS[severity],
    message,
    uri: config.toString(),
    range,
  }));

  return sarifLog(TOOL.version, `${folder.toString()}/`, results);
}

/** Asks where, proposes a name beside the report, and writes. */
async function save({ file }: Asked, content: string | Uint8Array, extension: string): Promise<void> {
  const name = nameOf(file).replace(/\.json$/, '');
  const target = await vscode.window.showSaveDialog({
    defaultUri: vscode.Uri.joinPath(file, '..', `${name}${extension}`),
  });

  if (target === undefined) return;
  await vscode.workspace.fs.writeFile(
    target,
    typeof content === 'string' ? new TextEncoder().encode(content) : content,
  );
}
