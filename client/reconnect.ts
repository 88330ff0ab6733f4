/** When to try again: the first retry at once but not all at the same instant, then full jitter, doubling to a bound. */

/** Milliseconds the first retry is spread over, and the longest pause; a server's `welcome` may say otherwise. */
export const defaultBackoffMs: readonly [firstMs: number, longestMs: number] = [200, 20_000];

/** The pause the second retry is drawn from; doubles from there. */
const secondMs = 500;

/**
 * Milliseconds to wait before retry number `attempt` (from 0). `random` is in [0, 1). The first retry is jittered too: a thousand
 * clients that lost the same server must not come back in the same millisecond.
 */
export function retryDelayMs(
  attempt: number,
  [firstMs, longestMs]: readonly [number, number],
  random: number,
): number {
  const span = attempt === 0 ? firstMs : Math.min(longestMs, secondMs * 2 ** (attempt - 1));
  return Math.round(span * random);
}
