import { isIP } from 'node:net';
import type { RedisPlace } from '@quantsmith/scale';
import { fail } from '@quantsmith/schemas';

/** Between tries to reach a server that is gone. */
const RETRY_MS = 1000;

/** Reads `redis://user:password@host:port/database`; `rediss` with TLS. Throws `usage-invalid`, which never contains the password. */
export function redisPlace(text: string): RedisPlace {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') {
    return fail(
      'usage-invalid',
      'The address of Redis must be redis://[user:password@]host[:port][/database], or rediss:// for TLS.',
    );
  }

  const database = url.pathname === '' || url.pathname === '/' ? 0 : Number(url.pathname.slice(1));
  if (!Number.isInteger(database) || database < 0)
    return fail('usage-invalid', `"${url.pathname.slice(1)}" is not the number of a Redis database.`);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? 6379 : Number(url.port);

  return {
    name: `${url.protocol}//${url.hostname}:${port}/${database}`,
    options: {
      ...{ host, port, db: database },
      ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
      ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
      ...(url.protocol === 'rediss:' ? { tls: isIP(host) === 0 ? { servername: host } : {} } : {}),
      // BullMQ waits for a server that is gone.
      maxRetriesPerRequest: null,
      retryStrategy: () => RETRY_MS,
    },
  };
}
