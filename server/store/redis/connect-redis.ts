/**
 * A connection to Redis that answers or fails at once: nothing is queued for later, because late writes are the ones that harm. One
 * server, the master that sentinels name, or a cluster, by URL.
 */
import { Cluster, Redis } from 'ioredis';

import { StoreUnavailableError } from '../journal.ts';
import { hashSlot, slotCount } from './hash-slot.ts';
import { sessionKeys } from './keys.ts';
import { parseRedisUrl, type RedisAddress, type RedisTarget } from './redis-url.ts';

/** One server, be it a sentinels' master, or a cluster. */
export type RedisClient = Redis | Cluster;

/** Milliseconds a command may take before its outcome counts as unknown. */
const commandTimeoutMs = 2_000;

/** Milliseconds until a command is tried again whose keys are on their way to another node. It was refused, so this repeats nothing. */
const slotMovingRetryMs = 50;

/** Milliseconds that a connection which does not answer has to close. */
const disconnectTimeoutMs = 100;

/** Not connected yet. Throws one sentence, without the URL, when it cannot be read. */
export function connectRedis(url: string, reportError: (error: Error) => void): RedisClient {
  const parsed = parseRedisUrl(url);
  if ('fault' in parsed) throw new Error(`The URL of Redis ${parsed.fault}.`);
  const redis = createClient(parsed.value);
  // ioredis hangs the command to its errors, and with AUTH the password.
  const report = (error: Error): void => reportError(new Error(error.message));
  redis.on('error', report);
  redis.on('node error', report);
  return redis;
}

const retryStrategy = (attempt: number): number => Math.min(50 * 2 ** Math.min(attempt, 6), 1_000);

/** What holds for every connection. */
const sharedOptions = ({ isEncrypted, credentials }: RedisTarget) => ({
  ...credentials,
  ...(isEncrypted && { tls: {} }),
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  commandTimeout: commandTimeoutMs,
  connectTimeout: commandTimeoutMs,
});

function createClient(target: RedisTarget): RedisClient {
  const shared = sharedOptions(target);
  const alone = { ...shared, enableOfflineQueue: false, lazyConnect: true, retryStrategy };
  switch (target.kind) {
    case 'server':
      return new Redis({ ...alone, ...target.address, db: target.database });
    case 'sentinel': {
      const { sentinelCredentials, masterName, database, sentinels } = target;
      return new Redis({
        ...alone,
        sentinels: [...sentinels],
        name: masterName,
        db: database,
        ...(target.isEncrypted && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
        sentinelUsername: sentinelCredentials.username,
        sentinelPassword: sentinelCredentials.password,
        sentinelCommandTimeout: commandTimeoutMs,
        sentinelRetryStrategy: retryStrategy,
        disconnectTimeout: disconnectTimeoutMs,
        // A master that was made a replica: the sentinels know the new one.
        reconnectOnError: (error) => error.message.startsWith('READONLY'),
      });
    }
    case 'cluster':
      return createCluster([...target.nodes], shared);
  }
}

function createCluster(
  nodes: RedisAddress[],
  redisOptions: ReturnType<typeof sharedOptions>,
): Cluster {
  const cluster = new Cluster(nodes, {
    redisOptions,
    lazyConnect: true,
    clusterRetryStrategy: retryStrategy,
    // Connections to nodes are made when they are needed, and what is sent meanwhile waits for them, within its time-out. Without
    // a cluster nothing is sent at all: see `isConnected`.
    enableOfflineQueue: true,
    slotsRefreshTimeout: commandTimeoutMs,
    // A certificate is for the name, not for what the name leads to: it is looked up where the connection is made.
    dnsLookup: (name, found) => found(null, name),
    retryDelayOnTryAgain: slotMovingRetryMs,
    // After a connection broke it is not known what landed: whoever asked decides whether to ask again.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
  });
  cluster.on('+node', (node: Redis) => {
    // ioredis does not look at the answer to ASKING. A rejection nobody handles would end the process; the command after it fails too.
    const asking = node.asking.bind(node);
    node.asking = () => asking().catch(() => 'OK' as const);
  });
  return cluster;
}

/** Whether commands can be sent now. */
export function isConnected(redis: RedisClient): boolean {
  return redis.status === 'ready';
}

/** Names the master that has a session, as far as is known: a cluster can be away in parts. */
export function masterOf(redis: RedisClient, sessionId: string): string {
  if (!(redis instanceof Cluster)) return 'all';
  return redis.slots[hashSlot(sessionKeys(sessionId).meta)]?.[0] ?? 'none';
}

/**
 * After a command without an answer: the master may be another one by now. A cluster is asked for its slots, sentinels for their
 * master; a single server stays where it is.
 */
export function lookForMasters(redis: RedisClient): void {
  if (redis instanceof Cluster) redis.refreshSlotsCache();
  else if (redis.options.sentinels && isConnected(redis)) redis.disconnect(true);
}

/**
 * Rejects with one sentence when Redis would throw live sessions away under memory pressure: an evicted log looks like a lost one,
 * session by session, at the worst time.
 */
export async function checkEviction(redis: RedisClient): Promise<void> {
  const masters = redis instanceof Cluster ? redis.nodes('master') : [redis];
  const memories = await Promise.all(masters.map((master) => master.info('memory'))).catch(
    (cause: unknown) => {
      throw new StoreUnavailableError('Redis', cause instanceof Error ? cause.message : cause);
    },
  );
  for (const memory of memories) {
    const [, policy] = /maxmemory_policy:(\S+)/.exec(memory) ?? [];
    if (policy !== 'noeviction')
      throw new Error(`Redis must run with "maxmemory-policy noeviction"; it has "${policy}".`);
  }
}

/**
 * Whether every session has its Redis. A cluster is up only as a whole: each slot has a master, and each of these answers and says
 * that the cluster is fine. With less than that some sessions go on in Postgres, which an operator must see.
 */
export async function isRedisUp(redis: RedisClient): Promise<boolean> {
  if (!isConnected(redis)) return false;
  if (!(redis instanceof Cluster)) return redis.ping().then(yes, no);
  const isWhole = await isClusterWhole(redis);
  if (!isWhole) lookForMasters(redis);
  return isWhole;
}

async function isClusterWhole(cluster: Cluster): Promise<boolean> {
  const addresses = Array.from({ length: slotCount }, (_, slot) => cluster.slots[slot]?.[0]);
  const masters = new Map(
    cluster.nodes('master').map((node) => [`${node.options.host}:${node.options.port}`, node]),
  );
  const answers = [...new Set(addresses)].map(async (address) => {
    const state = await masters.get(address ?? '')?.cluster('INFO');
    return typeof state === 'string' && state.includes('cluster_state:ok');
  });
  return Promise.all(answers).then((isFine) => isFine.every(Boolean), no);
}

const yes = (): boolean => true;
const no = (): boolean => false;
