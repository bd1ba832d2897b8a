import * as vscode from 'vscode';
import { type LanguageClient, ExecuteCommandRequest } from 'vscode-languageclient/node';
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
  client: LanguageClient,
  output: vscode.LogOutputChannel,
  remember: (configs: readonly vscode.Uri[]) => void,
): Runs & vscode.Disposable {
  const entries = new Map<string, RunEntry>();
  const changed = new vscode.EventEmitter<void>();
  const inTurn = createQueue();

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
      if (run.stage !== event.stage) output.info(`${nameOf(run.config)}: ${event.message}`);
      const { message, stage } = event;
      update(key, { fraction: Math.max(run.fraction, event.fraction), message, stage });
    }
  });
  const entriesOf = (config?: vscode.Uri) =>
    [...entries.values()].filter(
      ({ run }) => config === undefined || run.config.toString() === config.toString(),
    );

  return {
    start<T>(kind: RunKind, config: vscode.Uri, options: RunOptions = {}) {
      const key = `${kind.command} ${config.toString()}`;
      const running = entries.get(key);
      if (running !== undefined) return running.result as Promise<T | undefined>;

      const cancellation = new vscode.CancellationTokenSource();
      const { token } = cancellation;
      const result = inTurn(token, () => {
        update(key, { phase: 'running', message: 'starting' });
        return send(client, output, kind, { config, options, token });
      }).finally(() => {
        entries.delete(key);
        cancellation.dispose();
        note();
      });

      const run: ActiveRun = { config, kind, phase: 'queued', fraction: 0, stage: '', message: 'queued' };
      const entry = { run, result, cancellation };
      entries.set(key, entry);
      note();
      showProgress(entry, changed.event);

      return result as Promise<T | undefined>;
    },
    cancel(config) {
      for (const { cancellation } of entriesOf(config)) cancellation.cancel();
    },
    async finish(config) {
      const running = entriesOf(config).filter(({ run }) => run.phase === 'running');
      await Promise.all(running.map(({ run }) => ask(client, 'quantsmith.server.finish', run.config)));
    },
    active: () => [...entries.values()].map(({ run }) => run),
    onDidChange: changed.event,
    dispose() {
      progress.dispose();
      changed.dispose();
    },
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

    void tellFailure({ client, output, kind, config }, error);
    return undefined;
  }
}
