import { debugMarkdown } from '@quantsmith/report';
import type { DebugReport } from '@quantsmith/schemas';
import * as vscode from 'vscode';
import { savedConfig } from '../config/activeConfig.js';
import type { RunKind, Runs } from '../runs/run.js';

const COMPARE: RunKind = {
  command: 'quantsmith.server.debug',
  verb: 'Comparing the layers of',
  failure: 'the layers could not be compared',
  resumes: false,
};

/** Shows every layer of the quantized model beside the float model, the first that falls and why. Writes no model. */
export async function debugLayers(runs: Runs, given?: vscode.Uri): Promise<DebugReport | undefined> {
  const config = await savedConfig(given);
  if (config === undefined) return undefined;
  const report = await runs.start<DebugReport>(COMPARE, config);
  if (report === undefined) return undefined;
  const document = await vscode.workspace.openTextDocument({
    language: 'markdown',
    content: debugMarkdown(report),
  });

  await vscode.commands.executeCommand('markdown.showPreviewToSide', document.uri);
  return report;
}
