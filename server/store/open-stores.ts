/** Reaches the stores, brings them up to date, and checks that they are fit to hold sessions. */
import type { Clock } from '../../shared/clock.ts';
import { withCircuit } from './circuit.ts';
import type { Journals } from './journals.ts';
import { connectPostgres } from './postgres/connect-postgres.ts';
import { migrate } from './postgres/migrate.ts';
import { postgresJournal } from './postgres/postgres-journal.ts';
import { checkEviction, connectRedis } from './redis/connect-redis.ts';
import { redisJournal } from './redis/redis-journal.ts';

export interface StoreOptions {
  readonly postgres: string;
  readonly redis?: string | undefined;
  readonly clock: Clock;
  /** A connection broke; the store's name and what it said. */
  readonly warn: (store: 'Redis' | 'Postgres', error: Error) => void;
}

export interface Stores {
  readonly journals: Journals;
  readonly probe: () => Promise<{
    readonly postgres: 'up' | 'down';
    readonly redis: 'up' | 'down' | 'absent';
  }>;
  readonly close: () => Promise<void>;
}

export async function openStores({
  postgres,
  redis: redisUrl,
  clock,
  warn,
}: StoreOptions): Promise<Stores> {
  const pool = connectPostgres(postgres, (error) => warn('Postgres', error));
  const redis =
    redisUrl === undefined ? undefined : connectRedis(redisUrl, (error) => warn('Redis', error));
  try {
    await migrate(pool);
    if (redis !== undefined) {
      await redis.connect();
      await checkEviction(redis);
    }
  } catch (error) {
    redis?.disconnect();
    await pool.end();
    throw error;
  }
  const postgresSide = postgresJournal(pool);
  const journals = {
    checkpoints: {
      ...withCircuit(postgresSide, 'Postgres', clock),
      history: (sessionId: string) => postgresSide.history(sessionId),
      create: (...session: Parameters<typeof postgresSide.create>) =>
        postgresSide.create(...session),
    },
    log: redis === undefined ? undefined : withCircuit(redisJournal(redis), 'Redis', clock),
  };
  return {
    journals,
    probe: async () => {
      const isPostgresUp = await pool.query('select 1').then(yes, no);
      const isRedisUp = redis === undefined ? undefined : await redis.ping().then(yes, no);
      return {
        postgres: isPostgresUp ? 'up' : 'down',
        redis: isRedisUp === undefined ? 'absent' : isRedisUp ? 'up' : 'down',
      };
    },
    close: async () => {
      redis?.disconnect();
      await pool.end();
    },
  };
}

const yes = (): boolean => true;
const no = (): boolean => false;
