import type { ModelContext, ModelPageData } from '@quantsmith/report';
import { type ModelSummary, withAbsolutePaths } from '@quantsmith/schemas';
import * as vscode from 'vscode';
import { readReport, reportFiles } from '../report/files.js';
import type { Server } from '../server/server.js';

/** A model as its page shows it. */
export interface LoadedModel {
  readonly model: ModelSummary;
  readonly context: ModelContext;
  readonly configs: ModelPageData['configs'];
}

interface ModelAnswer {
  readonly model: ModelSummary;
  readonly configs: readonly string[];
}

/** The structure of a model, with its last run and, of an int8 model of ours, its float model. Rejects with why it cannot be read. */
export async function loadModel(server: Server, file: vscode.Uri): Promise<LoadedModel> {
  const [{ model, configs }, run] = await Promise.all([structureOf(server, file), runOf(file)]);
  if (run === null)
    return { model, context: { report: null, float: null, isNewer: false }, configs: configs.map(labelled) };
  const { report, reportFile } = run;
  // Where the float model is gone, its int8 model is shown alone.
  const float = run.isOutput
    ? await structureOf(server, vscode.Uri.file(report.model.path)).catch(() => null)
    : null;

  return {
    model,
    context: { report, float: float?.model ?? null, isNewer: await isNewer(file, reportFile) },
    configs: [...new Set([vscode.Uri.file(report.config.path).toString(), ...configs])].map(labelled),
  };
}

async function structureOf(server: Server, file: vscode.Uri): Promise<ModelAnswer> {
  return (await server.execute('quantsmith.server.model', [file.toString()])) as ModelAnswer;
}

const labelled = (uri: string) => ({ uri, label: vscode.workspace.asRelativePath(vscode.Uri.parse(uri)) });

/** The newest run that wrote a model or quantized it. */
async function runOf(file: vscode.Uri) {
  const runs = await Promise.all(
    (await reportFiles(file)).map(async (reportFile) => {
      const read = await readReport(reportFile);
      if (read === null) return [];
      const report = withAbsolutePaths(read, reportFile.fsPath);
      const isOutput = report.output.path === file.fsPath;
      return isOutput || report.model.path === file.fsPath ? [{ report, reportFile, isOutput }] : [];
    }),
  );
  // What a model was made by says more of it than what was made of it.
  const byAge = runs
    .flat()
    .sort(
      (a, b) =>
        Number(b.isOutput) - Number(a.isOutput) ||
        Date.parse(b.report.created) - Date.parse(a.report.created),
    );

  return byAge[0] ?? null;
}

/** Model and report of a run are written within this many milliseconds. */
const TOGETHER_MS = 5000;

async function isNewer(file: vscode.Uri, than: vscode.Uri): Promise<boolean> {
  const [model, report] = await Promise.all([file, than].map((uri) => vscode.workspace.fs.stat(uri)));
  return model!.mtime > report!.mtime + TOGETHER_MS;
}
