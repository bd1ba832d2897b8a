import { debugHtml } from '@quantsmith/report';
import type { DebugReport } from '@quantsmith/schemas';
import * as vscode from 'vscode';
import { savedConfig } from '../config/activeConfig.js';
import { showPage } from '../report/page.js';
import { nameOf, type RunKind, type Runs } from '../runs/run.js';

const COMPARE: RunKind = {
  command: 'quantsmith.server.debug',
  verb: vscode.l10n.t('Comparing the layers of'),
  failure: vscode.l10n.t('the layers could not be compared'),
  resumes: false,
};

/** Shows every layer of the quantized model beside the float model, the first that falls and why. Writes no model. */
export async function debugLayers(runs: Runs, given?: vscode.Uri): Promise<DebugReport | undefined> {
  const config = await savedConfig(given);
  if (config === undefined) return undefined;
  const report = await runs.start<DebugReport>(COMPARE, config);
  if (report === undefined) return undefined;
  showPage({
    view: 'quantsmith.layers',
    title: vscode.l10n.t('Layers: {0}', nameOf(config)),
    html: () => debugHtml(report),
  });

  return report;
}
