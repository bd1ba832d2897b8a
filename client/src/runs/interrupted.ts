import * as vscode from 'vscode';
import { nameOf } from './runs.js';

const KEY = 'quantsmith.running';

/** Keeps which configs are being run across a reload of the window, which ends the engine. */
export function rememberRuns(state: vscode.Memento): (configs: readonly vscode.Uri[]) => void {
  return (configs) => void state.update(KEY, [...new Set(configs.map(String))]);
}

/** Says of each run that a reload or a crash has ended that it did, and offers to resume it. */
export async function tellInterrupted(
  state: vscode.Memento,
  resume: (config: vscode.Uri) => Promise<unknown>,
): Promise<void> {
  const configs = state.get<readonly string[]>(KEY, []);
  if (configs.length === 0) return;
  await state.update(KEY, []);
  await Promise.all(
    configs.map(async (text) => {
      const config = vscode.Uri.parse(text);
      const message = `The run of ${nameOf(config)} was interrupted when its window closed.`;
      if ((await vscode.window.showWarningMessage(message, 'Resume')) === 'Resume') await resume(config);
    }),
  );
}
