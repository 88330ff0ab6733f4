import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { StoreUnavailableError } from '../../server/store/journal.ts';
import {
  checkEviction,
  connectRedis,
  type RedisClient,
} from '../../server/store/redis/connect-redis.ts';
import { keptMs, sessionKeys } from '../../server/store/redis/keys.ts';
import { redisJournal } from '../../server/store/redis/redis-journal.ts';
import { startRedis } from '../support/services/redis-service.ts';
import { freshRedis } from '../support/services/shared-services.ts';
import { describeJournal } from './journal-contract.ts';

describe('Redis', () => {
  let redis: RedisClient;
  beforeAll(async () => {
    redis = connectRedis((await freshRedis()).url, () => {});
    await redis.connect();
  });
  afterAll(() => redis.disconnect());

  describeJournal('Redis', () => {
    const journal = redisJournal(redis);
    return Promise.resolve({
      journal,
      isLasting: false,
      seed: async (sessionId, epoch, snapshot) => {
        await journal.startEpoch({ sessionId, ownerId: 'seed', term: 1, epoch, snapshot });
      },
    });
  });

  /** Four sessions in Redis, of which the second has another owner by now, and the third something else where its log was. */
  async function fourSessions(name: string, isAppendedTo: boolean) {
    const journal = redisJournal(redis);
    const snapshot = { kind: 'tally', version: 1, offset: 0, writers: [], state: {} };
    const sessions = ['one', 'two', 'three', 'four'].map((place) => ({
      sessionId: `${name}-${place}-0000000000`,
      ownerId: 'a',
      epoch: 'e1',
    }));
    for (const session of sessions) {
      await journal.startEpoch({ ...session, term: 1, snapshot });
      const first = { ...session, prev: 0, head: 1, entries: ['{"offset":1}'] };
      if (isAppendedTo) await journal.append(first);
    }
    const [, fenced, broken] = sessions;
    await redis.hset(sessionKeys(fenced?.sessionId ?? '').meta, 'owner', 'another');
    await redis.set(sessionKeys(broken?.sessionId ?? '').log, 'no stream');
    await redis.config('RESETSTAT');
    return { journal, snapshot, sessions };
  }

  /** What is wrong with one session's keys keeps no other from being written. */
  const eachItsOwn = [
    { value: 'appended' },
    { value: 'fenced' },
    { reason: expect.objectContaining({ name: 'StoreUnavailableError', isAboutSession: true }) },
    { value: 'appended' },
  ];

  test('sessions that are due together go in one call, each with its own answer', async () => {
    const { journal, sessions } = await fourSessions('together', false);
    const appended = await Promise.allSettled(
      sessions.map((session) =>
        journal.append({ ...session, prev: 0, head: 1, entries: ['{"offset":1}'] }),
      ),
    );
    expect(appended).toMatchObject(eachItsOwn);
    expect(await redis.info('commandstats')).toMatch(/cmdstat_eval(sha)?:calls=1,/);
  });

  test('sessions that are saved together are trimmed in one call, each with its own answer', async () => {
    const { journal, snapshot, sessions } = await fourSessions('trimmed', true);
    const trimmed = await Promise.allSettled(
      sessions.map((session) => journal.trim({ ...session, snapshot: { ...snapshot, offset: 1 } })),
    );
    expect(trimmed).toMatchObject(eachItsOwn);
    expect(await redis.info('commandstats')).toMatch(/cmdstat_eval(sha)?:calls=1,/);
    const offsets = sessions.map(async ({ sessionId }) => {
      const { snapshot: place } = sessionKeys(sessionId);
      return (JSON.parse((await redis.get(place)) ?? '{}') as { offset: number }).offset;
    });
    expect(await Promise.all(offsets)).toEqual([1, 0, 0, 1]);
  });

  test.each([
    ['no version', { version: '' }],
    ['no kind', { kind: '' }],
    ['a head that is no number', { head: 'x' }],
    ['a term that is no number', { term: 'x' }],
  ])(
    'sessions that are taken over together go in one call; one with %s is lost alone',
    async (name, damage) => {
      const { journal, sessions } = await fourSessions(`taken-${name.length}`, false);
      const [, damaged] = sessions;
      const { meta } = sessionKeys(damaged?.sessionId ?? '');
      for (const [field, value] of Object.entries(damage))
        await (value === '' ? redis.hdel(meta, field) : redis.hset(meta, field, value));
      const versions = { tally: 1 };
      const taken = await Promise.allSettled(
        sessions.map(({ sessionId }) => journal.takeOver({ sessionId, ownerId: 'b', versions })),
      );
      const seen = { value: { kind: 'taken', entries: [] } };
      const [, , broken] = eachItsOwn;
      expect(taken).toMatchObject([seen, { value: { kind: 'absent' } }, broken, seen]);
      expect(await redis.info('commandstats')).toMatch(/cmdstat_eval(sha)?:calls=1,/);
    },
  );

  test('an empty log is no key, and one that is begun again goes with its session', async () => {
    const journal = redisJournal(redis);
    const snapshot = { kind: 'tally', version: 1, offset: 0, writers: [], state: {} };
    const session = { sessionId: 'begun-again-0000000000', ownerId: 'a', epoch: 'e1' };
    const { log } = sessionKeys(session.sessionId);
    await journal.startEpoch({ ...session, term: 1, snapshot });
    expect(await redis.exists(log)).toBe(0);
    for (const prev of [0, 1, 2]) {
      const head = prev + 1;
      await journal.append({ ...session, prev, head, entries: [`{"offset":${head}}`] });
      expect(await redis.pttl(log)).toBeGreaterThan(keptMs / 2);
      // The second time one batch stays behind it.
      const offset = prev === 1 ? 1 : head;
      await journal.trim({ ...session, snapshot: { ...snapshot, offset } });
      expect(await redis.xlen(log)).toBe(head - offset);
      expect(await redis.exists(log)).toBe(head - offset);
    }
  });

  test('a Redis that would evict live sessions is refused', async () => {
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await expect(checkEviction(redis)).rejects.toThrow(/noeviction.*allkeys-lru/);
    await redis.config('SET', 'maxmemory-policy', 'noeviction');
    await expect(checkEviction(redis)).resolves.toBeUndefined();
  });
});

