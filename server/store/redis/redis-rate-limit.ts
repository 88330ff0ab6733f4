/** Rate limits that all instances share and that outlive them. */
import type { RateLimit } from '../rate-limit.ts';
import { isConnected, type RedisClient } from './connect-redis.ts';
import { limitKey } from './keys.ts';
import rateLimitScript from './rate-limit.lua';

/** Rejects when Redis does not answer. */
export function redisRateLimit(redis: RedisClient): RateLimit {
  redis.defineCommand('trackstandRateLimit', { numberOfKeys: 1, lua: rateLimitScript });
  const script: unknown = Reflect.get(redis, 'trackstandRateLimit');
  if (typeof script !== 'function') throw new Error('ioredis did not define the script.');
  const asked = <Result>(ask: () => Promise<Result>): Promise<Result> =>
    isConnected(redis) ? ask() : Promise.reject(new Error('Redis is away.'));
  return {
    take: (rate, key) =>
      asked(async () =>
        Number(
          await Reflect.apply(script, redis, [limitKey(rate.name, key), rate.eachMs, rate.burst]),
        ),
      ),
    clear: async (rate, key) => {
      await asked(() => redis.del(limitKey(rate.name, key)));
    },
  };
}
