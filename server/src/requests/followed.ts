import { followTimeLeft, fractionDone, visible } from '@quantsmith/schemas';
import type { CancellationToken, WorkDoneProgressReporter } from 'vscode-languageserver/node';
import type { EngineResult, RunOptions } from '../runs/run.js';
import { cancelled, refused } from '../session/answers.js';
import type { Session } from '../session/session.js';

/** `quantsmith/progress`: for clients that show a notification of their own. */
const PROGRESS = 'quantsmith/progress';

/** A request that an engine process serves. */
export interface Task {
  readonly uri: string;
  readonly file: string;
  readonly token: CancellationToken;
  /** The progress that the client has asked for. */
  readonly given: WorkDoneProgressReporter | null;
  /** Whether to continue what an interrupted run has found out. */
  readonly resume: boolean;
}

/** The run is all that there is to do. */
const ALL = { index: 0, total: 1, name: '' };

/** For so long an estimate of the time left says more about the start than about the rest. */
const EARLY_MS = 3000;

/** Shows the progress of a task, cancels it when the client asks, and turns what fails into a request error. */
export async function followed<T>(
  session: Session,
  { uri, token, given, resume }: Task,
  title: string,
  start: (options: RunOptions) => Promise<EngineResult<T>>,
): Promise<T> {
  const { client, settings, log } = session;
  const abort = new AbortController();
  token.onCancellationRequested(() => abort.abort());
  const created = given === null ? await client.createProgress() : null;
  created?.token.onCancellationRequested(() => abort.abort());
  const progress = given ?? created;
  progress?.begin(title, 0, '', true);
  const started = performance.now();
  const left = followTimeLeft();
  let furthest = 0;
  try {
    const result = await start({
      allowModules: settings.allowModules,
      resume,
      signal: abort.signal,
      onProblem: (problem) => log('warning', `${problem.code}: ${problem.message}`),
      onConsole(module, lines) {
        for (const line of lines) log('info', `${visible(module)}: ${visible(line)}`);
      },
      onProgress(event, part = ALL) {
        // Stages come again where several models are measured: a bar only goes on.
        furthest = Math.max(furthest, (part.index + fractionDone(event)) / part.total);
        left.observe(event);
        const isEarly = performance.now() - started < EARLY_MS;
        const remaining = isEarly ? '' : left.text(event, ', ');
        const count = event.total === null ? '' : ` ${event.done}/${event.total}`;
        const detail = event.detail === undefined ? '' : `: ${event.detail}`;
        const message = `${part.name}${event.stage}${count}${detail}${remaining}`;
        progress?.report(Math.round(100 * furthest), message);
        client.notify(PROGRESS, { uri, fraction: furthest, message, stage: event.stage });
      },
    });

    if (result.kind === 'cancelled') throw cancelled();
    if (result.kind === 'failed') throw refused(result.problem.message, result.problem);
    return result.value;
  } finally {
    progress?.done();
    session.refresh();
  }
}
