import { expect, test } from 'vitest';

import { planStorm } from './fault-plan.ts';
import { planLong } from './long-plan.ts';

const tenMinutesMs = 600_000;
const options = { durationMs: tenMinutesMs, withRedis: true };

test('in ten minutes each store is away for two to three, one after the other, and there is time after them', () => {
  for (let seed = 0; seed < 200; seed += 1) {
    const [redis, postgres] = planLong(seed, options).outages;
    expect([redis?.store, postgres?.store]).toEqual(['redis', 'postgres']);
    if (redis === undefined || postgres === undefined) return;
    for (const { durationMs } of [redis, postgres]) {
      expect(durationMs).toBeGreaterThanOrEqual(120_000);
      expect(durationMs).toBeLessThanOrEqual(180_000);
    }
    expect(redis.fromMs + redis.durationMs).toBeLessThan(postgres.fromMs);
    expect(postgres.fromMs + postgres.durationMs).toBeLessThan(0.9 * tenMinutesMs);
  }
});

test('a device is away for most of the run, and back before its end', () => {
  const { fromMs, untilMs } = planLong(7, options).absence;
  expect(untilMs - fromMs).toBeGreaterThan(0.8 * tenMinutesMs);
  expect(untilMs).toBeLessThan(tenMinutesMs);
});

test('a seed gives the same again, and without Redis only Postgres is away', () => {
  expect(planLong(7, options)).toEqual(planLong(7, options));
  expect(planLong(7, options)).not.toEqual(planLong(8, options));
  const without = planLong(7, { ...options, withRedis: false }).outages;
  expect(without.map(({ store }) => store)).toEqual(['postgres']);
});

test('a storm in which a store is away begins with that, lasts as long, and leaves what sessions go on with', () => {
  const [first, ...rest] = planStorm(7, 3, {
    lengthMs: 120_000,
    withRedis: true,
    away: 'postgres',
  });
  expect(first).toMatchObject({
    kind: 'postgres away for minutes',
    afterMs: 0,
    durationMs: 120_000,
  });
  expect(rest.length).toBeGreaterThan(20);
  const kinds = rest.map(({ kind }) => kind);
  expect(
    kinds.filter((kind) => /^(postgres|redis) |^instance (killed|drained)/.test(kind)),
  ).toEqual([]);
  expect(kinds).toContain('instance frozen');
});
