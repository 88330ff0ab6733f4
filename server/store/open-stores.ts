/** Reaches the stores, brings them up to date, and checks that they are fit to hold sessions. */
import type { Clock } from '../../shared/clock.ts';
import { calmCircuit, withCircuit, type CircuitWatch } from './circuit.ts';
import type { InstanceBook } from './instances.ts';
import { StoreUnavailableError, type Housekeeping, type Journal } from './journal.ts';
import type { Journals } from './journals.ts';
import { connectPostgres } from './postgres/connect-postgres.ts';
import { migrate, type Arrival } from './postgres/migrate.ts';
import { postgresHousekeeping } from './postgres/postgres-housekeeping.ts';
import { postgresInstances } from './postgres/postgres-instances.ts';
import { postgresJournal } from './postgres/postgres-journal.ts';
import { schemaCatalog } from './postgres/schema-catalog.ts';
import { memoryRateLimit, withFallback, type RateLimit } from './rate-limit.ts';
import {
  checkEviction,
  connectRedis,
  isConnected,
  isRedisUp,
  masterOf,
  type RedisClient,
} from './redis/connect-redis.ts';
import { sessionKeys } from './redis/keys.ts';
import { logVersions } from './redis/log-versions.ts';
import { redisJournal } from './redis/redis-journal.ts';
import { redisRateLimit } from './redis/redis-rate-limit.ts';
import type { LogVersions, SchemaCatalog } from './schema-catalog.ts';

export interface StoreOptions {
  readonly postgres: string;
  readonly redis?: string | undefined;
  readonly clock: Clock;
  /** A connection broke; the store's name and what it said. */
  readonly warn: (store: 'Redis' | 'Postgres', error: Error) => void;
  /** The instance that opens them, when it is one: its release is in use from then on. */
  readonly arrival?: Arrival | undefined;
}

export interface Stores {
  readonly journals: Journals;
  readonly schemas: SchemaCatalog;
  /** Undefined without Redis. */
  readonly logVersions: LogVersions | undefined;
  readonly housekeeping: Housekeeping;
  /** In Redis, so that they outlive instances and hold over all of them; without it, or while it is away, each has its own. */
  readonly limit: RateLimit;
  /** Undefined for who serves nobody. */
  readonly instances: InstanceBook | undefined;
  readonly circuits: { readonly postgres: CircuitWatch; readonly redis: CircuitWatch | undefined };
  readonly probe: () => Promise<{
    readonly postgres: 'up' | 'down';
    readonly redis: 'up' | 'down' | 'absent';
  }>;
  /** Takes sessions that are deleted in Postgres out of Redis; those it cannot be asked about go there in three days. */
  readonly forget: (sessionIds: readonly string[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Milliseconds Redis has to answer at the start: sentinels and clusters are otherwise looked for without end. */
const reachTimeoutMs = 5_000;

export async function openStores({
  postgres,
  redis: redisUrl,
  clock,
  warn,
  arrival,
}: StoreOptions): Promise<Stores> {
  const pool = connectPostgres(postgres, (error) => warn('Postgres', error));
  const redis =
    redisUrl === undefined ? undefined : connectRedis(redisUrl, (error) => warn('Redis', error));
  try {
    await migrate(pool, { clock, arrival });
    if (redis !== undefined) await takeUp(redis, clock, arrival === undefined ? undefined : warn);
  } catch (error) {
    redis?.disconnect();
    await pool.end();
    throw error;
  }
  const postgresSide = postgresJournal(pool);
  const circuits = {
    postgres: calmCircuit(),
    redis: redis === undefined ? undefined : calmCircuit(),
  };
  const journals = {
    checkpoints: {
      ...withCircuit(postgresSide, 'Postgres', clock, { watch: circuits.postgres }),
      history: (sessionId: string) => postgresSide.history(sessionId),
      create: (...session: Parameters<typeof postgresSide.create>) =>
        postgresSide.create(...session),
    },
    log: redis === undefined ? undefined : redisSide(redis, clock, circuits.redis),
  };
  return {
    journals,
    schemas: schemaCatalog(pool),
    logVersions: redis === undefined ? undefined : logVersions(redis),
    housekeeping: postgresHousekeeping(pool),
    limit: limitOf(redis, clock),
    instances: arrival === undefined ? undefined : postgresInstances(pool, arrival),
    circuits,
    probe: async () => {
      const isPostgresUp = await pool.query('select 1').then(yes, no);
      const hasRedis = redis === undefined ? undefined : await isRedisUp(redis);
      return {
        postgres: isPostgresUp ? 'up' : 'down',
        redis: hasRedis === undefined ? 'absent' : hasRedis ? 'up' : 'down',
      };
    },
    forget: async (sessionIds) => {
      if (redis === undefined || !isConnected(redis)) return;
      await Promise.all(
        sessionIds.map((id) => redis.del(...Object.values(sessionKeys(id))).catch(no)),
      );
    },
    close: async () => {
      redis?.disconnect();
      await pool.end();
    },
  };
}

function limitOf(redis: RedisClient | undefined, clock: Clock): RateLimit {
  const own = memoryRateLimit(clock);
  return redis === undefined ? own : withFallback(redisRateLimit(redis), own, clock);
}

function redisSide(redis: RedisClient, clock: Clock, watch = calmCircuit()): Journal {
  const partOf = (sessionId: string): string => masterOf(redis, sessionId);
  return withCircuit(redisJournal(redis), 'Redis', clock, { partOf, watch });
}

/**
 * `warn`: of an instance, which serves from Postgres until Redis is there. Otherwise one that dies while Redis is away would not come
 * back, and in the end nobody would serve. A Redis that would evict live sessions is refused at the start; later it is left alone.
 */
async function takeUp(
  redis: RedisClient,
  clock: Clock,
  warn: StoreOptions['warn'] | undefined,
): Promise<void> {
  try {
    await reach(redis, clock);
    await checkEviction(redis);
  } catch (error) {
    if (warn === undefined || !(error instanceof StoreUnavailableError)) throw error;
    warn('Redis', error);
    const check = async (): Promise<void> => {
      try {
        await checkEviction(redis);
        redis.off('ready', look);
      } catch (reason) {
        warn('Redis', reason instanceof Error ? reason : new Error(String(reason)));
        if (!(reason instanceof StoreUnavailableError)) redis.disconnect();
      }
    };
    const look = (): void => void check();
    redis.on('ready', look);
  }
}

function reach(redis: RedisClient, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => reject(new StoreUnavailableError('Redis', cause));
    const cancel = clock.after(reachTimeoutMs, () => fail(`no answer in ${reachTimeoutMs} ms`));
    redis.connect().then(resolve, fail).finally(cancel);
  });
}

const yes = (): boolean => true;
const no = (): boolean => false;
