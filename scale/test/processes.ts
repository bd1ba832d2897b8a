import { spawn, type ChildProcess } from 'node:child_process';
import { Redis } from 'ioredis';
import { spawnRedis } from '../../test/kit/redis.mjs';

/** Starts a Redis server that keeps nothing on disk; resolves when it answers. */
export async function startRedis(port: number, folder: string, password: string): Promise<ChildProcess> {
  const server = spawnRedis(port, folder, ['--requirepass', password]);
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
