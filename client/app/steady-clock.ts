/**
 * The page's clock. The one rule for elapsed time: it is what passed on the wall between the device's words, never less than nothing,
 * and never more than `silenceMaxMs` without a word. So
 * - a device that slept comes back to the second it fell asleep in, give or take that bound, and the pause is told as "away";
 * - a clock set forward counts no more than a sleep;
 * - a clock set back changes nothing: this clock goes on from where it was, by the time that really passed.
 */
import type { Clock } from '../../shared/clock.ts';

export interface SteadyClock extends Clock {
  /** A page before this one has seen that time. */
  notBefore(atMs: number): void;
}

export function steadyClock(clock: Clock): SteadyClock {
  let aheadMs = 0;
  let latest = { wallMs: clock.nowMs(), elapsedMs: clock.elapsedMs() };
  const nowMs = (): number => {
    const next = { wallMs: clock.nowMs(), elapsedMs: clock.elapsedMs() };
    const backMs = latest.wallMs + (next.elapsedMs - latest.elapsedMs) - next.wallMs;
    // The time of day is corrected by milliseconds all the time; only when it runs back it matters.
    if (next.wallMs < latest.wallMs) aheadMs += backMs;
    latest = next;
    return Math.round(next.wallMs + aheadMs);
  };
  return {
    nowMs,
    elapsedMs: () => clock.elapsedMs(),
    after: (delayMs, callback) => clock.after(delayMs, callback),
    notBefore: (atMs) => {
      aheadMs += Math.max(0, atMs - nowMs());
    },
  };
}
