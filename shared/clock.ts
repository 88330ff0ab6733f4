/** The only door to time. Tests and the simulator pass a virtual clock through it. */

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Milliseconds since some moment that stays the same: for how long something takes, whatever somebody sets the time of day to. */
  elapsedMs(): number;
  /** Calls back once after that many milliseconds; the result cancels. */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  elapsedMs: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Resolves after that many milliseconds of the clock. */
export function delay(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}

/** A point in time as people and HTTP bodies write it. */
export function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}
