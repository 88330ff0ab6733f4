import { describe, expect, test } from 'vitest';

import { memoryRateLimit, withFallback, type RateLimit } from '../../server/store/rate-limit.ts';
import { connectRedis } from '../../server/store/redis/connect-redis.ts';
import { redisRateLimit } from '../../server/store/redis/redis-rate-limit.ts';
import { manualClock } from '../support/manual-clock.ts';
import { freshRedis } from '../support/services/shared-services.ts';

const rate = { name: 'tries', burst: 3, eachMs: 3_600_000 };

async function take(limit: RateLimit, count: number, key = 'ada'): Promise<number[]> {
  const waits: number[] = [];
  for (let round = 0; round < count; round++) waits.push(await limit.take(rate, key));
  return waits;
}

describe.each(['redis', 'memory'] as const)('a rate limit in %s', (kind) => {
  async function open(): Promise<{ limit: RateLimit; close: () => void }> {
    if (kind === 'memory') return { limit: memoryRateLimit(manualClock()), close: () => {} };
    const redis = connectRedis((await freshRedis()).url, () => {});
    await redis.connect();
    return { limit: redisRateLimit(redis), close: () => redis.disconnect() };
  }

  test('gives its burst and then says how long to wait; keys do not share it', async () => {
    const { limit, close } = await open();
    const [one, two, three, wait = 0] = await take(limit, 4);
    expect([one, two, three]).toEqual([0, 0, 0]);
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(rate.eachMs);
    expect(await take(limit, 1, 'bob')).toEqual([0]);
    close();
  });

  test('is not used up by who is refused, and is given back by clearing it', async () => {
    const { limit, close } = await open();
    const [, , , first = 0, second = 0] = await take(limit, 5);
    expect(second).toBeLessThanOrEqual(first);
    await limit.clear(rate, 'ada');
    expect(await take(limit, 1)).toEqual([0]);
    close();
  });

  test('takes one of many that come at once', async () => {
    const { limit, close } = await open();
    const waits = await Promise.all(Array.from({ length: 20 }, () => limit.take(rate, 'ada')));
    expect(waits.filter((wait) => wait === 0)).toHaveLength(rate.burst);
    close();
  });
});

test('in memory they come back one by one, as time passes', async () => {
  const clock = manualClock();
  const limit = memoryRateLimit(clock);
  await take(limit, 3);
  clock.pass(rate.eachMs - 1);
  expect(await take(limit, 1)).toEqual([1]);
  clock.pass(1);
  expect(await take(limit, 2)).toEqual([0, rate.eachMs]);
  clock.pass(10 * rate.eachMs);
  expect((await take(limit, 4)).filter((wait) => wait === 0)).toHaveLength(3);
});

test('what is kept in Redis goes when it is full again', async () => {
  const { url } = await freshRedis();
  const redis = connectRedis(url, () => {});
  await redis.connect();
  await take(redisRateLimit(redis), 2);
  const [key = ''] = await redis.keys('*');
  const ttlMs = await redis.pttl(key);
  expect(ttlMs).toBeGreaterThan(rate.eachMs);
  expect(ttlMs).toBeLessThanOrEqual(2 * rate.eachMs);
  redis.disconnect();
});

test('in memory the time of day does not count: somebody may set it', async () => {
  const clock = manualClock();
  const limit = memoryRateLimit(clock);
  await take(limit, 3);
  clock.setForward(-10 * rate.eachMs);
  clock.pass(rate.eachMs);
  expect(await take(limit, 1)).toEqual([0]);
});

test('of more keys than memory has room for, the one unseen for longest is forgotten', async () => {
  const limit = memoryRateLimit(manualClock());
  const once = { name: 'once', burst: 1, eachMs: 3_600_000 };
  for (let count = 0; count < 50_000; count++) await limit.take(once, `key ${count}`);
  expect(await limit.take(once, 'key 0')).toBeGreaterThan(0);
  await limit.take(once, 'one more');
  expect(await limit.take(once, 'key 1')).toBeGreaterThan(0);
  expect(await limit.take(once, 'key 0')).toBe(0);
});

test('while Redis is away each instance keeps its own', async () => {
  const { url } = await freshRedis();
  const redis = connectRedis(url, () => {});
  const clock = manualClock();
  const limit = withFallback(redisRateLimit(redis), memoryRateLimit(clock), clock);
  // Never connected.
  expect((await take(limit, 4)).filter((wait) => wait === 0)).toHaveLength(3);
  await limit.clear(rate, 'ada');
  expect(await take(limit, 1)).toEqual([0]);
  redis.disconnect();
});

test('a Redis that does not answer is left alone for a moment, so that nobody waits for it in line', async () => {
  const clock = manualClock();
  let asked = 0;
  const silent: RateLimit = {
    take: () => Promise.reject(new Error(`asked ${++asked} times`)),
    clear: () => Promise.reject(new Error(`asked ${++asked} times`)),
  };
  const limit = withFallback(silent, memoryRateLimit(clock), clock);
  await take(limit, 5);
  await limit.clear(rate, 'ada');
  expect(asked).toBe(1);
  clock.pass(500);
  await take(limit, 1);
  expect(asked).toBe(2);
});
