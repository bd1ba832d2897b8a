import * as vscode from 'vscode';
import { configOf, isReport, readReport } from './report/files.js';

/** Editors of VS Code's own hand over addresses that are no files. */
const FILES: ReadonlySet<string> = new Set(['file', 'untitled', 'vscode-remote']);

/**
 * The file that a command is meant for: a menu hands over a file or, from the history, a node with its config; a link its
 * address. undefined: what has the focus.
 */
export function fileOf(value: unknown): vscode.Uri | undefined {
  if (value instanceof vscode.Uri) return FILES.has(value.scheme) ? value : undefined;
  if (typeof value === 'string') return vscode.Uri.parse(value);
  const isNode = typeof value === 'object' && value !== null && 'config' in value;
  return isNode && value.config instanceof vscode.Uri ? value.config : undefined;
}

/** The report in view: the file in the active editor, or the one that the active panel shows. */
export function reportInView(panel: vscode.Uri | undefined): vscode.Uri | undefined {
  const active = vscode.window.activeTextEditor?.document.uri;
  if (active === undefined) return panel;
  return isReport(active) ? active : undefined;
}

/** The config that a command is meant for; of a report, the config that made it. undefined: what the active editor has. */
export async function configFor(
  given: unknown,
  panel: vscode.Uri | undefined,
): Promise<vscode.Uri | undefined> {
  const file = fileOf(given) ?? reportInView(panel);
  if (file === undefined || !isReport(file)) return file;
  const report = await readReport(file);
  return report === null ? undefined : configOf(file, report);
}
