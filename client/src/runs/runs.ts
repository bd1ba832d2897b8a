import * as vscode from 'vscode';
import type { Server } from '../server/server.js';
import { tellFailure } from './failure.js';
import { ask } from './ask.js';
import { showProgress } from './notification.js';
import { nameOf, type ActiveRun, type RunEntry, type RunKind, type RunOptions, type Runs } from './run.js';

/** What the server says while an engine process works. */
interface ProgressMessage {
  readonly uri: string;
  /** Share of the whole run that is done, from 0 to 1. */
  readonly fraction: number;
  readonly message: string;
  readonly stage: string;
}

/** `remember` is told which configs have runs, so that the next window can say what became of them. */
export function createRuns(
  server: Server,
  output: vscode.LogOutputChannel,
  remember: (configs: readonly vscode.Uri[]) => void,
): Runs & vscode.Disposable {
  const list = createRunList(remember);
  const inTurn = createQueue();
  const progress = server.onNotification('quantsmith/progress', (message) => {
    const event = message as ProgressMessage;
    for (const { key, run } of list.entries()) {
      if (run.config.toString() !== event.uri || run.phase !== 'running') continue;
      if (run.stage !== event.stage) output.info(`${nameOf(run.config)}: ${event.message}`);
      const { message, stage } = event;
      list.update(key, { fraction: Math.max(run.fraction, event.fraction), message, stage });
    }
  });

  return {
    start<T>(kind: RunKind, config: vscode.Uri, options: RunOptions = {}) {
      const key = `${kind.command} ${config.toString()}`;
      const running = list.get(key);
      if (running !== undefined) return running.result as Promise<T | undefined>;

      const cancellation = new vscode.CancellationTokenSource();
      const { token } = cancellation;
      const result = inTurn(token, () => {
        list.update(key, { phase: 'running', message: vscode.l10n.t('starting') });
        return send(server, output, kind, { config, options, token });
      }).finally(() => {
        cancellation.dispose();
        list.delete(key);
      });

      const run: ActiveRun = {
        config,
        kind,
        phase: 'queued',
        fraction: 0,
        stage: '',
        message: vscode.l10n.t('queued'),
      };
      const entry = { key, run, result, cancellation };
      list.add(entry);
      showProgress(entry, list.onDidChange);

      return result as Promise<T | undefined>;
    },
    cancel(config) {
      for (const { cancellation } of list.entries(config)) cancellation.cancel();
    },
    async finish(config) {
      const running = list.entries(config).filter(({ run }) => run.phase === 'running');
      await Promise.all(running.map(({ run }) => ask(server, 'quantsmith.server.finish', run.config)));
    },
    active: () => list.entries().map(({ run }) => run),
    onDidChange: list.onDidChange,
    dispose() {
      progress.dispose();
      list.dispose();
    },
  };
}

/** The runs that wait or work, by their key; `remember` and listeners are told of each change. */
function createRunList(remember: (configs: readonly vscode.Uri[]) => void) {
  const entries = new Map<string, RunEntry>();
  const changed = new vscode.EventEmitter<void>();
  const note = () => {
    remember([...entries.values()].map(({ run }) => run.config));
    changed.fire();
  };

  return {
    get: (key: string) => entries.get(key),
    /** Those of a config, or all. */
    entries: (config?: vscode.Uri) =>
      [...entries.values()].filter(
        ({ run }) => config === undefined || run.config.toString() === config.toString(),
      ),
    add(entry: RunEntry) {
      entries.set(entry.key, entry);
      note();
    },
    update(key: string, change: Partial<ActiveRun>) {
      const entry = entries.get(key);
      if (entry === undefined) return;
      entry.run = { ...entry.run, ...change };
      changed.fire();
    },
    delete(key: string) {
      entries.delete(key);
      note();
    },
    onDidChange: changed.event,
    dispose: () => changed.dispose(),
  };
}

/** One after the other: who is cancelled while waiting leaves the queue; those behind still wait for those before. */
function createQueue() {
  let turn: Promise<unknown> = Promise.resolve();

  return <T>(token: vscode.CancellationToken, body: () => Promise<T>): Promise<T | undefined> => {
    const before = turn;
    const served = Promise.race([before, cancelled(token)]).then(() =>
      token.isCancellationRequested ? undefined : body(),
    );
    turn = Promise.allSettled([before, served]);

    return served;
  };
}

const cancelled = (token: vscode.CancellationToken) =>
  new Promise<void>((resolve) => token.onCancellationRequested(() => resolve()));

async function send(
  server: Server,
  output: vscode.LogOutputChannel,
  kind: RunKind,
  { config, options, token }: { config: vscode.Uri; options: RunOptions; token: vscode.CancellationToken },
): Promise<unknown> {
  output.info(`${kind.verb} ${config.fsPath}`);
  try {
    const result: unknown = await server.execute(kind.command, [config.toString(), options], token);
    output.info(`${kind.verb} ${config.fsPath}: done`);
    return result;
  } catch (error) {
    if (token.isCancellationRequested) {
      output.info(`${kind.verb} ${config.fsPath}: cancelled`);
      return undefined;
    }

    void tellFailure({ server, output, kind, config }, error);
    return undefined;
  }
}
