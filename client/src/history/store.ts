import type { QuantizationReport } from '@quantsmith/schemas';
import * as vscode from 'vscode';
import { readReport } from '../report/files.js';

/** A run that the history keeps. */
export interface PastRun {
  readonly folder: vscode.Uri;
  readonly report: vscode.Uri;
  /** The config's text as it was run. */
  readonly configText: vscode.Uri;
  readonly content: QuantizationReport;
}

/** The runs of a config that the history keeps. */
export interface History {
  /** The newest first. */
  readonly runs: readonly PastRun[];
  /** Kept runs whose reports this version cannot read: damaged, or of a later version. */
  readonly unreadable: number;
}

/** What lies beside a config in `.quantsmith/runs/<config>/<time>/`. */
export async function historyOf(config: vscode.Uri): Promise<History> {
  const name = config.path.split('/').at(-1) ?? '';
  const history = vscode.Uri.joinPath(config, '..', '.quantsmith', 'runs', name);
  const entries = await vscode.workspace.fs.readDirectory(history).then(
    (entries) => entries,
    () => [],
  );
  const runs = await Promise.all(
    entries
      // The folder of a run that is still being written ends in its process.
      .filter(([folder, type]) => type === vscode.FileType.Directory && !/~\d+$/.test(folder))
      .map(async ([time]) => {
        const folder = vscode.Uri.joinPath(history, time);
        const report = vscode.Uri.joinPath(folder, 'report.json');
        const content = await readReport(report);
        return content === null
          ? null
          : { folder, report, configText: vscode.Uri.joinPath(folder, name), content };
      }),
  );
  const readable = runs.filter((run) => run !== null);

  return {
    runs: readable.sort((a, b) => Date.parse(b.content.created) - Date.parse(a.content.created)),
    unreadable: runs.length - readable.length,
  };
}

/** A folder that goes is told of alone, without what lay in it: so each folder above the reports is watched, too. */
const WATCHED = ['', '/runs', '/runs/*', '/runs/*/*', '/runs/*/*/report.json'].map(
  (below) => `**/.quantsmith${below}`,
);

/** Tells when runs are kept or deleted. */
export const watchHistory = (): vscode.FileSystemWatcher =>
  vscode.workspace.createFileSystemWatcher(`{${WATCHED.join(',')}}`);
