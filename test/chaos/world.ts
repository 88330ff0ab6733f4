/** Everything a run needs, private and real: two instances, their stores, and a proxy of faults on every way between two of them. */
import { startPostgres, type PostgresService } from '../support/services/postgres-service.ts';
import { startRedis, type RedisService } from '../support/services/redis-service.ts';
import { startFaultProxy, type FaultProxy } from './fault-proxy.ts';
import type { History } from './history.ts';
import { Instance } from './instance.ts';
import { fencedByPostgres, fencedByRedis, ReplyCount } from './reply-count.ts';

export interface WorldParts {
  /** Path of the built server. */
  readonly serverFile: string;
  readonly withRedis: boolean;
  readonly history: History;
}

/** An instance with its own ways to the stores: one may be cut off while the other is not. */
export interface Station {
  readonly instance: Instance;
  readonly toPostgres: FaultProxy;
  readonly toRedis: FaultProxy | undefined;
}

export interface World {
  readonly stations: readonly Station[];
  readonly postgres: PostgresService;
  readonly redis: RedisService | undefined;
  /** What the stores refused to former owners. */
  readonly fenced: { readonly redis: ReplyCount; readonly postgres: ReplyCount };
  /** Where a session's new connections go, by the session's number; a fault flips it. */
  readonly routes: number[];
  /** A way from a device of that session to the service. */
  openNetwork(session: number): Promise<FaultProxy>;
  stop(): Promise<void>;
}

/** Signs the tokens of this run. */
export const chaosSecret = 'a secret of thirty-two characters or more';

const instanceCount = 2;

const settings = {
  TRACKSTAND_SECRET: chaosSecret,
  // Short, so that much happens in a minute: what a crash finds unsaved, and hosts that let go of their session.
  CHECKPOINT_MS: '400',
  DETACHED_GRACE_MS: '2500',
  DRAIN_GRACE_MS: '1000',
  DRAIN_NOTICE_MS: '50',
};

/** Resolves when both instances serve. Leaves nothing behind when it rejects. */
export async function startWorld(parts: WorldParts): Promise<World> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).toReversed()) await end();
  };
  try {
    return { ...(await open(parts, (end) => stops.push(end))), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function open(
  { serverFile, withRedis, history }: WorldParts,
  atEnd: (end: () => Promise<void>) => void,
): Promise<Omit<World, 'stop'>> {
  const postgres = await startPostgres();
  atEnd(() => postgres.stop());
  const redis = withRedis ? await startRedis() : undefined;
  if (redis !== undefined) atEnd(() => redis.stop());
  const fenced = {
    redis: new ReplyCount(fencedByRedis),
    postgres: new ReplyCount(fencedByPostgres),
  };
  const proxy = async (target: () => number, replies?: ReplyCount): Promise<FaultProxy> => {
    const started = await startFaultProxy(target, replies && (() => replies.listener()));
    atEnd(() => started.stop());
    return started;
  };
  const stations: Station[] = [];
  for (let number = 0; number < instanceCount; number++) {
    const toPostgres = await proxy(() => postgres.port, fenced.postgres);
    const toRedis = redis && (await proxy(() => redis.port, fenced.redis));
    const name = `instance ${number}`;
    const instance = await Instance.create({
      name,
      serverFile,
      env: {
        ...settings,
        DATABASE_URL: `postgres://postgres@127.0.0.1:${toPostgres.port}/postgres`,
        REDIS_URL: toRedis === undefined ? '' : `redis://127.0.0.1:${toRedis.port}`,
      },
      log: (line) => history.add(`${name}: ${line}`),
    });
    atEnd(() => instance.stop());
    stations.push({ instance, toPostgres, toRedis });
  }
  await Promise.all(stations.map(({ instance }) => instance.start()));
  const routes: number[] = [];
  return {
    stations,
    postgres,
    redis,
    fenced,
    routes,
    openNetwork: (session) => proxy(() => portFor(stations, routes[session] ?? 0)),
  };
}

/** As a proxy does that knows which instances answer: the one of the route, or another one that does. */
function portFor(stations: readonly Station[], route: number): number {
  const [preferred, other] = [stations[route], stations[1 - route]];
  const isUsable = preferred?.instance.isRoutable === true || other?.instance.isRoutable !== true;
  return (isUsable ? preferred : other)?.instance.port ?? 0;
}
