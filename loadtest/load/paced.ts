/** Events at their moments: an open loop, spread evenly over the riders and over time. */
import type { Latency } from './latencies.ts';

/** How often it is looked what is due: an event waits half of it on average, for everybody the same. */
const tickMs = 2;

export interface Pace {
  readonly riderCount: number;
  readonly hz: number;
  readonly seconds: number;
  readonly lateness: Latency;
  readonly send: (rider: number, dueMs: number) => void;
}

/** Resolves when the last event has been sent. */
export function sendPaced({ riderCount, hz, seconds, lateness, send }: Pace): Promise<void> {
  const perMs = (riderCount * hz) / 1_000;
  const total = Math.floor(seconds * 1_000 * perMs);
  const startMs = performance.now();
  let sent = 0;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const nowMs = performance.now();
      const due = Math.min(total, Math.floor((nowMs - startMs) * perMs));
      for (; sent < due; sent++) {
        const dueMs = startMs + (sent + 1) / perMs;
        lateness.record(nowMs - dueMs);
        send(sent % riderCount, dueMs);
      }
      if (sent < total) return;
      clearInterval(timer);
      resolve();
    }, tickMs);
  });
}
