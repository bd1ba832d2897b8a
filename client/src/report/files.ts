import { type QuantizationReport, REPORT_VERSION, upgradedReport } from '@quantsmith/schemas';
import * as vscode from 'vscode';

const MAX_REPORTS = 1000;

/** A config can have been run with several outputs, anywhere in its workspace folder: the newest of its reports. */
export async function newestReportOf(config: vscode.Uri): Promise<vscode.Uri | undefined> {
  const reports = await Promise.all(
    (await reportFiles(config)).map(async (file) => ({ file, report: await readReport(file) })),
  );
  const isOwn = ({ file, report }: (typeof reports)[number]) =>
    report !== null && configOf(file, report).toString() === config.toString();
  const byAge = reports
    .filter(isOwn)
    .sort((a, b) => Date.parse(b.report?.created ?? '') - Date.parse(a.report?.created ?? ''));

  return byAge[0]?.file;
}

/** The reports in the workspace folder of a file. */
export async function reportFiles(file: vscode.Uri): Promise<vscode.Uri[]> {
  const folder = vscode.workspace.getWorkspaceFolder(file)?.uri ?? vscode.Uri.joinPath(file, '..');
  const pattern = new vscode.RelativePattern(folder, '**/*.report.json');
  return vscode.workspace.findFiles(pattern, '**/{node_modules,.quantsmith}/**', MAX_REPORTS);
}

/** The reports of the workspace, those of the history included. */
export async function allReports(): Promise<vscode.Uri[]> {
  return vscode.workspace.findFiles('**/{*.report,report}.json', '**/node_modules/**', MAX_REPORTS);
}

/**
 * A report of this or an earlier version; null for a file that is none, or of a later version. Checking it against the schema would make the extension half as
 * large again.
 */
export async function readReport(file: vscode.Uri): Promise<QuantizationReport | null> {
  try {
    const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(file));
    const report = upgradedReport(JSON.parse(text)) as Partial<QuantizationReport> | null;
    if (report?.schema_version !== REPORT_VERSION) return null;
    const hasPaths = typeof report?.output?.path === 'string' && typeof report.config?.path === 'string';
    return hasPaths ? (report as QuantizationReport) : null;
  } catch {
    return null;
  }
}

/** The config that a report tells of: its path is relative to the report's folder, in reports of before absolute. */
export function configOf(file: vscode.Uri, { config }: QuantizationReport): vscode.Uri {
  return isAbsolute(config.path)
    ? vscode.Uri.file(config.path)
    : vscode.Uri.joinPath(file, '..', config.path);
}

const isAbsolute = (path: string) => /^([/\\]|[A-Za-z]:[\\/])/.test(path);

/** When a report was made, as lists and titles name it: local time, the larger units first. */
export const timeOf = ({ created }: QuantizationReport): string => new Date(created).toLocaleString('sv');

/** The same where room is short: without a year that is this one. */
export function shortTimeOf(report: QuantizationReport, now = new Date()): string {
  const time = timeOf(report);
  const year = `${now.getFullYear()}-`;

  return time.startsWith(year) ? time.slice(year.length) : time;
}

/** Whether a file is called like a report: those lie beside their models, those of the history in a folder of their own. */
export const isReport = (file: vscode.Uri): boolean => /[./]report\.json$/.test(file.path);
