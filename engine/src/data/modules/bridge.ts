import { fork, type ChildProcess } from 'node:child_process';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { bundlePath } from '../../processes/bundles.js';
import { endGroup, HAS_GROUPS } from '../../processes/group.js';
import {
  TELL,
  type BridgeMessage,
  type BridgeRequest,
  type HostMessage,
  type ModuleEnd,
} from './messages.js';

/** What the thread is given. */
export interface BridgeData {
  /** Answers that the engine's thread waits for go here, and wake it. */
  readonly port: MessagePort;
  readonly signal: SharedArrayBuffer;
  /** Seconds without an answer, and bytes. */
  readonly timeLimit: number;
  readonly memoryLimit: number;
}

const MAX_LINES = 1000;
const MAX_LINE = 2000;

/**
 * Entry of a thread that holds the process of one module. It is a thread of its own so that the engine's can wait for an answer
 * (a metric's value is asked for in the middle of a computation), while limits hold and the module's console is read.
 */
if (parentPort !== null) hold(parentPort, workerData as BridgeData);

function hold(engine: MessagePort, { port, signal, timeLimit, memoryLimit }: BridgeData): void {
  const calls = new Map<number, BridgeRequest>();
  let end: ModuleEnd | null = null;
  const child = forkHost(memoryLimit);
  const answer = (call: number, message: Extract<BridgeMessage, { readonly call: number }>) => {
    const request = calls.get(call);
    if (request === undefined) return;
    calls.delete(call);
    restartClock();
    if (request.wait) {
      port.postMessage(message);
      wake(signal);
    } else engine.postMessage(message);
  };

  const finish = (reason: ModuleEnd) => {
    if (end === null && child.pid !== undefined) endGroup(child.pid);
    end ??= reason;
    for (const call of [...calls.keys()]) answer(call, { call, end });
  };

  const fault = ({ message }: Error) => finish({ reason: 'uncaught', thrown: { message, stack: '' } });

  let timer: NodeJS.Timeout | undefined;
  const restartClock = () => {
    clearTimeout(timer);
    if (calls.size > 0) timer = setTimeout(() => finish({ reason: 'time' }), timeLimit * 1000);
  };

  engine.on('message', (request: BridgeRequest) => {
    calls.set(request.call, request);
    if (calls.size === 1) restartClock();
    if (end !== null) finish(end);
    else
      child.send(request, (error) => {
        if (error !== null) fault(error);
      });
  });
  child.on('message', (message: HostMessage) => {
    // What the module wrote before it answered is read first.
    setImmediate(() => {
      if ('uncaught' in message) finish({ reason: 'uncaught', thrown: message.uncaught });
      else answer(message.call, message);
    });
  });
  child.on('error', fault);
  child.stdio[TELL]?.on('data', () => finish({ reason: 'memory' }));
  const lastErrors = readConsole(child, (console) => engine.postMessage({ console } satisfies BridgeMessage));
  // What it has started may hold its console open, without which it is not closed.
  child.on('exit', () => child.pid !== undefined && endGroup(child.pid));
  child.on('close', (code, killed) => {
    const isMemory = /heap out of memory|Reached heap limit/.test(lastErrors());
    finish(isMemory ? { reason: 'memory' } : { reason: 'ended', code, signal: killed });
  });
}

function forkHost(memoryLimit: number): ChildProcess {
  return fork(bundlePath('moduleHost'), [String(memoryLimit)], {
    execArgv: [`--max-old-space-size=${Math.ceil(memoryLimit / 2 ** 20)}`],
    serialization: 'advanced',
    detached: HAS_GROUPS,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
  });
}

/** Wakes the engine's thread, which waits for a signal. */
function wake(signal: SharedArrayBuffer): void {
  const woken = new Int32Array(signal);
  Atomics.store(woken, 0, 1);
  Atomics.notify(woken, 0);
}

/** Shows what the process writes; gives the last that it wrote to its standard error. */
function readConsole(child: ChildProcess, show: (lines: readonly string[]) => void): () => string {
  const stream = consoleTo(show);
  child.stdout?.setEncoding('utf8').on('data', stream());

  let errors = '';
  const showError = stream();
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-4000);
    showError(text);
  });

  return () => errors;
}

/** Whole lines of several streams, up to a number of them; what comes after it is read and dropped. */
function consoleTo(show: (lines: readonly string[]) => void): () => (text: string) => void {
  let count = 0;
  return () => {
    let rest = '';
    return (text) => {
      if (count > MAX_LINES) return;
      const lines = (rest + text).split('\n');
      rest = (lines.pop() ?? '').slice(0, MAX_LINE);
      const shown = lines.slice(0, MAX_LINES - count).map((line) => line.slice(0, MAX_LINE));
      count += lines.length;
      if (count > MAX_LINES) shown.push('… (further output is not shown)');
      if (shown.length > 0) show(shown);
    };
  };
}
