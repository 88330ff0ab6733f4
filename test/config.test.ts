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
      hashCost: 12,
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
        'TRACKSTAND_SECRET must have 32 characters or more; up to 8 such keys are separated by commas.',
        'LOG_LEVEL must be one of debug, info, warn, error, silent.',
      ].join('\n'),
    );
  });

  test('lists have commas; keys, origins and proxies are looked at one by one', () => {
    const environment = {
      ...good,
      TRACKSTAND_SECRET: `${'a'.repeat(32)}, ${'b'.repeat(32)}`,
      ALLOWED_ORIGINS: 'https://coach.example, http://localhost:5173',
      TRUSTED_PROXIES: '10.0.0.0/8, fd00::/8, 192.0.2.1',
    };
    expect(readConfig(environment)).toMatchObject({
      secrets: ['a'.repeat(32), 'b'.repeat(32)],
      allowedOrigins: ['https://coach.example', 'http://localhost:5173'],
      trustedProxies: ['10.0.0.0/8', 'fd00::/8', '192.0.2.1'],
    });
    expect(readConfig({ ...good, TRUSTED_PROXIES: 'none' }).trustedProxies).toEqual([]);
    expect(readConfig(good).trustedProxies).toEqual(['127.0.0.1', '::1']);
  });

  test('a service outside is reached over TLS, or is this machine’s own, or is none', () => {
    const urlOf = (text: string) => readConfig({ ...good, INTERVALS_URL: text }).intervalsUrl;
    expect(urlOf('')).toBe('https://intervals.icu/api/v1');
    expect(urlOf('https://stand-in.example/api/')).toBe('https://stand-in.example/api');
    expect(urlOf('http://127.0.0.1:8080/api/v1')).toBe('http://127.0.0.1:8080/api/v1');
    expect(urlOf('none')).toBeUndefined();
  });

  test.each([
    ['TRACKSTAND_SECRET', `${'a'.repeat(32)},short`],
    ['TRACKSTAND_SECRET', Array.from({ length: 9 }, () => 'a'.repeat(32)).join(',')],
    ['ALLOWED_ORIGINS', '*'],
    ['ALLOWED_ORIGINS', 'https://coach.example/'],
    ['INTERVALS_URL', 'http://intervals.icu/api/v1'],
    ['INTERVALS_URL', 'https://key@intervals.icu/api/v1'],
    ['INTERVALS_URL', 'https://intervals.icu/?api='],
    ['INTERVALS_URL', 'http://127.0.0.1.example/'],
    ['TRUSTED_PROXIES', '10.0.0.0/33'],
    ['TRUSTED_PROXIES', 'proxy.example'],
    ['TRUSTED_PROXIES', '10.0.0.1,'],
  ])('%s = %s is a fault', (variable, value) => {
    expect(() => readConfig({ ...good, [variable]: value })).toThrow(variable);
  });

  test('a fault does not repeat what was given: it may be a secret', () => {
    expect(() => readConfig({ ...good, TRACKSTAND_SECRET: 'hunter2' })).not.toThrow(/hunter2/);
  });
});
