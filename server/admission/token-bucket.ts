/** How often something may happen: at a steady rate, and a number of times at once. [B5] [F5] */

export interface TokenBucket {
  readonly tokens: number;
  readonly atMs: number;
}

/** Takes one token, or returns undefined when none is left. Twice the rate may come at once, or `burst`. */
export function takeToken(
  bucket: TokenBucket,
  nowMs: number,
  perSecond: number,
  burst = 2 * perSecond,
): TokenBucket | undefined {
  const grown = bucket.tokens + (Math.max(0, nowMs - bucket.atMs) * perSecond) / 1000;
  const tokens = Math.min(burst, grown) - 1;
  return tokens < 0 ? undefined : { tokens, atMs: nowMs };
}

export function fullBucket(nowMs: number, perSecond: number, burst = 2 * perSecond): TokenBucket {
  return { tokens: burst, atMs: nowMs };
}
