/** How often each of many may do something, in bounded memory. [F5] */
import type { Clock } from '../../shared/clock.ts';
import { fullBucket, takeToken, type TokenBucket } from './token-bucket.ts';

export interface Quota {
  /** Takes one for that key, or says in how many seconds there will be one. */
  readonly take: (key: string) => number | undefined;
}

const secondsPerHour = 3_600;

/** Keys remembered. The one not seen for the longest time is forgotten first, and begins with a full bucket should it come again. */
const keysMax = 20_000;

/** `perHour`: as many at once, and as many an hour. */
export function createQuota(clock: Pick<Clock, 'elapsedMs'>, perHour: number): Quota {
  const buckets = new Map<string, TokenBucket>();
  const perSecond = perHour / secondsPerHour;
  return {
    take: (key) => {
      const nowMs = clock.elapsedMs();
      const former = buckets.get(key) ?? fullBucket(nowMs, perSecond, perHour);
      const bucket = takeToken(former, nowMs, perSecond, perHour);
      if (bucket === undefined) return waitS(former, nowMs, perSecond);
      buckets.delete(key);
      buckets.set(key, bucket);
      const [longestUnseen] = buckets.keys();
      if (buckets.size > keysMax && longestUnseen !== undefined) buckets.delete(longestUnseen);
      return undefined;
    },
  };
}

/** Seconds until there is a whole token. */
function waitS({ tokens, atMs }: TokenBucket, nowMs: number, perSecond: number): number {
  const missing = 1 - tokens - ((nowMs - atMs) * perSecond) / 1000;
  return Math.max(1, Math.ceil(missing / perSecond));
}
