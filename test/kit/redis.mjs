import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';

/** Debian's Redis server is this file too; which of them it is follows from the name that it is called by. */
const PROGRAM = '/usr/bin/redis-check-rdb';

/** Whether a Redis server can be started here. */
export const hasRedis = existsSync(PROGRAM);

/** A port that nobody listens on. */
export function freePort() {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : 0));
    });
  });
}

/** A Redis server of this machine alone that keeps nothing on disk. */
export function spawnRedis(port, folder, more = []) {
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  return spawn(PROGRAM, [...options, '--dir', folder, ...more], { argv0: 'redis-server', stdio: 'ignore' });
}
