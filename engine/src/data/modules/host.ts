import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createRequire, register, syncBuiltinESMExports } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { bundlePath } from '../../processes/bundles.js';
import { endGroup } from '../../processes/group.js';
import { endWithParent } from '../../processes/parent.js';
import { helpersFor } from './helpers.js';
import { startLoader } from './loaderHost.js';
import {
  TELL,
  type BridgeRequest,
  type HostMessage,
  type ModuleRequest,
  type Started,
  type StartedModule,
} from './messages.js';
import { startMetric } from './metricHost.js';
import { thrownBy } from './thrown.js';

/**
 * Entry of a module's process: the only place where code of a workspace runs. Its argument is the memory that it may take, in
 * bytes; it gets requests over IPC, and answers each.
 */
process.on('message', ({ call, request }: BridgeRequest) => {
  void answerTo(request).then(
    (value) => {
      send({ call, value });
    },
    (error: unknown) => {
      send({ call, thrown: thrownBy(error) });
    },
  );
});
process.once('disconnect', () => {
  endGroup(process.pid);
});
for (const event of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(event, (error: unknown) => {
    send({ uncaught: thrownBy(error) });
  });

endWithParent({ leads: true, memory: { most: Number(process.argv[2]), tell: TELL } });
process.exit = (code) => {
  throw new Error(`process.exit(${code ?? ''}) was called`);
};

syncBuiltinESMExports();
const files = new MessageChannel();
register(pathToFileURL(bundlePath('moduleHooks')), {
  data: { port: files.port2 },
  transferList: [files.port2],
});

let started: StartedModule | null = null;

async function answerTo(request: ModuleRequest): Promise<unknown> {
  if (request.kind !== 'start') return started!.answer(request);
  const { cache } = createRequire(import.meta.url);
  const before = new Set(Object.keys(cache));
  const exported = await defaultOf(request.path);
  const asked = new Set<string>();
  const helpers = helpersFor(request.baseDir, (path) => asked.add(path));
  started =
    request.role === 'loader'
      ? await startLoader(exported, { ...helpers, inputs: request.inputs })
      : await startMetric(exported, helpers);

  const required = Object.keys(cache).filter((path) => !before.has(path));

  // All that a loader reads is in the samples that it gives; what a metric reads is known by this alone.
  const read = request.role === 'metric' ? [...asked].filter(isReadable) : [];

  return {
    ...started.facts,
    identity: identityOf([...importedFiles(), ...required, ...read]),
  } satisfies Started;
}

/** Throws what the module throws; Node's syntax errors do not say where they are, but for a check of the file alone. */
async function defaultOf(path: string): Promise<unknown> {
  try {
    const module = (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
    return module.default;
  } catch (error) {
    if (error instanceof SyntaxError) placeSyntaxError(error);
    throw error;
  }
}

function placeSyntaxError(error: SyntaxError): void {
  const scripts = importedFiles().filter((file) => /\.[cm]?js$/.test(file));
  for (const file of scripts.reverse()) {
    const { stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' });
    const [place = ''] = stderr.split('\n');
    if (/:\d+$/.test(place)) error.stack = `${place}\n${error.stack}`;
  }
}

/** The files that the hook has been asked for so far. */
function importedFiles(): string[] {
  const links: string[] = [];
  for (;;) {
    const next = receiveMessageOnPort(files.port1) as { readonly message: string } | undefined;
    if (next === undefined) return links;
    links.push(fileURLToPath(next.message));
  }
}

/** Tables, vocabularies and the like: what is larger is data. */
const MAX_READ_BYTES = 256 * 2 ** 20;

function isReadable(path: string): boolean {
  const info = statSync(path, { throwIfNoEntry: false });
  return info?.isFile() === true && info.size <= MAX_READ_BYTES;
}

/** The same for the same files, wherever they lie. */
function identityOf(paths: readonly string[]): string {
  const hashes = [...new Set(paths)].map((path) =>
    createHash('sha256').update(readFileSync(path)).digest('hex'),
  );

  return createHash('sha256').update(hashes.sort().join()).digest('hex');
}

function send(message: HostMessage): void {
  // What cannot be sent (a function in a label) is an answer too.
  try {
    process.send?.(message);
  } catch (error) {
    if ('call' in message) process.send?.({ call: message.call, thrown: thrownBy(error) });
  }
}
