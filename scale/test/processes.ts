import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { Redis } from 'ioredis';

/** Debian's Redis server is this file too; which of them it is follows from the name that it is called by. */
const PROGRAM = '/usr/bin/redis-check-rdb';

/** Whether tests can start a Redis server. */
export const hasRedis = existsSync(PROGRAM);

/** A port that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : 0));
    });
  });
}

/** Starts a Redis server that keeps nothing on disk; resolves when it answers. */
export async function startRedis(port: number, folder: string, password: string): Promise<ChildProcess> {
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--requirepass', password];
  const memory = ['--save', '', '--appendonly', 'no', '--dir', folder];
  const server = spawn(PROGRAM, [...options, ...memory], { argv0: 'redis-server', stdio: 'ignore' });
  const client = new Redis({ port, host: '127.0.0.1', password, retryStrategy: () => 50 });
  client.on('error', () => undefined);
  await client.ping();
  client.disconnect();
  return server;
}

/** A process of the command line, with what it has said on standard error so far. */
export interface Command {
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly ended: Promise<number | null>;
  /** Resolves when it has said this, or has ended. */
  readonly until: (text: string) => Promise<void>;
}

export function startCommand(cli: string, args: readonly string[], env: NodeJS.ProcessEnv): Command {
  const child = spawn(process.execPath, [cli, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  const listeners = new Set<() => void>();
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    for (const listener of listeners) listener();
  });
  child.stdout.resume();
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    child,
    said: () => text,
    ended,
    until: (wanted) =>
      new Promise((resolve) => {
        const look = () => text.includes(wanted) && resolve();
        listeners.add(look);
        look();
        void ended.then(() => resolve());
      }),
  };
}
