/** What lasts for minutes in a run that asks for it, from the seed alone: each store away once, a device away for most of the run. */
import { seededRandom, type Random } from '../simulation/random.ts';

export type Store = 'redis' | 'postgres';

export interface LongOutage {
  readonly store: Store;
  /** Milliseconds of the run after which it begins, with the next storm, and how long it lasts. */
  readonly fromMs: number;
  readonly durationMs: number;
}

export interface LongPlan {
  readonly outages: readonly LongOutage[];
  /** `device`: taken modulo their number. */
  readonly absence: { readonly device: number; readonly fromMs: number; readonly untilMs: number };
}

/** Shares of the run: when the outages begin, and how long they last, which leaves time between them and after the second. */
const redisShare = [0.12, 0.18] as const;
const postgresShare = [0.5, 0.55] as const;
const outageShare = [0.2, 0.3] as const;
const absenceShare = [0.05, 0.88] as const;

export function planLong(
  seed: number,
  { durationMs, withRedis }: { readonly durationMs: number; readonly withRedis: boolean },
): LongPlan {
  const random = seededRandom(seed * 6_151 + 1);
  const outage = (store: Store, share: readonly [number, number]): LongOutage => ({
    store,
    fromMs: between(random, share) * durationMs,
    durationMs: Math.round(between(random, outageShare) * durationMs),
  });
  const redis = outage('redis', redisShare);
  const postgres = outage('postgres', postgresShare);
  const [from, until] = absenceShare;
  return {
    outages: withRedis ? [redis, postgres] : [postgres],
    absence: {
      device: random.integer(0, 1_000_000),
      fromMs: from * durationMs,
      untilMs: until * durationMs,
    },
  };
}

function between(random: Random, [from, through]: readonly [number, number]): number {
  return from + (through - from) * random.fraction();
}
