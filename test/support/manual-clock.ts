/** Time that passes only when a test says so. */
import type { Clock } from '../../shared/clock.ts';

export interface ManualClock extends Clock {
  /** Lets that many milliseconds pass, calling back in order. */
  pass(ms: number): void;
  /** Somebody sets the time of day: forward, or back when negative. */
  setForward(ms: number): void;
}

export function manualClock(startMs = 1_000_000): ManualClock {
  let nowMs = startMs;
  let setForwardMs = 0;
  let timers: { atMs: number; callback: () => void }[] = [];
  return {
    nowMs: () => nowMs + setForwardMs,
    elapsedMs: () => nowMs,
    setForward: (ms) => {
      setForwardMs += ms;
    },
    after: (delayMs, callback) => {
      const timer = { atMs: nowMs + delayMs, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    pass: (ms) => {
      const endMs = nowMs + ms;
      for (;;) {
        const [next] = timers
          .filter(({ atMs }) => atMs <= endMs)
          .toSorted((a, b) => a.atMs - b.atMs);
        if (next === undefined) break;
        timers = timers.filter((other) => other !== next);
        nowMs = next.atMs;
        next.callback();
      }
      nowMs = endMs;
    },
  };
}
