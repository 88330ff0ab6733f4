/** Two times at once: commands are stamped with the ride's, timers run in real time. */
import { systemClock, type Clock } from '../../shared/clock.ts';

/** A clock for `connect`. A gap the client reports is in the ride's time; the wire witness measures gaps in real time. */
export interface RideClock extends Clock {
  /** Puts the ride's time forward. */
  moveTo(atMs: number): void;
}

export function rideClock(startMs: number): RideClock {
  let nowMs = startMs;
  return {
    nowMs: () => nowMs,
    elapsedMs: () => systemClock.elapsedMs(),
    // Reconnects and time-outs are the network's matter, which does not run faster than life.
    after: (delayMs, callback) => systemClock.after(delayMs, callback),
    moveTo: (atMs) => {
      nowMs = atMs;
    },
  };
}
