import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { ask } from './ask.js';
import { nameOf } from './run.js';

const KEY = 'quantsmith.running';

/** A config that is being run, and since when, in milliseconds since 1970. */
type Remembered = readonly [config: string, since: number];

/** Keeps which configs are being run across a reload of the window, which ends the engine. */
export function rememberRuns(state: vscode.Memento): (configs: readonly vscode.Uri[]) => void {
  const since = new Map<string, number>();
  return (configs) => {
    const running = new Set(configs.map(String));
    for (const config of since.keys()) if (!running.has(config)) since.delete(config);
    for (const config of running) if (!since.has(config)) since.set(config, Date.now());
    void state.update(KEY, [...since]);
  };
}

/** Completes or removes what a killed run has left; whether another run is at work in its place. */
export const recover = (client: LanguageClient, config: vscode.Uri): Promise<{ isBusy: boolean }> =>
  ask(client, 'quantsmith.server.recover', config);

/** When the newest report of a config was made, in milliseconds since 1970; null: there is none. */
type ReportTime = (config: vscode.Uri) => Promise<number | null>;

/** Says of each run that a reload or a crash has ended what became of it, and offers to resume it. */
export async function tellInterrupted(
  client: LanguageClient,
  state: vscode.Memento,
  reportTime: ReportTime,
): Promise<void> {
  const runs = state.get<readonly Remembered[]>(KEY, []);
  if (runs.length === 0) return;
  await state.update(KEY, []);
  await Promise.all(
    runs.map(async ([text, since]) => {
      const config = vscode.Uri.parse(text);
      const { isBusy } = await recover(client, config);
      const written = await reportTime(config);
      if (written !== null && written >= since) await tellWritten(config);
      else if (isBusy) tellBusy(config);
      else await tellEnded(config);
    }),
  );
}

async function tellWritten(config: vscode.Uri): Promise<void> {
  const message = `The run of ${nameOf(config)} had ended when its window closed: model and report are written.`;
  if ((await vscode.window.showInformationMessage(message, 'Report')) === 'Report')
    await vscode.commands.executeCommand('quantsmith.showReport', config);
}

function tellBusy(config: vscode.Uri): void {
  const message = `A run of ${nameOf(config)} is running in another window or terminal.`;
  void vscode.window.showInformationMessage(message);
}

async function tellEnded(config: vscode.Uri): Promise<void> {
  const message = `The run of ${nameOf(config)} ended when its window closed, before anything was written.`;
  if ((await vscode.window.showWarningMessage(message, 'Resume')) === 'Resume')
    await vscode.commands.executeCommand('quantsmith.resume', config);
}
