import * as vscode from 'vscode';
import type { Server } from '../server/server.js';
import { recover } from './interrupted.js';
import { nameOf, type RunKind } from './run.js';

/** JSON-RPC's codes for requests whose connection went away: closed, disposed, and whatever was being read or written then. */
const CONNECTION_LOST: ReadonlySet<unknown> = new Set([1, 2, -32097, -32098, -32099]);

interface FailedRun {
  readonly server: Server;
  readonly output: vscode.LogOutputChannel;
  readonly kind: RunKind;
  readonly config: vscode.Uri;
}

/** Says why a run failed, and offers what helps: its problems, its log, and to go on where it ended. */
export async function tellFailure(
  { server, output, kind, config }: FailedRun,
  error: unknown,
): Promise<void> {
  const isLost = error instanceof Error && 'code' in error && CONNECTION_LOST.has(error.code);
  const reason = isLost
    ? vscode.l10n.t('the language server ended unexpectedly, and the run with it.')
    : error instanceof Error
      ? error.message
      : String(error);

  const explanation = isRuntimeMissing(error) ? `${reason} ${whatRunsNeed()}` : reason;
  output.error(`${config.fsPath}: ${explanation}`);
  // The server that starts in place of the one that ended cleans up, while the user reads what happened.
  const recovered = isLost
    ? recover(server, config).catch((failure: unknown) => output.warn(String(failure)))
    : undefined;
  const [resume, problems, log] = [vscode.l10n.t('Resume'), vscode.l10n.t('Problems'), vscode.l10n.t('Log')];
  const buttons = [...(kind.resumes ? [resume] : []), problems, log];
  const message = `${nameOf(config)}: ${kind.failure}: ${explanation}`;
  const chosen = await vscode.window.showErrorMessage(message, ...buttons);
  await recovered;
  if (chosen === resume) await vscode.commands.executeCommand('quantsmith.resume', config);
  if (chosen === log) output.show();
  if (chosen === problems) await vscode.commands.executeCommand('workbench.actions.view.problems');
}

function isRuntimeMissing(error: unknown): boolean {
  const data: unknown = error instanceof Error && 'data' in error ? error.data : undefined;
  return typeof data === 'object' && data !== null && 'code' in data && data.code === 'runtime-missing';
}

/** Platforms that the extension is packed for with its native parts. */
const PACKAGES = ['linux-x64', 'linux-arm64', 'win32-x64', 'win32-arm64', 'darwin-arm64'];

function whatRunsNeed(): string {
  const here = `${process.platform}-${process.arch}`;
  return PACKAGES.includes(here)
    ? vscode.l10n.t('Install the VSIX for {0}: this one edits and checks configs, and cannot run them.', here)
    : vscode.l10n.t(
        'ONNX Runtime has no build for {0}. Configs are edited and checked here; to run them, open the folder in a Linux container or on a remote machine.',
        here,
      );
}
