import * as vscode from 'vscode';
import { nameOf, type RunEntry } from './run.js';

/** A notification for one run, from its place in the queue to its end, with a button that cancels it. */
export function showProgress(entry: RunEntry, changed: vscode.Event<void>): void {
  const { config, kind } = entry.run;
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: `${kind.verb} ${nameOf(config)}`,
    cancellable: true,
  };

  void vscode.window.withProgress(options, async (progress, token) => {
    let shown = 0;
    const report = () => {
      const percent = 100 * entry.run.fraction;
      progress.report({ message: entry.run.message, increment: Math.max(0, percent - shown) });
      shown = Math.max(shown, percent);
    };

    report();
    token.onCancellationRequested(() => entry.cancellation.cancel());
    const listener = changed(report);
    await entry.result.then(
      () => undefined,
      () => undefined,
    );
    listener.dispose();
  });
}
