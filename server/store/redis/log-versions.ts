/** Schema versions of the states Redis has. */
import { StoreUnavailableError } from '../journal.ts';
import type { LogVersions } from '../schema-catalog.ts';
import { isConnected, type RedisClient } from './connect-redis.ts';
import { sessionKeys } from './keys.ts';

export function logVersions(redis: RedisClient): LogVersions {
  return {
    version: async (sessionId) => {
      if (!isConnected(redis)) throw new StoreUnavailableError('Redis', 'it is not connected');
      try {
        const version = await redis.hget(sessionKeys(sessionId).meta, 'version');
        return version === null ? undefined : Number(version);
      } catch (error) {
        throw new StoreUnavailableError('Redis', error instanceof Error ? error.message : error);
      }
    },
  };
}
