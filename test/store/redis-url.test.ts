import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { parseRedisUrl } from '../../server/store/redis/redis-url.ts';

const nobody = { isEncrypted: false, credentials: {} };

describe('the URL of Redis', () => {
  test('one server: port and database have their defaults', () => {
    expect(parseRedisUrl('redis://localhost')).toEqual({
      value: {
        ...nobody,
        kind: 'server',
        address: { host: 'localhost', port: 6_379 },
        database: 0,
      },
    });
    expect(parseRedisUrl('rediss://ada:p%40ss%3A@[::1]:7000/5')).toEqual({
      value: {
        isEncrypted: true,
        credentials: { username: 'ada', password: 'p@ss:' },
        kind: 'server',
        address: { host: '::1', port: 7_000 },
        database: 5,
      },
    });
  });

  test('a password without a user is the default user’s', () => {
    expect(parseRedisUrl('redis://:secret@h')).toMatchObject({
      value: { credentials: { password: 'secret' } },
    });
  });

  test('sentinels: a list, the master’s name, and credentials of their own', () => {
    const url =
      'redis+sentinel://u:p@s1,s2:5000/my-master?db=3&sentinel_user=w&sentinel_password=x%26y';
    expect(parseRedisUrl(url)).toEqual({
      value: {
        isEncrypted: false,
        credentials: { username: 'u', password: 'p' },
        kind: 'sentinel',
        sentinels: [
          { host: 's1', port: 26_379 },
          { host: 's2', port: 5_000 },
        ],
        masterName: 'my-master',
        database: 3,
        sentinelCredentials: { username: 'w', password: 'x&y' },
      },
    });
  });

  test('a cluster: a list of nodes to begin with', () => {
    expect(parseRedisUrl('rediss+cluster://:p@a:1,b:2,c')).toEqual({
      value: {
        isEncrypted: true,
        credentials: { password: 'p' },
        kind: 'cluster',
        nodes: [
          { host: 'a', port: 1 },
          { host: 'b', port: 2 },
          { host: 'c', port: 6_379 },
        ],
      },
    });
  });

  test.each([
    ['http://x', 'must begin with redis://'],
    ['redis+other://x', 'must begin with redis://'],
    ['', 'must begin with redis://'],
    ['redis://', 'must name its hosts as host or host:port'],
    ['redis://a b', 'must name its hosts as host or host:port'],
    ['redis://a:99999', 'must name its hosts as host or host:port'],
    ['redis+cluster://a,,b', 'must name its hosts as host or host:port'],
    ['redis://a,b', 'must name one host'],
    ['redis://a/x', 'must name its database by a number'],
    ['redis://a?password=x', 'must have no parameters'],
    ['redis+cluster://a/1', 'must end after its hosts'],
    ['redis+cluster://a?db=1', 'must have no parameters'],
    ['redis+sentinel://a', 'must name the master'],
    ['redis+sentinel://a/', 'must name the master'],
    ['redis+sentinel://a/m/1', 'must name the master'],
    ['redis+sentinel://a/m?db=x', 'must name its database by a number'],
    ['redis+sentinel://a/m?password=x', 'must have no parameters but db, '],
    ['redis://u:50%@a', 'must have every % of its parts written as %25'],
    ['redis://u:a#b@h', 'must have no #'],
  ])('%s is refused in one sentence', (url, fault) => {
    const parsed = parseRedisUrl(url);
    expect(parsed).toEqual({ fault: expect.stringContaining(fault) as string });
  });

  test('whatever a password is made of, it is read, and never part of a fault', () => {
    const password = fc.string({ minLength: 1, unit: 'binary' });
    fc.assert(
      fc.property(password, (password) => {
        const written = encodeURIComponent(password);
        expect(parseRedisUrl(`redis://u:${written}@h`)).toMatchObject({
          value: { credentials: { username: 'u', password } },
        });
      }),
    );
    const secret = 'hunter2';
    for (const end of ['', 'h:x', 'h/x', 'h?x', 'h,', 'h#', '%'])
      for (const kind of ['redis', 'redis+sentinel', 'redis+cluster', 'ftp']) {
        const parsed = parseRedisUrl(`${kind}://u:${secret}@${end}`);
        expect('fault' in parsed && parsed.fault).not.toEqual(expect.stringContaining(secret));
      }
  });
});
