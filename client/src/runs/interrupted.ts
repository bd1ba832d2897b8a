import * as vscode from 'vscode';
import type { Server } from '../server/server.js';
import { ask } from './ask.js';
import type { RememberedRun, RunMemory } from './memory.js';
import { nameOf } from './run.js';

/**
 * Completes or removes what a killed run has left; whether another run is at work in its place, which it waits some seconds
 * for.
 */
export const recover = (server: Server, config: vscode.Uri): Promise<{ isBusy: boolean }> =>
  ask(server, 'quantsmith.server.recover', config);

/** When the newest report of a config was made, in milliseconds since 1970; null: there is none. */
type ReportTime = (config: vscode.Uri) => Promise<number | null>;

/** Says of each run that a reload or a crash has ended what became of it, and offers to resume it. */
export async function tellInterrupted(
  server: Server,
  memory: RunMemory,
  reportTime: ReportTime,
): Promise<void> {
  await Promise.all(memory.left().map((run) => tellOutcome(server, memory, run, reportTime)));
}

/**
 * A run that is still at work may be one that ends with its window and takes its time, or belong to another window or a
 * terminal: what becomes of it is told when it has ended.
 */
async function tellOutcome(
  server: Server,
  memory: RunMemory,
  { config, since }: RememberedRun,
  reportTime: ReportTime,
): Promise<void> {
  let isToldBusy = false;
  for (;;) {
    // A server that cannot say is no reason to keep silent about the run.
    const { isBusy } = await recover(server, config).catch(() => ({ isBusy: false }));
    // One that this window has begun meanwhile speaks for itself.
    if (memory.isRunning(config)) return;
    const written = await reportTime(config);
    if (written !== null && written >= since) {
      memory.forget(config);
      await tellWritten(config);
      return;
    }

    if (!isBusy) {
      await tellEnded(config);
      // Not before somebody has seen it: a window that is reloaded at once says it again.
      memory.forget(config);
      return;
    }

    if (!isToldBusy) tellBusy(config);
    isToldBusy = true;
  }
}

async function tellWritten(config: vscode.Uri): Promise<void> {
  const message = vscode.l10n.t(
    'The run of {0} had ended when its window closed: model and report are written.',
    nameOf(config),
  );
  const open = vscode.l10n.t('Report');
  if ((await vscode.window.showInformationMessage(message, open)) === open)
    await vscode.commands.executeCommand('quantsmith.showReport', config);
}

function tellBusy(config: vscode.Uri): void {
  const message = vscode.l10n.t(
    'A run of {0} is still at work, in another window or a terminal.',
    nameOf(config),
  );
  void vscode.window.showInformationMessage(message);
}

/** As an error: those stay until they are answered, while warnings leave the screen after some seconds. */
async function tellEnded(config: vscode.Uri): Promise<void> {
  const message = vscode.l10n.t(
    'The run of {0} ended when its window closed, before anything was written.',
    nameOf(config),
  );
  const resume = vscode.l10n.t('Resume');
  if ((await vscode.window.showErrorMessage(message, resume)) === resume)
    await vscode.commands.executeCommand('quantsmith.resume', config);
}
