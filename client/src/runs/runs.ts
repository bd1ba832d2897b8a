import * as vscode from 'vscode';
import { type LanguageClient, ExecuteCommandRequest } from 'vscode-languageclient/node';

/** What the server says while an engine process works. */
interface ProgressMessage {
  readonly uri: string;
  /** Share of the whole run that is done, from 0 to 1. */
  readonly fraction: number;
  readonly message: string;
}

/** A command of the server that an engine process serves. */
export interface RunKind {
  /** The server's command; its first argument is the config's URI. */
  readonly command: string;
  /** What is done to the config, as the start of a title: "Quantizing". */
  readonly verb: string;
  /** How a message about its failure begins. */
  readonly failure: string;
}

/** A run that waits for its turn or is being served. */
export interface ActiveRun {
  readonly config: vscode.Uri;
  readonly kind: RunKind;
  readonly phase: 'queued' | 'running';
  readonly fraction: number;
  readonly message: string;
}

/** The runs of this window: one at a time, the others in a queue. */
export interface Runs {
  /**
   * Starts a run, or joins the one of the same config that is there already. undefined: it was cancelled, or it failed
   * and the user was told.
   */
  readonly start: <T>(kind: RunKind, config: vscode.Uri, options?: RunOptions) => Promise<T | undefined>;
  /** Cancels the runs of a config; without one, all of them. */
  readonly cancel: (config?: vscode.Uri) => void;
  readonly active: () => readonly ActiveRun[];
  readonly onDidChange: vscode.Event<void>;
}

export interface RunOptions {
  /** Continue an interrupted run from its journal. */
  readonly resume?: boolean;
}

interface Entry {
  run: ActiveRun;
  readonly result: Promise<unknown>;
  readonly cancellation: vscode.CancellationTokenSource;
}

/** `remember` is told which configs have runs, so that the next window can say what became of them. */
export function createRuns(
  client: LanguageClient,
  output: vscode.LogOutputChannel,
  remember: (configs: readonly vscode.Uri[]) => void,
): Runs & vscode.Disposable {
  const entries = new Map<string, Entry>();
  const changed = new vscode.EventEmitter<void>();
  let turn: Promise<unknown> = Promise.resolve();

  const update = (key: string, change: Partial<ActiveRun>) => {
    const entry = entries.get(key);
    if (entry === undefined) return;
    entry.run = { ...entry.run, ...change };
    changed.fire();
  };
  const note = () => {
    remember([...entries.values()].map(({ run }) => run.config));
    changed.fire();
  };
  const progress = client.onNotification('quantsmith/progress', (event: ProgressMessage) => {
    for (const [key, { run }] of entries) {
      if (run.config.toString() !== event.uri || run.phase !== 'running') continue;
      update(key, { fraction: Math.max(run.fraction, event.fraction), message: event.message });
    }
  });

  return {
    start<T>(kind: RunKind, config: vscode.Uri, options: RunOptions = {}) {
      const key = `${kind.command} ${config.toString()}`;
      const running = entries.get(key);
      if (running !== undefined) return running.result as Promise<T | undefined>;

      const cancellation = new vscode.CancellationTokenSource();
      const before = turn;
      const served = async () => {
        await Promise.race([before, cancelled(cancellation.token)]);
        if (cancellation.token.isCancellationRequested) return undefined;
        update(key, { phase: 'running', message: 'starting' });
        return send(client, output, kind, { config, options, token: cancellation.token });
      };
      const result = served().finally(() => {
        entries.delete(key);
        cancellation.dispose();
        note();
      });

      turn = result;
      const run: ActiveRun = { config, kind, phase: 'queued', fraction: 0, message: 'waiting for its turn' };
      entries.set(key, { run, result, cancellation });
      note();
      showProgress(key, entries, changed.event);

      return result as Promise<T | undefined>;
    },
    cancel(config) {
      for (const { run, cancellation } of entries.values())
        if (config === undefined || run.config.toString() === config.toString()) cancellation.cancel();
    },
    active: () => [...entries.values()].map(({ run }) => run),
    onDidChange: changed.event,
    dispose() {
      progress.dispose();
      changed.dispose();
    },
  };
}

const cancelled = (token: vscode.CancellationToken) =>
  new Promise<void>((resolve) => token.onCancellationRequested(() => resolve()));

/** Name of a file as messages show it. */
export const nameOf = (uri: vscode.Uri): string => uri.path.split('/').at(-1) ?? uri.path;

async function send(
  client: LanguageClient,
  output: vscode.LogOutputChannel,
  kind: RunKind,
  { config, options, token }: { config: vscode.Uri; options: RunOptions; token: vscode.CancellationToken },
): Promise<unknown> {
  const params = { command: kind.command, arguments: [config.toString(), options] };
  output.info(`${kind.verb} ${config.fsPath}`);
  try {
    const result: unknown = await client.sendRequest(ExecuteCommandRequest.type, params, token);
    output.info(`${kind.verb} ${config.fsPath}: done`);
    return result;
  } catch (error) {
    if (token.isCancellationRequested) {
      output.info(`${kind.verb} ${config.fsPath}: cancelled`);
      return undefined;
    }

    const message = error instanceof Error ? error.message : String(error);
    output.error(`${config.fsPath}: ${message}`);
    void tellFailure(output, `${nameOf(config)}: ${kind.failure}: ${message}`);
    return undefined;
  }
}

async function tellFailure(output: vscode.LogOutputChannel, message: string): Promise<void> {
  const chosen = await vscode.window.showErrorMessage(message, 'Problems', 'Log');
  if (chosen === 'Log') output.show();
  if (chosen === 'Problems') await vscode.commands.executeCommand('workbench.actions.view.problems');
}

/** A notification for one run, from its place in the queue to its end, with a button that cancels it. */
function showProgress(key: string, entries: ReadonlyMap<string, Entry>, changed: vscode.Event<void>): void {
  const entry = entries.get(key)!;
  const { config, kind } = entry.run;
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: `${kind.verb} ${nameOf(config)}`,
    cancellable: true,
  };

  void vscode.window.withProgress(options, async (progress, token) => {
    let shown = 0;
    token.onCancellationRequested(() => entry.cancellation.cancel());
    const listener = changed(() => {
      const now = entries.get(key)?.run;
      if (now === undefined) return;
      const percent = 100 * now.fraction;
      progress.report({ message: now.message, increment: Math.max(0, percent - shown) });
      shown = Math.max(shown, percent);
    });

    await entry.result.then(
      () => undefined,
      () => undefined,
    );
    listener.dispose();
  });
}
