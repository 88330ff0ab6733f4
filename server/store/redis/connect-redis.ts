/** A connection to Redis that answers or fails at once: nothing is queued for later, because late writes are the ones that harm. */
import { Redis } from 'ioredis';

import { StoreUnavailableError } from '../journal.ts';

/** Milliseconds a command may take before its outcome counts as unknown. */
const commandTimeoutMs = 2_000;

export function connectRedis(url: string, reportError: (error: Error) => void): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: commandTimeoutMs,
    connectTimeout: commandTimeoutMs,
    lazyConnect: true,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), 1_000),
  });
  redis.on('error', reportError);
  return redis;
}

/**
 * Rejects with one sentence when Redis would throw live sessions away under memory pressure: an evicted log looks like a lost one,
 * session by session, at the worst time.
 */
export async function checkEviction(redis: Redis): Promise<void> {
  const memory = await redis.info('memory').catch((cause: unknown) => {
    throw new StoreUnavailableError('Redis', cause);
  });
  const [, policy] = /maxmemory_policy:(\S+)/.exec(memory) ?? [];
  if (policy !== 'noeviction')
    throw new Error(`Redis must run with "maxmemory-policy noeviction"; it has "${policy}".`);
}
