import { basename } from 'node:path';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { fail, type ConfigPath, type Problem } from '@quantsmith/schemas';
import { bundlePath } from '../../processes/bundles.js';
import type { BridgeData } from './bridge.js';
import { placeIn } from './place.js';
import type { BridgeMessage, BridgeRequest, ModuleEnd, ModuleRequest, Thrown } from './messages.js';

/** What modules may take. */
export interface ModuleLimits {
  /** Seconds that a module may take to answer. */
  readonly timeLimit: number;
  /** GiB that its process may take. */
  readonly memoryLimit: number;
}

export interface ModuleOptions extends ModuleLimits {
  /** Lines that a module has printed, and its file's name. */
  readonly onConsole?: (module: string, lines: readonly string[]) => void;
}

/** Those of a config that says nothing of modules. */
const DEFAULT_OPTIONS: ModuleOptions = { timeLimit: 60, memoryLimit: 4 };

export interface ModuleSubject {
  readonly role: 'loader' | 'metric';
  /** Absolute. */
  readonly path: string;
  readonly configPath: ConfigPath;
}

/** A module in a process of its own. What it throws, or ends in, is `loader-failed` or `metric-failed`. */
export interface ModuleProcess {
  /** `what`: what the module is asked for, for messages: "at sample 3". */
  readonly ask: (purpose: ModulePurpose, request: ModuleRequest) => Promise<unknown>;
  /** The same, and the thread waits. */
  readonly askNow: (purpose: ModulePurpose, request: ModuleRequest) => unknown;
}

interface ModulePurpose {
  /** "to start", "at sample 3". */
  readonly text: string;
  /** The sample's name. */
  readonly sample?: string;
}

/** The process starts at once, and ends with this one. */
export function openModule(subject: ModuleSubject, options: ModuleOptions = DEFAULT_OPTIONS): ModuleProcess {
  const { port1, port2 } = new MessageChannel();
  const signal = new SharedArrayBuffer(4);
  const woken = new Int32Array(signal);
  const data: BridgeData = {
    port: port2,
    signal,
    timeLimit: options.timeLimit,
    memoryLimit: options.memoryLimit * 2 ** 30,
  };
  const bridge = new Worker(bundlePath('moduleBridge'), { workerData: data, transferList: [port2] });
  const waiting = new Map<number, (message: Answer) => void>();
  let next = 0;
  bridge.unref();
  bridge.on('message', (message: BridgeMessage) => {
    if ('console' in message) {
      options.onConsole?.(basename(subject.path), message.console);
      return;
    }

    const settle = waiting.get(message.call);
    waiting.delete(message.call);
    if (waiting.size === 0) bridge.unref();
    settle?.(message);
  });

  bridge.on('error', (error) => {
    const thrown = { message: error.message, stack: '' };
    for (const [call, settle] of waiting) settle({ call, thrown });
    waiting.clear();
  });

  const valueOf = (purpose: ModulePurpose, message: Answer): unknown => {
    if ('value' in message) return message.value;
    const failure = 'thrown' in message ? thrownText(message.thrown) : endText(message.end, options);
    return failModule(subject, purpose, failure);
  };

  return {
    async ask(purpose, request) {
      const call = next++;
      const answer = new Promise<Answer>((resolve) => waiting.set(call, resolve));
      bridge.ref();
      bridge.postMessage({ call, wait: false, request } satisfies BridgeRequest);
      return valueOf(purpose, await answer);
    },
    askNow(purpose, request) {
      Atomics.store(woken, 0, 0);
      bridge.postMessage({ call: next++, wait: true, request } satisfies BridgeRequest);
      Atomics.wait(woken, 0, 0);
      const { message } = receiveMessageOnPort(port1) as { readonly message: Answer };
      return valueOf(purpose, message);
    },
  };
}

type Answer = Extract<BridgeMessage, { readonly call: number }>;

interface Failure {
  readonly text: string;
  readonly stack: string;
}

const thrownText = ({ message, stack }: Thrown): Failure => ({ text: message, stack });

function endText(end: ModuleEnd, { timeLimit, memoryLimit }: ModuleOptions): Failure {
  switch (end.reason) {
    case 'uncaught':
      return thrownText(end.thrown);
    case 'time':
      return { text: `it did not answer within ${timeLimit} s (modules.time_limit)`, stack: '' };
    case 'memory':
      return { text: `it used more than ${memoryLimit} GiB of memory (modules.memory_limit)`, stack: '' };
    case 'ended': {
      const how = end.signal === null ? `with code ${end.code}` : `by ${end.signal}`;
      return { text: `its process ended ${how}`, stack: '' };
    }
  }
}

/** Throws `loader-failed` or `metric-failed`. */
function failModule(
  { role, path, configPath }: ModuleSubject,
  { text: purpose, sample }: ModulePurpose,
  { text, stack }: Failure,
): never {
  const place = placeIn(stack, path);
  const other = place === null || place.file === path ? '' : ` of ${place.file}`;
  const line = place === null ? '' : `, line ${place.line}${other}`;
  const code: Problem['code'] = role === 'loader' ? 'loader-failed' : 'metric-failed';

  return fail(code, `The ${role} ${path} failed ${purpose}${line}: ${text.replace(/\.$/, '')}.`, {
    file: place?.file ?? path,
    configPath,
    data: { line: place?.line ?? null, stack, ...(sample === undefined ? {} : { sample }) },
  });
}
