import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { SessionLog } from '../../server/session/session-log.ts';
import {
  StoreUnavailableError,
  type AppendResult,
  type Journal,
} from '../../server/store/journal.ts';
import { connectRedis, type RedisClient } from '../../server/store/redis/connect-redis.ts';
import { redisJournal } from '../../server/store/redis/redis-journal.ts';
import { applyEntry, genesis } from '../../shared/session/fold.ts';
import { manualClock } from '../support/manual-clock.ts';
import { memoryJournal } from '../support/memory-journal.ts';
import { newIncarnation } from '../support/raw-client.ts';
import { freshRedis } from '../support/services/shared-services.ts';
import { tally } from '../support/tally.ts';

const joined = {
  offset: 1,
  joined: {
    client_id: 'client-0000000000000001',
    incarnation: 'incarnation-0000000001',
    generation: 1,
  },
};
const begun = genesis(tally, { bound: 1_000 });
const snapshot = applyEntry(tally, begun, joined);
const command = { offset: 2, writer: 0, seq: 1, at_ms: 1, hash: 'x', events: [] };

describe('a session whose Redis is back', () => {
  let redis: RedisClient;
  let real: Journal;
  let sessionId: string;
  beforeAll(async () => {
    redis = connectRedis((await freshRedis()).url, () => {});
    await redis.connect();
    real = redisJournal(redis);
  });
  afterAll(() => redis.disconnect());
  /** Another owner has it there, of a term before. */
  beforeEach(async () => {
    sessionId = newIncarnation();
    const place = { sessionId, ownerId: 'former', epoch: '1-a' };
    await real.startEpoch({ ...place, term: 1, snapshot: begun });
    await real.append({ ...place, prev: 0, head: 1, entries: [JSON.stringify(joined)] });
  });

  const formerAppends = (): Promise<AppendResult> =>
    real.append({
      sessionId,
      ownerId: 'former',
      epoch: '1-a',
      prev: 1,
      head: 2,
      entries: [JSON.stringify(command)],
    });

  /** Goes on in Postgres until now. */
  function sessionLog(log: Journal): SessionLog {
    const place = { sessionId, ownerId: 'next', term: 2, epoch: '2-b' };
    const state = { model: tally, snapshot, saved: snapshot, recent: [] };
    const opened = { ...place, ...state, isLogged: false, isClaimed: true, isRebuilt: false };
    const checkpoints = memoryJournal({ keepsAll: true });
    return new SessionLog(opened, { log, checkpoints }, manualClock());
  }

  test('[R11] [O1] a former owner that still reaches Redis is told of nothing that the new epoch takes away', async () => {
    const answers: AppendResult[] = [];
    const log = sessionLog({
      ...real,
      startEpoch: async (start) => {
        answers.push(await formerAppends());
        return real.startEpoch(start);
      },
    });
    expect(await log.rejoin(snapshot)).toBe(true);
    expect(answers).toEqual(['fenced']);
    expect(log.isInRedis).toBe(true);
  });

  test('[R11] what Redis holds and this owner does not have is not written over', async () => {
    await formerAppends();
    const log = sessionLog(real);
    expect(await log.rejoin(snapshot)).toBe(false);
    expect(await real.peek(sessionId)).toMatchObject({ entries: [joined, command] });
  });

  test('[R11] an epoch that did not begin, or whose beginning was not heard of, is begun by the next input', async () => {
    let tries = 0;
    const startEpoch: Journal['startEpoch'] = async (start) => {
      tries++;
      if (tries === 2) await real.startEpoch(start);
      if (tries <= 2) throw new StoreUnavailableError('Redis', 'no answer');
      return real.startEpoch(start);
    };
    const log = sessionLog({ ...real, startEpoch });
    for (const isInRedis of [false, false, true]) {
      expect(await log.rejoin(snapshot)).toBe(true);
      expect(log.isInRedis).toBe(isInRedis);
    }
    expect(await real.peek(sessionId)).toMatchObject({ epoch: '2-b', term: 2 });
  });

  test('[O1] an owner of a later term, or another one of this term, keeps it', async () => {
    for (const term of [2, 3]) {
      await real.takeOver({ sessionId, ownerId: `later-${term}`, term, versions: { tally: 1 } });
      expect(await sessionLog(real).rejoin(snapshot)).toBe(false);
      expect(await real.peek(sessionId)).toMatchObject({ epoch: '1-a', term });
    }
  });

  test('[O5] a state of a version this owner does not know stays', async () => {
    const newer = { ...snapshot, version: 2 };
    await real.startEpoch({ sessionId, ownerId: 'former', term: 1, epoch: '1-c', snapshot: newer });
    expect(await sessionLog(real).rejoin(snapshot)).toBe(false);
    expect(await real.peek(sessionId)).toMatchObject({ epoch: '1-c', term: 1 });
  });
});
