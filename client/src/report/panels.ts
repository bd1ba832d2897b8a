import { randomUUID } from 'node:crypto';
import { isPageMessage, reportHtml, SHOW_START, type PageMessage } from '@quantsmith/report';
import type { QuantizationReport } from '@quantsmith/schemas';
import * as vscode from 'vscode';
import { nameOf } from '../runs/run.js';
import { allReports, configOf, readReport, timeOf } from './files.js';

export const REPORT_VIEW = 'quantsmith.report';

/** The commands that links of the page may run. */
const LINKED = ['quantsmith.setOverflowFix', 'quantsmith.openDocs'];

/** Where the page starts: with the verdict, or with what each overflow_fix gives. */
export type ReportFocus = 'verdict' | 'overflow';

export interface ReportPanels extends vscode.Disposable {
  /** Shows a report file beside the editor; one that is open already comes to the front. */
  readonly open: (file: vscode.Uri, focus?: ReportFocus) => Promise<void>;
  /** The report of the panel that has the focus, or was last seen to have it. */
  readonly active: () => vscode.Uri | undefined;
}

/** What the page of a report file asks for. */
export type OnPageMessage = (file: vscode.Uri, message: PageMessage) => void;

interface Panel {
  readonly file: vscode.Uri;
  readonly panel: vscode.WebviewPanel;
  focus: ReportFocus;
}

/** One panel for each report file, which it follows: a new run is shown where the one before was, a reload brings it back. */
export function createReportPanels(onMessage: OnPageMessage): ReportPanels {
  const panels = new Map<string, Panel>();
  let last: vscode.Uri | undefined;

  const adopt = (file: vscode.Uri, panel: vscode.WebviewPanel, focus: ReportFocus): Panel => {
    const shown: Panel = { file, panel, focus };
    panels.set(file.toString(), shown);
    last = file;

    const watcher = onWritten(file, () => void draw(shown));
    panel.webview.onDidReceiveMessage((message: unknown) => {
      if (isPageMessage(message)) onMessage(file, message);
    });
    panel.onDidChangeViewState(() => {
      if (panel.active) last = file;
    });
    panel.onDidDispose(() => {
      watcher.dispose();
      panels.delete(file.toString());
      if (last === file) last = undefined;
    });

    return shown;
  };

  const serializer = vscode.window.registerWebviewPanelSerializer(REPORT_VIEW, {
    async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: unknown) {
      // A window that is closed at once may not have kept what the page has left with its panel.
      const file = fileOf(state) ?? (await fileByTitle(panel.title));
      if (file === null || !(await draw(adopt(file, panel, 'verdict')))) panel.dispose();
    },
  });

  return {
    async open(file, focus = 'verdict') {
      const shown = panels.get(file.toString()) ?? (await opened(file, focus, adopt));
      if (shown === null) return;
      const isAnotherStart = focus === 'overflow' || shown.focus !== focus;
      shown.focus = focus;
      if (!(await draw(shown))) tellUnreadable(file);
      shown.panel.reveal(undefined, true);
      // The page would stay where it was scrolled to, and what was asked for stands above.
      if (isAnotherStart) await shown.panel.webview.postMessage(SHOW_START);
    },
    active: () => last,
    dispose: () => void serializer.dispose(),
  };
}

/** Shows what the panel's file holds now; false: no report. */
async function draw({ file, panel, focus }: Panel): Promise<boolean> {
  const report = await readReport(file);
  if (report === null) return false;
  panel.title = titleOf(file, report);
  panel.webview.html = reportHtml(report, {
    first: focus,
    host: { nonce: randomUUID(), state: { file: file.toString() } },
    chooseFix: (fix) => commandLink('quantsmith.setOverflowFix', configOf(file, report).toString(), fix),
    explain: (code) => commandLink('quantsmith.openDocs', 'errors', code),
  });

  return true;
}

/** Calls back whenever the file is written, until it is disposed of. */
function onWritten(file: vscode.Uri, callback: () => void): vscode.Disposable {
  const folder = vscode.Uri.joinPath(file, '..');
  const watcher = vscode.workspace.createFileSystemWatcher(
    new vscode.RelativePattern(folder, escapeGlob(nameOf(file))),
  );
  watcher.onDidChange(callback);
  watcher.onDidCreate(callback);

  return watcher;
}

async function opened(
  file: vscode.Uri,
  focus: ReportFocus,
  adopt: (file: vscode.Uri, panel: vscode.WebviewPanel, focus: ReportFocus) => Panel,
): Promise<Panel | null> {
  if ((await readReport(file)) === null) {
    tellUnreadable(file);
    return null;
  }

  const panel = vscode.window.createWebviewPanel(
    REPORT_VIEW,
    'Report',
    { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
    {
      enableScripts: true,
      enableFindWidget: true,
      enableCommandUris: LINKED,
      localResourceRoots: [],
    },
  );

  return adopt(file, panel, focus);
}

/** Named by the model; a run of the history by its time as well. */
function titleOf(file: vscode.Uri, report: QuantizationReport): string {
  const model = report.output.path.split(/[\\/]/).at(-1) ?? '';
  const isPast = file.path.includes('/.quantsmith/runs/');
  return `Report: ${model}${isPast ? ` (${timeOf(report)})` : ''}`;
}

function tellUnreadable(file: vscode.Uri): void {
  void vscode.window.showErrorMessage(
    vscode.l10n.t('{0} is not a report that this version can show.', file.fsPath),
  );
}

/** The report in the workspace that has a title. */
async function fileByTitle(title: string): Promise<vscode.Uri | null> {
  for (const file of await allReports()) {
    const report = await readReport(file);
    if (report !== null && titleOf(file, report) === title) return file;
  }

  return null;
}

function fileOf(state: unknown): vscode.Uri | null {
  const file = typeof state === 'object' && state !== null && 'file' in state ? state.file : null;
  return typeof file === 'string' ? vscode.Uri.parse(file) : null;
}

const commandLink = (command: string, ...args: readonly string[]) =>
  `command:${command}?${encodeURIComponent(JSON.stringify(args))}`;

/** A file name as a glob that matches only it. */
const escapeGlob = (name: string) => name.replaceAll(/[[\]{}*?]/g, '[$&]');
