import { inspect } from 'node:util';

import { afterEach, describe, expect, test, vi } from 'vitest';

import { StoreUnavailableError } from '../../server/store/journal.ts';
import { openStores } from '../../server/store/open-stores.ts';
import { connectRedis } from '../../server/store/redis/connect-redis.ts';
import { redisJournal } from '../../server/store/redis/redis-journal.ts';
import { manualClock } from '../support/manual-clock.ts';
import { startRedis } from '../support/services/redis-service.ts';
import { freshPostgres } from '../support/services/shared-services.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

describe('connecting to Redis', () => {
  test('a URL that cannot be read is told in one sentence that does not repeat it', () => {
    const connect = () => connectRedis('redis+sentinel://:hunter2@h', () => {});
    expect(connect).toThrow(/^The URL of Redis must name the master .*\.$/);
    expect(connect).not.toThrow(/hunter2/);
  });

  test.each(['redis://:hunter2@', 'redis+cluster://:hunter2@'])(
    'a wrong password is in no error, nor in what hangs at it: %s',
    async (start) => {
      const service = await startRedis(['--requirepass', 'another', '--cluster-enabled', 'no']);
      cleanups.push(() => service.stop());
      const reported: Error[] = [];
      const redis = connectRedis(`${start}127.0.0.1:${service.port}`, (error) =>
        reported.push(error),
      );
      cleanups.push(() => redis.disconnect());
      const connecting = redis.connect().catch((error: unknown) => error);
      await vi.waitFor(() => expect(inspect(reported)).toContain('WRONGPASS'), 120_000);
      const claim = { sessionId: 'session', ownerId: 'a', versions: {} };
      const refused = await redisJournal(redis)
        .takeOver(claim)
        .catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(StoreUnavailableError);
      redis.disconnect();
      const shown = inspect([reported, refused, await connecting], { depth: 9, showHidden: true });
      expect(shown).not.toContain('hunter2');
    },
  );

  test.each(['redis+sentinel://127.0.0.1:1,127.0.0.1:2/main', 'redis+cluster://127.0.0.1:1'])(
    'nobody there at the start: %s is given up within bounds',
    async (redis) => {
      const clock = manualClock();
      const { url: postgres } = await freshPostgres();
      const outcomes: unknown[] = [];
      openStores({ postgres, redis, clock, warn: () => {} }).catch((error: unknown) =>
        outcomes.push(error),
      );
      await vi.waitFor(() => {
        clock.pass(5_000);
        expect(outcomes).toEqual([expect.any(StoreUnavailableError)]);
      }, 120_000);
    },
  );
});
