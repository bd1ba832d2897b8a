import * as vscode from 'vscode';
import { savedConfig } from '../config/activeConfig.js';
import type { ReportPanels } from '../report/panels.js';
import type { Server } from '../server/server.js';
import { setValue } from './setValue.js';
import type { RunKind, Runs } from '../runs/run.js';

/** The server's command for the comparison; its argument is the config's URI. */
export const SERVER_OVERFLOW = 'quantsmith.server.overflow';

const COMPARE: RunKind = {
  command: SERVER_OVERFLOW,
  verb: vscode.l10n.t('Comparing overflow fixes of'),
  failure: vscode.l10n.t('the overflow fixes could not be compared'),
  resumes: false,
};

/**
 * Measures what each overflow_fix gives here and on CPUs without VNNI. The result goes into the report, which opens with it
 * first, and onto the line of overflow_fix, from where each setting is one click away.
 */
export async function compareOverflowFixes(
  runs: Runs,
  panels: ReportPanels,
  given?: vscode.Uri,
): Promise<{ reportPath: string } | undefined> {
  const config = await savedConfig(given);
  if (config === undefined) return undefined;
  const result = await runs.start<{ reportPath: string }>(COMPARE, config);
  if (result === undefined) return undefined;
  await panels.open(vscode.Uri.file(result.reportPath), 'overflow');
  return result;
}

/** Writes a setting of overflow_fix into a config, as an edit that can be undone. */
export async function setOverflowFix(server: Server, config: unknown, fix: unknown): Promise<void> {
  if (typeof config !== 'string' || typeof fix !== 'string') return;
  await setValue(
    server,
    vscode.Uri.parse(config),
    ['quantization', 'advanced_parameters', 'overflow_fix'],
    fix,
  );
}
