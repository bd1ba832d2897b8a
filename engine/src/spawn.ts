import { fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Emulator } from './emulator.js';
import { crashProblem } from './crash.js';
import { recoverOutput } from './output/recover.js';
import { removeScratch } from './runtime/scratch.js';
import {
  type EngineEvent,
  type EngineMessage,
  type EngineRequest,
  type FinishMessage,
  type Problem,
  type RunPaths,
  runPaths,
} from '@quantsmith/schemas';

export type EngineOutcome =
  | { readonly code: 'ok' }
  /** written: model and report were in their places already, or all but. */
  | { readonly code: 'cancelled'; readonly written: boolean }
  | { readonly code: 'failed'; readonly problem: Problem };

export interface EngineOptions {
  readonly onEvent: (event: EngineEvent) => void;
  readonly signal?: AbortSignal;
  /** Aborting ends the restoration of a run with the best model found so far. */
  readonly finish?: AbortSignal;
  /** Is given what sends messages to the engine, for as long as it runs. */
  readonly onStart?: (send: (message: EngineMessage) => void) => void;
  /** The engine bundle; default: the one beside the caller's own bundle. */
  readonly enginePath?: string;
  /** Runs the process on another CPU. */
  readonly emulator?: Emulator;
}

/**
 * Runs one request in an engine process of its own and resolves when that process has ended: a crash, an
 * out-of-memory kill or a cancel never reaches the caller as an exception. Aborting kills the process at once (the
 * runtime blocks it, so asking politely would wait for a whole inference) and removes what it was writing.
 */
export async function startEngine(request: EngineRequest, options: EngineOptions): Promise<EngineOutcome> {
  const { signal, finish } = options;
  if (signal?.aborted === true) return { code: 'cancelled', written: false };
  const child = fork(options.enginePath ?? defaultEnginePath(), [], {
    ...(options.emulator === undefined
      ? { execArgv: [] }
      : { execPath: options.emulator.path, execArgv: [...options.emulator.args, process.execPath] }),
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Inside VS Code the executable is Electron.
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', ORT_DISABLE_TELEMETRY: '1' },
  });

  const abort = () => child.kill('SIGKILL');
  const askToFinish = () => child.send({ kind: 'finish' } satisfies FinishMessage, () => undefined);
  signal?.addEventListener('abort', abort, { once: true });
  finish?.addEventListener('abort', askToFinish, { once: true });
  try {
    return await follow(child, request, options);
  } finally {
    signal?.removeEventListener('abort', abort);
    finish?.removeEventListener('abort', askToFinish);
  }
}

async function follow(
  child: ChildProcess,
  request: EngineRequest,
  options: EngineOptions,
): Promise<EngineOutcome> {
  const paths = 'config' in request && request.kind !== 'evaluate' ? runPaths(request) : null;
  const before = await reportIdentity(paths);
  let failure: Problem | undefined;
  let done = false as boolean;
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-4000)));
  child.stdout?.resume();
  child.on('message', (event: EngineEvent) => {
    if (event.type === 'failed') failure = event.problem;
    else if (event.type === 'done') done = true;
    else options.onEvent(event);
  });

  const ended = new Promise<{ exitCode: number | null; signalName: string | null }>((resolve) => {
    child.once('error', (error) => {
      stderr += error.message;
      resolve({ exitCode: 1, signalName: null });
    });
    child.once('close', (exitCode, signalName) => resolve({ exitCode, signalName }));
  });

  child.send(request, () => undefined);
  options.onStart?.((message) => child.send(message, () => undefined));
  const { exitCode, signalName } = await ended;
  if (done) return { code: 'ok' };
  if (paths !== null) await recoverOutput(paths);
  await removeScratch(child.pid);
  if (options.signal?.aborted === true)
    return { code: 'cancelled', written: (await reportIdentity(paths)) !== before };

  return { code: 'failed', problem: failure ?? crashProblem(exitCode, signalName, stderr) };
}

/** Changes when another report is put in its place; empty: there is none. */
async function reportIdentity(paths: RunPaths | null): Promise<string> {
  const info = paths === null ? null : await stat(paths.report, { bigint: true }).catch(() => null);
  return info === null ? '' : `${info.dev}:${info.ino}:${info.mtimeNs}`;
}

/** `engine.cjs` beside the bundle that this code runs in; from source, the one in `dist/`. */
function defaultEnginePath(): string {
  const beside = fileURLToPath(new URL('./engine.cjs', import.meta.url));
  return existsSync(beside) ? beside : fileURLToPath(new URL('../../dist/engine.cjs', import.meta.url));
}
