import { randomBytes } from 'node:crypto';

import * as fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { StoreUnavailableError } from '../../server/store/journal.ts';
import {
  checkEviction,
  connectRedis,
  isRedisUp,
  masterOf,
  type RedisClient,
} from '../../server/store/redis/connect-redis.ts';
import { hashSlot } from '../../server/store/redis/hash-slot.ts';
import { sessionKeys } from '../../server/store/redis/keys.ts';
import { redisJournal } from '../../server/store/redis/redis-journal.ts';
import {
  startRedisCluster,
  type RedisClusterService,
} from '../support/services/redis-cluster-service.ts';
import { describeJournal } from './journal-contract.ts';

const snapshot = { kind: 'tally', version: 1, offset: 0, writers: [], state: {} };
const entryAt = (offset: number): string =>
  JSON.stringify({ offset, writer: 0, seq: offset, at_ms: 5, hash: 'x', events: [] });

let cluster: RedisClusterService;
let redis: RedisClient;
beforeAll(async () => {
  cluster = await startRedisCluster();
  redis = connectRedis(cluster.url, () => {});
  await redis.connect();
});
afterAll(async () => {
  redis.disconnect();
  await cluster.stop();
});

/** A session in that slot's master, as long as the ids go on. */
async function sessionAt(master: number): Promise<string> {
  for (;;) {
    const sessionId = randomBytes(16).toString('base64url');
    const slot = await cluster.slotOf(sessionKeys(sessionId).meta);
    if ((await cluster.masterOf(slot)) === master) return sessionId;
  }
}

describe('a cluster', () => {
  describeJournal('Redis Cluster', () => {
    const journal = redisJournal(redis);
    return Promise.resolve({
      journal,
      isLasting: false,
      seed: async (sessionId, epoch, snapshot) => {
        await journal.startEpoch({ sessionId, ownerId: 'seed', term: 1, epoch, snapshot });
      },
    });
  });

  test('all keys of a session are in one slot, and it is the one the server says', async () => {
    const sessionId = fc.stringMatching(/^[A-Za-z0-9_-]{22,36}$/);
    await fc.assert(
      fc.asyncProperty(sessionId, async (sessionId) => {
        const keys = Object.values(sessionKeys(sessionId));
        const slots = await Promise.all(keys.map((key) => cluster.slotOf(key)));
        expect(new Set(slots)).toEqual(new Set(keys.map(hashSlot)));
        expect(new Set(slots).size).toBe(1);
      }),
    );
  });

  test('slots of any key are those of the server, whatever its braces', async () => {
    const key = fc.string({ unit: fc.constantFrom('{', '}', 'a', 'ß', '\n', '€') });
    await fc.assert(
      fc.asyncProperty(key, async (key) => {
        expect(hashSlot(key)).toBe(await cluster.slotOf(key));
      }),
    );
  });

  test('one master that would evict live sessions is enough to be refused', async () => {
    const last = new Redis(cluster.masters.at(-1)?.url ?? '');
    await last.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await expect(checkEviction(redis)).rejects.toThrow(/noeviction.*allkeys-lru/);
    await last.config('SET', 'maxmemory-policy', 'noeviction');
    await expect(checkEviction(redis)).resolves.toBeUndefined();
    last.disconnect();
  });

  test('a slot that moves takes along all that was appended, and nothing lands where it came to before a new epoch', async () => {
    const journal = redisJournal(redis);
    const sessionId = await sessionAt(0);
    const slot = await cluster.slotOf(sessionKeys(sessionId).meta);
    let owner = { sessionId, ownerId: 'owner 0', epoch: 'e0' };
    let head = 0;
    await journal.startEpoch({ ...owner, term: 1, snapshot });
    const append = (): Promise<string> => {
      const place = { prev: head, head: head + 1 };
      return journal.append({ ...owner, ...place, entries: [entryAt(place.head)] });
    };
    for (const [index, to] of [1, 2, 0, 1].entries()) {
      const arrived: string[] = [];
      let late = Promise.resolve('');
      await cluster.moveSlot(slot, to, async (phase) => {
        if (phase === 'announced') {
          arrived.push(await append());
          head++;
        }
        // While the keys are apart there is no answer: it comes when they are together again.
        if (phase === 'split') late = late.then(append);
        if (phase === 'moved') arrived.push(await late);
      });
      expect(arrived).toEqual(['appended', 'behind']);
      owner = { ...owner, ownerId: `owner ${index + 1}`, epoch: `e${index + 1}` };
      const taken = await journal.takeOver({ ...owner, versions: { tally: 1 } });
      expect(taken).toMatchObject({ kind: 'taken', epoch: `e${index}`, isContinuous: false });
      expect(taken.kind === 'taken' && taken.entries.map(({ offset }) => offset)).toEqual([head]);
      const term = index + 2;
      const start = { ...owner, term, snapshot: { ...snapshot, offset: head } };
      expect(await journal.startEpoch(start)).toBe('appended');
    }
  });

  test('an ask for keys that are nowhere yet, while their slot moves, is about that session alone', async () => {
    const journal = redisJournal(redis);
    const sessionId = await sessionAt(0);
    const claim = { sessionId, ownerId: 'a', versions: { tally: 1 } };
    const slot = await cluster.slotOf(sessionKeys(sessionId).meta);
    await cluster.moveSlot(slot, 1, async (phase) => {
      if (phase !== 'announced') return;
      const refused = await journal.takeOver(claim).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(StoreUnavailableError);
      expect(refused).toMatchObject({ isAboutSession: true });
    });
    expect(await journal.takeOver(claim)).toEqual({ kind: 'absent' });
  });

  test('a master frozen while a slot moves to it costs a time-out, not the process', async () => {
    const journal = redisJournal(redis);
    const sessionId = await sessionAt(0);
    const claim = { sessionId, ownerId: 'a', versions: { tally: 1 } };
    const slot = await cluster.slotOf(sessionKeys(sessionId).meta);
    await cluster.moveSlot(slot, 1, async (phase) => {
      if (phase !== 'announced') return;
      const frozen = cluster.masters[1]?.pid() ?? 0;
      process.kill(frozen, 'SIGSTOP');
      await expect(journal.takeOver(claim)).rejects.toThrow(StoreUnavailableError);
      process.kill(frozen, 'SIGCONT');
    });
    await vi.waitFor(async () => expect(await isRedisUp(redis)).toBe(true), 120_000);
  });

  test('with one master gone the cluster is not up, and sessions of the others do not notice', async () => {
    const journal = redisJournal(redis);
    const [gone, stays] = [await sessionAt(2), await sessionAt(0)];
    expect(masterOf(redis, gone)).not.toBe(masterOf(redis, stays));
    expect(await isRedisUp(redis)).toBe(true);
    await cluster.masters[2]?.kill();
    const start = { ownerId: 'a', term: 1, epoch: 'e1', snapshot };
    await expect(journal.startEpoch({ ...start, sessionId: gone })).rejects.toThrow(
      StoreUnavailableError,
    );
    expect(await journal.startEpoch({ ...start, sessionId: stays })).toBe('appended');
    expect(await isRedisUp(redis)).toBe(false);
    await cluster.masters[2]?.restart({ keepData: true });
    await vi.waitFor(async () => expect(await isRedisUp(redis)).toBe(true), 120_000);
    expect(await journal.startEpoch({ ...start, sessionId: gone })).toBe('appended');
  });
});
