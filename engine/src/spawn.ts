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
  /** The process stays for the next request of this series, which must be closed; left out: it serves one. Runs only. */
  readonly series?: EngineSeries;
}

/** Requests that one process serves after each other: what they have in common is made once. */
export interface EngineSeries {
  /** The process that waits for the next request; a new one where there is none, or it has ended. */
  readonly take: (start: () => StartedEngine) => StartedEngine;
  /** Ends the process that waits. */
  readonly close: () => Promise<void>;
}

interface Ending {
  readonly exitCode: number | null;
  readonly signalName: string | null;
}

interface StartedEngine {
  readonly child: ChildProcess;
  readonly ended: Promise<Ending>;
  /** The end of what it has written to standard error. */
  readonly stderr: () => string;
}

/** A process for several requests, which is started with the first one; close it whatever has become of them. */
export function engineSeries(): EngineSeries {
  let waiting: StartedEngine | null = null;
  return {
    take(start) {
      if (waiting?.child.connected !== true) {
        const started = start();
        void started.ended.then(() => {
          if (waiting === started) waiting = null;
        });
        waiting = started;
      }

      return waiting;
    },
    async close() {
      const last = waiting;
      waiting = null;
      last?.child.send({ kind: 'finish' } satisfies FinishMessage, () => undefined);
      await last?.ended;
    },
  };
}

/**
 * Runs one request in an engine process of its own and resolves when that process has ended: a crash, an
 * out-of-memory kill or a cancel never reaches the caller as an exception. Aborting kills the process at once (the
 * runtime blocks it, so asking politely would wait for a whole inference) and removes what it was writing.
 */
export async function startEngine(request: EngineRequest, options: EngineOptions): Promise<EngineOutcome> {
  const { signal, finish, series } = options;
  if (signal?.aborted === true) return { code: 'cancelled', written: false };
  const start = () => forkEngine(options);
  const engine = series === undefined ? start() : series.take(start);
  const abort = () => engine.child.kill('SIGKILL');
  const askToFinish = () => engine.child.send({ kind: 'finish' } satisfies FinishMessage, () => undefined);
  signal?.addEventListener('abort', abort, { once: true });
  finish?.addEventListener('abort', askToFinish, { once: true });
  try {
    return await follow(engine, request, options);
  } finally {
    signal?.removeEventListener('abort', abort);
    finish?.removeEventListener('abort', askToFinish);
  }
}

function forkEngine(options: EngineOptions): StartedEngine {
  const child = fork(options.enginePath ?? defaultEnginePath(), [], {
    ...(options.emulator === undefined
      ? { execArgv: [] }
      : { execPath: options.emulator.path, execArgv: [...options.emulator.args, process.execPath] }),
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Inside VS Code the executable is Electron.
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', ORT_DISABLE_TELEMETRY: '1' },
  });

  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-4000)));
  child.stdout?.resume();
  const ended = new Promise<Ending>((resolve) => {
    child.once('error', (error) => {
      stderr += error.message;
      resolve({ exitCode: 1, signalName: null });
    });
    child.once('close', (exitCode, signalName) => resolve({ exitCode, signalName }));
  });

  return { child, ended, stderr: () => stderr };
}

async function follow(
  { child, ended, stderr }: StartedEngine,
  request: EngineRequest,
  options: EngineOptions,
): Promise<EngineOutcome> {
  const stays = options.series !== undefined && request.kind === 'run';
  const paths = 'config' in request && request.kind !== 'evaluate' ? runPaths(request) : null;
  const before = await reportIdentity(paths);
  let failure: Problem | undefined;
  let done = false as boolean;
  let serve: () => void = () => undefined;
  const served = new Promise<Ending>((resolve) => {
    serve = () => resolve({ exitCode: null, signalName: null });
  });
  const hear = (event: EngineEvent) => {
    if (event.type === 'failed') failure = event.problem;
    else if (event.type === 'done') {
      done = true;
      if (stays) serve();
    } else options.onEvent(event);
  };

  child.on('message', hear);
  child.send(stays ? { ...request, stays } : request, () => undefined);
  options.onStart?.((message) => child.send(message, () => undefined));
  const { exitCode, signalName } = await Promise.race([ended, served]);
  child.off('message', hear);
  if (done) return { code: 'ok' };
  if (paths !== null) await recoverOutput(paths);
  await removeScratch(child.pid);
  if (options.signal?.aborted === true)
    return { code: 'cancelled', written: (await reportIdentity(paths)) !== before };

  return { code: 'failed', problem: failure ?? crashProblem(exitCode, signalName, stderr()) };
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
