/** How many frames a second one connection may send. [B5] */

export interface TokenBucket {
  readonly tokens: number;
  readonly atMs: number;
}

/** Takes one token, or returns undefined when none is left. Twice the rate may come at once. */
export function takeToken(
  bucket: TokenBucket,
  nowMs: number,
  perSecond: number,
): TokenBucket | undefined {
  const grown = bucket.tokens + (Math.max(0, nowMs - bucket.atMs) * perSecond) / 1000;
  const tokens = Math.min(2 * perSecond, grown) - 1;
  return tokens < 0 ? undefined : { tokens, atMs: nowMs };
}

export function fullBucket(nowMs: number, perSecond: number): TokenBucket {
  return { tokens: 2 * perSecond, atMs: nowMs };
}
