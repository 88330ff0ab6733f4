/** The stores of accounts: connections of their own, so that a storm of logins takes none from live sessions. */
import type { Clock } from '../../shared/clock.ts';
import { connectPostgres } from './postgres/connect-postgres.ts';
import { migrate } from './postgres/migrate.ts';
import { statementPool, type StatementPool } from './postgres/statement-pool.ts';
import { memoryRateLimit, withFallback, type RateLimit } from './rate-limit.ts';
import { connectRedis } from './redis/connect-redis.ts';
import { redisRateLimit } from './redis/redis-rate-limit.ts';

export interface AccountStoreOptions {
  readonly postgres: string;
  /** Without it each instance has rate limits of its own, which a restart forgets. */
  readonly redis?: string | undefined;
  readonly clock: Clock;
  readonly connectionsMax?: number | undefined;
  readonly warn: (store: 'Redis' | 'Postgres', error: Error) => void;
}

export interface AccountStores {
  readonly statements: StatementPool;
  readonly limit: RateLimit;
  /** Brings the database up to date, for who comes before the first server. */
  readonly migrate: () => Promise<unknown>;
  readonly close: () => Promise<void>;
}

/** A statement takes a millisecond: these serve hundreds of logins a second, and hashing is the bound long before. */
const connectionsDefault = 4;

/** Connects when it is needed. Throws one sentence when a URL cannot be read. */
export function openAccountStores({
  postgres,
  redis: redisUrl,
  clock,
  connectionsMax = connectionsDefault,
  warn,
}: AccountStoreOptions): AccountStores {
  const pool = connectPostgres(postgres, (error) => warn('Postgres', error), connectionsMax);
  const statements = statementPool(pool);
  const own = memoryRateLimit(clock);
  const shared = { statements, migrate: () => migrate(pool) };
  if (redisUrl === undefined) return { ...shared, limit: own, close: statements.close };
  const redis = connectRedis(redisUrl, (error) => warn('Redis', error));
  // Whether it answers is seen when it is asked; it goes on trying by itself.
  redis.connect().catch(() => {});
  return {
    ...shared,
    limit: withFallback(redisRateLimit(redis), own),
    close: async () => {
      redis.disconnect();
      await statements.close();
    },
  };
}
