import { describe, expect, test } from 'vitest';

import { ConfigError, readConfig } from '../server/config.ts';

const good = {
  DATABASE_URL: 'postgres://localhost/trackstand',
  TRACKSTAND_SECRET: 'x'.repeat(32),
};

describe('config', () => {
  test('what is not set has its default', () => {
    expect(readConfig(good)).toMatchObject({
      host: '127.0.0.1',
      port: 3000,
      redisUrl: undefined,
      checkpointMs: 5_000,
      logLevel: 'info',
    });
  });

  test('an empty variable counts as not set', () => {
    expect(readConfig({ ...good, PORT: '', REDIS_URL: '' })).toMatchObject({ port: 3000 });
  });

  test('a Unix socket may take the place of host and port, as far as the system takes its path', () => {
    const path = (length: number) => `/${'x'.repeat(length - 1)}`;
    const listen = (length: number) => readConfig({ ...good, LISTEN: `unix:${path(length)}` });
    expect(listen(107).socketPath).toBe(path(107));
    expect(() => listen(108)).toThrow(/LISTEN/);
  });

  test('every fault is told at once, each in one sentence', () => {
    const environment = {
      PORT: '70000',
      REDIS_URL: 'http://x',
      TRACKSTAND_SECRET: 'short',
      LOG_LEVEL: 'loud',
      LISTEN: 'unix:run/a.sock',
    };
    const read = () => readConfig(environment);
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(
      [
        'PORT must be a whole number from 0 to 65535.',
        'LISTEN must be unix: and an absolute path of 107 bytes at most.',
        'DATABASE_URL is not set.',
        'REDIS_URL must begin with redis://, redis+sentinel:// or redis+cluster://, or with rediss for TLS.',
        'TRACKSTAND_SECRET must have 32 characters or more.',
        'LOG_LEVEL must be one of debug, info, warn, error, silent.',
      ].join('\n'),
    );
  });

  test('a fault does not repeat what was given: it may be a secret', () => {
    expect(() => readConfig({ ...good, TRACKSTAND_SECRET: 'hunter2' })).not.toThrow(/hunter2/);
  });
});