describe('a Redis that restarts', () => {
  test('continuity is not claimed after the process changed, and an append while it is away is unknown', async () => {
    const service = await startRedis();
    const redis = connectRedis(service.url, () => {});
    await redis.connect();
    const journal = redisJournal(redis);
    const snapshot = { kind: 'tally', version: 1, offset: 0, writers: [], state: {} };
    const session = { sessionId: 'restarted-session-00000', ownerId: 'a' };
    await journal.startEpoch({ ...session, term: 1, epoch: 'e1', snapshot });
    const claim = { ...session, versions: { tally: 1 } };
    expect(await journal.takeOver({ ...claim, ownerId: 'b' })).toMatchObject({
      isContinuous: true,
    });
    await redis.save();
    await service.kill();
    const late = journal.append({
      ...session,
      ownerId: 'b',
      epoch: 'e1',
      prev: 0,
      head: 1,
      entries: [],
    });
    await expect(late).rejects.toThrow(StoreUnavailableError);
    await service.restart({ keepData: true });
    redis.disconnect();
    const again = connectRedis(service.url, () => {});
    await again.connect();
    // The name of a former owner may have been rolled back in: nothing lands before a new epoch begins.
    const batch = { ...session, ownerId: 'b', epoch: 'e1', prev: 0, head: 1, entries: [] };
    expect(await redisJournal(again).append(batch)).toBe('behind');
    const recovered = await redisJournal(again).takeOver({ ...claim, ownerId: 'c' });
    expect(recovered).toMatchObject({ kind: 'taken', isContinuous: false });
    again.disconnect();
    await service.stop();
  });
});

describe('a Redis without memory', () => {
  test('[R11] an epoch does not begin there, and what was trimmed is free all the same', async () => {
    const service = await startRedis();
    const redis = connectRedis(service.url, () => {});
    await redis.connect();
    const journal = redisJournal(redis);
    const place = { sessionId: 'session-without-memory', ownerId: 'a', epoch: 'e1' };
    const snapshot = { kind: 'tally', version: 1, offset: 0, writers: [], state: {} };
    const entry = { offset: 1, writer: 0, seq: 1, at_ms: 5, hash: 'x', events: [] };
    await journal.startEpoch({ ...place, term: 1, snapshot });
    await journal.append({ ...place, prev: 0, head: 1, entries: [JSON.stringify(entry)] });
    await redis.config('SET', 'maxmemory', '1');
    const start = { ...place, term: 1, epoch: 'e2', snapshot: { ...snapshot, offset: 1 } };
    await expect(journal.startEpoch(start)).rejects.toThrow(StoreUnavailableError);
    expect(await journal.peek(place.sessionId)).toMatchObject({ epoch: 'e1', entries: [entry] });
    expect(await journal.trim({ ...place, snapshot: start.snapshot })).toBe('appended');
    expect(await redis.xlen(sessionKeys(place.sessionId).log)).toBe(0);
    redis.disconnect();
    await service.stop();
  });
});
