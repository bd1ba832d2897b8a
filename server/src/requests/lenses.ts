import type { QuantizationReport } from '@quantsmith/schemas';
import { resolve } from 'node:path';
import type { CancellationToken, CodeLens } from 'vscode-languageserver';
import { COMMANDS } from './commands.js';
import {
  codeLenses,
  type ConfigDocument,
  effectiveValue,
  inherit,
  isMapping,
  outputPaths,
} from '@quantsmith/service';
import type { Session } from '../session/session.js';

/** The lenses above a config, as far as this client can follow them. */
export async function lensesOf(
  session: Session,
  document: ConfigDocument,
  token: CancellationToken,
): Promise<CodeLens[]> {
  const { report, changed } = await session.surroundingsOf(document);
  const { clientCommands, capabilities } = session;
  const command = capabilities.showDocument ? COMMANDS.showReport : null;
  const commands = {
    run: COMMANDS.run,
    sweep: COMMANDS.sweep,
    showReport: clientCommands.has('quantsmith.showReport') ? 'quantsmith.showReport' : command,
    compare: clientCommands.has('quantsmith.compare') ? 'quantsmith.compare' : null,
  };
  const others =
    report === null || commands.compare === null ? [] : await otherReports(session, report, token);

  return codeLenses(document, commands, { report, changed, others });
}

/** The reports of the workspace's other configs about the same model. */
async function otherReports(
  session: Session,
  report: QuantizationReport,
  token: CancellationToken,
): Promise<QuantizationReport[]> {
  const reports = new Map<string, QuantizationReport>();
  for (const { document, file, model } of await session.workspaceConfigs(token)) {
    if (token.isCancellationRequested || model === null || model !== resolve(report.model.path)) continue;
    const value = effectiveValue(document, await inherit(document, file, session.sources.config));
    const paths = isMapping(value) ? outputPaths(value, file) : null;
    const loaded = paths === null ? null : await session.sources.report(paths.report);
    const other = loaded?.report ?? null;
    if (other !== null && other.output.path !== report.output.path) reports.set(other.output.path, other);
  }

  return [...reports.values()];
}
