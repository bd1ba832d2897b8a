import { describe, expect, it } from 'vitest';
import { redisPlace } from '../src/run/redisPlace.js';

describe('the address of Redis', () => {
  it('names user, password, database and TLS, and is shown without the first two', () => {
    const { name, options } = redisPlace('rediss://me:p%40ss@host.example:7000/3');
    expect(options).toMatchObject({
      host: 'host.example',
      port: 7000,
      db: 3,
      username: 'me',
      password: 'p@ss',
    });
    expect(options.tls).toEqual({ servername: 'host.example' });
    expect(name).toBe('rediss://host.example:7000/3');
    expect(redisPlace('redis://[::1]').options).toMatchObject({ host: '::1', port: 6379, db: 0 });
    expect(redisPlace('redis://host').options.tls).toBeUndefined();
  });

  it.each(['', 'host', 'http://user:secret@host', 'redis://:secret@host/x', 'redis:///0'])(
    'is refused without showing a password: %s',
    (address) => {
      const refused = () => redisPlace(address);
      expect(refused).toThrow(/Redis/);
      expect(refused).not.toThrow(/secret/);
    },
  );
});
