/** When sessions are saved. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { checkpointTurns } from '../../server/session/checkpoint-turns.ts';

/** Between two looks at who is due. */
const sweepMs = 250;

const anInterval = fc.constantFrom(10, 200, 5_000, 3_600_000);
const aMoment = fc.double({ min: 0, max: 1e9, noNaN: true });

describe('turns of checkpoints', () => {
  test('[C6] nothing is due later than after the interval, and what waits all the time is due once in each', () => {
    fc.assert(
      fc.property(anInterval, fc.nat(50), aMoment, (intervalMs, place, sinceMs) => {
        const turns = Array.from({ length: place + 1 }, checkpointTurns(intervalMs));
        const turn = turns[place] as (typeof turns)[number];
        const dueMs = turn(sinceMs);
        expect(dueMs).toBeGreaterThan(sinceMs);
        expect(dueMs).toBeLessThanOrEqual(sinceMs + intervalMs);
        expect(turn(dueMs)).toBe(dueMs + intervalMs);
      }),
    );
  });

  test('[C6] sessions that began together are due apart, evenly', () => {
    const intervalMs = 5_000;
    const turns = Array.from({ length: 500 }, checkpointTurns(intervalMs));
    const dueMs = turns.map((turn) => turn(1_000));
    const sweeps = intervalMs / sweepMs;
    const counts = Array.from(
      { length: sweeps },
      (_, sweep) => dueMs.filter((at) => Math.floor(at / sweepMs) % sweeps === sweep).length,
    );
    for (const count of counts) expect(Math.abs(count - 500 / sweeps)).toBeLessThanOrEqual(2);
  });
});
